/**
 * One diagnosis is about one boot of one host. Logs often hold more: a kern.log over a reboot, two hosts in one mail. Tasks of
 * different boots never wait for each other, so only the last boot that shows tasks is diagnosed, and the report says so.
 */
import type { Evidence } from "../evidence/types.ts";
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
  const o = evidence.origins[last];
  const hosts = new Set(evidence.origins.map((x) => x.host ?? "")).size;
  const everything = evidence.tasks.length;
  const left = evidence.tasks.filter((t) => of(t) !== last).length;
  const what = hosts > 1 ? `${present.size} boots of ${hosts} hosts` : `${present.size} boots`;
  return {
    evidence: {
      ...evidence,
      tasks: mine(evidence.tasks),
      heldLocks: mine(evidence.heldLocks),
      ooms: mine(evidence.ooms),
      troubles: mine(evidence.troubles),
      lockups: mine(evidence.lockups),
    },
    answer: {
      question: "Which boot, and which host, is this about?",
      answer: `The input has ${what}; this is the last with tasks in it${o?.host === undefined ? "" : ` (host ${o.host})`}. What the others show (${left} of ${everything} printings of tasks) is left out: give it to a call of its own.`,
      lines: o ? [{ input: o.input, line: o.line }] : [],
    },
  };
}
