/** Helps to write diagnoses by hand: frames are taken from the log text itself, so that their line numbers are true. */
import type { ContextRef, ContextView, Diagnosis, FrameView } from "../../diagnose/types.ts";

/** A hand-written diagnosis with the text it was made from. */
export interface Sample {
  readonly name: string;
  readonly diagnosis: Diagnosis;
  readonly sources: readonly { readonly name: string; readonly text: string }[];
}

const FRAME = /(?:^|\s)((?:\? )?[A-Za-z_][\w.]*\+0x[0-9a-f]+\/0x[0-9a-f]+(?: \[\w+\])?)\s*$/;
const CRASH_FRAME = /^\s*#?\d+ \[\S*\] ([\w.]+) at\b[^[]*(\[\w+\])?/;

/** Frames of lines `from`..`to` (1-based); `says` gives the meaning by function name. */
export function frames(text: string, from: number, to: number, says: Readonly<Record<string, string>>): FrameView[] {
  const lines = text.split("\n");
  const found: FrameView[] = [];
  for (let line = from; line <= to; line++) {
    const raw = lines[line - 1] ?? "";
    const crash = CRASH_FRAME.exec(raw);
    const printed = crash === null ? FRAME.exec(raw)?.[1] : [crash[1], crash[2]].filter((x) => x !== undefined).join(" ");
    if (printed === undefined) continue;
    const meaning = printed.startsWith("?") ? undefined : says[printed.split(/[+ ]/)[0] ?? ""];
    found.push({ text: printed, line, ...(meaning === undefined ? {} : { says: meaning }) });
  }
  return found;
}

/** The reference part of a view. */
export function refOf(view: ContextView): ContextRef {
  const { key, kind, pid, comm, cpu, input, line } = view;
  return {
    key, kind,
    ...(pid === undefined ? {} : { pid }),
    ...(comm === undefined ? {} : { comm }),
    ...(cpu === undefined ? {} : { cpu }),
    ...(input === undefined ? {} : { input }),
    ...(line === undefined ? {} : { line }),
  };
}

/** An {@link import("../../evidence/types.ts").InputInfo} counted from the text. */
export function inputInfo(name: string, format: string, text: string): Diagnosis["inputs"][number] {
  return { name, format, formats: [format], bytes: new TextEncoder().encode(text).length, lines: text.split("\n").length };
}

/** What every sample has unless it says otherwise. */
export const EMPTY = {
  exits: [], core: [], breakers: [], stuckBehind: [], unexplained: [], knownBugs: [], answers: [], advice: [], missing: [],
  assumptions: [], unknownFrames: [], unparsed: { count: 0 }, cutLines: 0,
} as const satisfies Partial<Diagnosis>;
