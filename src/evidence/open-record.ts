/** What is kept of a task record while its lines are coming, and what its header may say. */
import type { Frame, TaskRecord, TaskState } from "./types.ts";

/** With members that can be set, also to undefined: what is known so far. */
export type Mutable<T> = { -readonly [K in keyof T]: T[K] | undefined };

/** What a header says about its task. */
export type HeaderFields = Partial<
  Mutable<
    Pick<
      TaskRecord,
      | "pid"
      | "tgid"
      | "ppid"
      | "comm"
      | "cpu"
      | "state"
      | "blockedSeconds"
      | "workqueue"
      | "likelyOwner"
      | "title"
      | "wchan"
      | "count"
    >
  >
>;

/** A record whose lines are still coming. */
export interface OpenRecord {
  format: string;
  snapshot: number;
  fields: HeaderFields;
  readonly line: number;
  lastLine: number;
  readonly time: number | undefined;
  lastTime: number | undefined;
  readonly frames: Frame[];
  readonly frameLines: number[];
  /** Started by a frame or a bare `Call Trace:`, not by a header. */
  readonly bare: boolean;
  form: string | undefined;
  /** `Call Trace:` was printed. */
  trace: boolean;
  /** Inside `<TASK>`. */
  taskMark: boolean;
  /** Its end was printed: `</TASK>`, or the end marker of /proc/PID/stack. */
  ended: boolean;
  lastIndex: number | undefined;
  /** Hash of the user-mode registers so far. */
  userRegs: number | undefined;
  /** A blank line, or a line no reader knows, came after the last frame. */
  blank: boolean;
  prose: boolean;
}

/** State letter of a header; kernels before v4.14 also print `x`. */
export const taskState = (letter: string | undefined): TaskState | undefined => {
  if (letter === undefined) return undefined;
  if ("RSDTtXZPIWK".includes(letter)) return letter as TaskState;
  return letter === "x" ? "X" : undefined;
};
