/**
 * One diagnosis is about one boot of one host. Logs often hold more: a kern.log over a reboot, two hosts in one mail. Tasks of
 * different boots never wait for each other, so only the last boot that shows tasks is diagnosed, and the report says so.
 */
import type { Evidence, HeldLockList, Snapshot, TaskRecord } from "../evidence/types.ts";
import type { Answer } from "./types.ts";

export interface OneHost {
  readonly evidence: Evidence;
  /** Said when something was left out. */
  readonly answer?: Answer;
}

/** The evidence of the last boot that has tasks. */
export function lastBoot(evidence: Evidence): OneHost {
  if (evidence.origins.length < 2) return { evidence };
  const of = (r: { readonly origin?: number }) => r.origin ?? 0;
  const present = new Set(evidence.tasks.map(of));
  if (present.size < 2) return { evidence };
  const last = Math.max(...present);
  const mine = <T extends { readonly origin?: number }>(list: readonly T[]) => list.filter((r) => of(r) === last);
  /** What nothing places may be of this boot as well as of another. */
  const notElsewhere = <T extends { readonly origin?: number }>(list: readonly T[]) =>
    list.filter((r) => (r.origin ?? last) === last);
  const o = evidence.origins[last];
  const hosts = new Set(evidence.origins.map((x) => x.host ?? "")).size;
  const everything = evidence.tasks.length;
  const left = evidence.tasks.filter((t) => of(t) !== last).length;
  const what = hosts > 1 ? `${present.size} boots of ${hosts} hosts` : `${present.size} boots`;
  return {
    evidence: {
      ...evidence,
      ...withSnapshots(evidence.snapshots, (s) => of(s) === last, mine(evidence.tasks), mine(evidence.heldLocks)),
      ooms: mine(evidence.ooms),
      troubles: mine(evidence.troubles),
      lockups: mine(evidence.lockups),
      workqueues: mine(evidence.workqueues),
      samples: notElsewhere(evidence.samples),
      scanControls: notElsewhere(evidence.scanControls),
      splats: notElsewhere(evidence.splats),
    },
    answer: {
      question: "Which boot, and which host, is this about?",
      answer: `The input has ${what}; this is the last with tasks in it${o?.host === undefined ? "" : ` (host ${o.host})`}. What the others show (${left} of ${everything} printings of tasks) is left out: give it to a call of its own.`,
      lines: o ? [{ input: o.input, line: o.line }] : [],
    },
  };
}

/** Snapshots are named by their index: those that stay get a new one. */
function withSnapshots(
  all: readonly Snapshot[],
  stays: (s: Snapshot) => boolean,
  tasks: readonly TaskRecord[],
  heldLocks: readonly HeldLockList[],
): Pick<Evidence, "snapshots" | "tasks" | "heldLocks"> {
  // Where there are more than are kept, tasks name the last one that was, whosever it is: it stays with them.
  const used = new Set(tasks.map((t) => t.snapshot));
  const kept = [...all.keys()].filter((i) => used.has(i) || stays(all[i]!));
  const now = new Map(kept.map((i, n) => [i, n]));
  return {
    snapshots: kept.map((i) => all[i]!),
    tasks: tasks.map((t) => ({ ...t, snapshot: now.get(t.snapshot)! })),
    heldLocks: heldLocks.map(({ snapshot, ...l }) => {
      const index = snapshot === undefined ? undefined : now.get(snapshot);
      return index === undefined ? l : { ...l, snapshot: index };
    }),
  };
}
