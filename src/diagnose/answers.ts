/** The questions maintainers ask, answered unprompted where the log allows. */
import type { Evidence, OomReport } from "../evidence/types.ts";
import { decodeGfp } from "../knowledge/gfp.ts";
import type { Release } from "../knowledge/release.ts";
import type { Progress } from "./progress.ts";
import type { Answer, CoreEdgeView } from "./types.ts";
import type { Finding } from "./verdict.ts";
import { tellingHolds, wantedClasses } from "./view.ts";
import type { Party } from "./wants.ts";
import { contextWords, list, resourceWords } from "./words.ts";

type At = { readonly input: number; readonly line: number };

/** Answers in the order people ask. */
export function answersOf(
  f: Finding,
  evidence: Evidence,
  progress: Progress,
  core: readonly CoreEdgeView[],
  release: Release | undefined,
): Answer[] {
  return [
    ...victimOrHolder(f),
    ...whichTaskMatters(f, core),
    ...whoHoldsTheHandle(f),
    ...isIoCompleting(f, progress),
    ...oomVictims(f, evidence),
    ...gfpMasks(evidence, release),
    ...howFarOver(evidence),
    ...stateCounts(evidence),
    ...progressFacts(progress),
  ];
}

function at(p: Party, line: number | undefined): At {
  return { input: p.subject.now.input, line: line ?? p.subject.now.line };
}

/** The median report shows one task; this is the first thing its reader wants to know. */
function victimOrHolder(f: Finding): Answer[] {
  const inCore = new Set<Party>((f.core?.contexts ?? []).flatMap((c) => f.model.parties[c] ?? []));
  const blocked = f.model.parties.filter((p) => p.subject.blocked && p.want);
  if (blocked.length > 3) return [];
  const wanted = wantedClasses(f.model.parties);
  return blocked
    .filter((p) => !inCore.has(p))
    .map((p) => {
      const who = contextWords(p.subject.ref);
      const wants = p.want!;
      const holds = tellingHolds(p, wanted).filter((h) => h.confidence !== "possible");
      const names = [...new Set(holds.map((h) => h.id ?? h.class))];
      const role = names.length > 0 ? "waiter that also holds something" : "victim";
      const held =
        names.length > 0
          ? ` It holds ${list(names)} meanwhile.`
          : " Its stack shows nothing that others would wait for.";
      const what = resourceWords({ class: wants.class, ...(wants.id !== undefined && { id: wants.id }) });
      return {
        question: `Is ${who} the victim or the holder?`,
        answer: `A ${role}: it waits for ${what} (${wants.because}).${held}`,
        lines: [at(p, wants.line)],
      };
    });
}

function whichTaskMatters(f: Finding, core: readonly CoreEdgeView[]): Answer[] {
  const waiting = f.model.parties.filter((p) => p.subject.blocked && p.want).reduce((n, p) => n + p.subject.count, 0);
  if (waiting < 4) return [];
  if (core.length > 0) {
    const who = [...new Set(core.map((e) => contextWords(e.waiter)))];
    return [
      {
        question: `Which of the ${waiting} waiting tasks matter?`,
        answer: `${list(who, 6)}; the others wait behind ${who.length === 1 ? "it" : "them"} or for something else.`,
        lines: core.flatMap((e) => e.lines.slice(0, 1)),
      },
    ];
  }
  const behind = new Map<number, number>();
  f.model.parties.forEach((p, i) => {
    const w = f.model.graph.contexts[i]?.wait;
    if (!p.want || w?.kind !== "event") return;
    for (const q of f.model.graph.events[w.event]!.providers)
      if (q.context < f.model.parties.length && q.context !== i)
        behind.set(q.context, (behind.get(q.context) ?? 0) + p.subject.count);
  });
  const top = [...behind].sort((a, b) => b[1] - a[1])[0];
  if (!top || top[1] < 2) return [];
  const p = f.model.parties[top[0]]!;
  const state = p.want
    ? `waits itself for ${resourceWords({ class: p.want.class, ...(p.want.id !== undefined && { id: p.want.id }) })}`
    : "can run";
  return [
    {
      question: `Which of the ${waiting} waiting tasks matters?`,
      answer: `${contextWords(p.subject.ref)}: ${top[1]} tasks may wait for what it holds; it ${state}.`,
      lines: [at(p, undefined)],
    },
  ];
}

/** Inferred from stacks between start and stop; journal_info says nothing about other tasks. */
function whoHoldsTheHandle(f: Finding): Answer[] {
  const concerned = f.model.parties.some((p) => p.subject.blocked && p.want && /^jbd2_/.test(p.want.class));
  const holders = f.model.parties.filter((p) => p.haves.some((h) => h.class === "jbd2_handle"));
  if (!concerned && !holders.some((p) => p.want?.class === "memcg_charge" || p.want?.class === "reclaim")) return [];
  if (holders.length === 0)
    return [
      {
        question: "Who holds the jbd2 handle?",
        answer:
          "No stack in this log lies between a handle's start and its stop: the holder is running or was not printed.",
        lines: [],
      },
    ];
  const names = holders.map((p) => {
    const h = p.haves.find((x) => x.class === "jbd2_handle")!;
    return `${contextWords(p.subject.ref)} (${h.because.replace(/:.*/, "")})`;
  });
  return [
    {
      question: "Who holds the jbd2 handle?",
      answer: `${list(names, 4)}.`,
      lines: holders.slice(0, 4).map((p) => at(p, p.haves.find((x) => x.class === "jbd2_handle")!.line)),
    },
  ];
}

function isIoCompleting(f: Finding, progress: Progress): Answer[] {
  const t = f.terminals.find((x) => x.role === "hardware");
  if (!t) return [];
  const parties = t.parties.slice(0, 3).map((i) => f.model.parties[i]!);
  const state =
    progress.storage === "advancing"
      ? "the disk counters rise, so the device works"
      : progress.ioStuck
        ? "requests are in flight and no counter moves: it has lost them, or is far slower than the samples are apart"
        : progress.storage === "still"
          ? "the disk counters stand still"
          : "no counters in this input tell whether it completes";
  return [
    {
      question: "Is a submitted I/O simply not completing?",
      answer: `${t.count} ${t.count === 1 ? "wait ends" : "waits end"} at the device (${list(parties.map((p) => contextWords(p.subject.ref)))}${t.count > parties.length ? ` and ${t.count - parties.length} more` : ""}); ${state}.`,
      lines: parties.map((p) => at(p, p.want?.line)),
    },
  ];
}

function oomVictims(f: Finding, evidence: Evidence): Answer[] {
  const killed = evidence.ooms.filter((o) => o.kind === "killed" && o.pid !== undefined);
  if (killed.length === 0) return [];
  const stuck: { o: OomReport; p: Party }[] = [];
  for (const o of killed) {
    const p = f.model.parties.find((x) => x.subject.ref.pid === o.pid);
    if (p?.want && p.subject.blocked && p.subject.now.line > o.line) stuck.push({ o, p });
  }
  const failed = evidence.ooms.filter((o) => o.kind === "unable-to-reap");
  const reaped = evidence.ooms.filter((o) => o.kind === "reaped");
  const first = stuck[0];
  const answer = first
    ? `Yes: ${list(stuck.map(({ p }) => `${contextWords(p.subject.ref)} waits for ${resourceWords({ class: p.want!.class, ...(p.want!.id !== undefined && { id: p.want!.id }) })}`))}.`
    : `${killed.length} killed, ${reaped.length} reaped${failed.length > 0 ? `, ${failed.length} could not be reaped` : ""}; no victim is among the blocked tasks.`;
  return [
    {
      question: "Did an OOM victim get stuck, and behind what?",
      answer,
      lines: (first
        ? stuck.map(({ o }) => ({ input: o.input, line: o.line }))
        : killed.map((o) => ({ input: o.input, line: o.line }))
      ).slice(0, 4),
    },
  ];
}

function gfpMasks(evidence: Evidence, release: Release | undefined): Answer[] {
  const masks = new Map<number, At>();
  for (const s of evidence.scanControls)
    if (s.values.gfp_mask !== undefined) masks.set(s.values.gfp_mask, { input: s.input, line: s.line });
  for (const o of evidence.ooms)
    if (o.gfpMask !== undefined && !masks.has(o.gfpMask)) masks.set(o.gfpMask, { input: o.input, line: o.line });
  return [...masks].slice(0, 4).map(([mask, line]) => {
    const readings = decodeGfp(mask, release);
    const first = readings[0];
    const others = readings.length > 1 ? ` (with another kernel's bits: ${readings[1]!.text})` : "";
    const answer = first
      ? `${first.text}: ${first.mayDirectReclaim ? "may reclaim" : "does not reclaim"}, ${first.mayEnterFs ? "may enter the file system" : "does not enter the file system"}${first.nofail ? ", must not fail" : ""}${others}.`
      : "not a mask of any kernel known here.";
    return { question: `What is the GFP mask 0x${mask.toString(16)}?`, answer, lines: [line] };
  });
}

/**
 * `mm/memcontrol.c:try_charge_memcg` at `nomem` and `force`: __GFP_NOFAIL, __GFP_HIGH (since 5.19; __GFP_ATOMIC in 5.4-5.18,
 * `gfp_memcg_charge` of softirqs), PF_MEMALLOC; dying tasks until commit a4ebf1b6ca1e ("memcg: prohibit unconditional
 * exceeding the limit of dying tasks") (v5.16, in 5.10.y and 5.15.y too). `memory_max_write` sets first and reclaims then; in
 * v1 `page_counter_set_max` refuses.
 */
const OVER_THE_LIMIT =
  "What exceeds a hard limit: charges that must not fail, atomic ones (5.4 and later; the network's above all), reclaim's own, and before 5.16 and its backports those of dying tasks; or memory.max (v2) was set below the usage.";

function howFarOver(evidence: Evidence): Answer[] {
  const counter = evidence.samples.filter((s) => s.source === "page_counter");
  const max = counter.find((s) => s.values.max !== undefined);
  const usage = counter.find((s) => s.values.usage !== undefined);
  if (max && usage) {
    const over = usage.values.usage! - max.values.max!;
    const percent = ((over * 100) / max.values.max!).toFixed(1);
    const gib = ((over * 4096) / 2 ** 30).toFixed(1);
    return [
      {
        question: "How far over its limit is the group?",
        answer:
          over > 0
            ? `${over} pages (${gib} GiB, ${percent} %): usage ${usage.values.usage}, limit ${max.values.max}. ${OVER_THE_LIMIT}`
            : `Not over: ${usage.values.usage} of ${max.values.max} pages.`,
        lines: [
          { input: max.input, line: max.line },
          { input: usage.input, line: usage.line },
        ],
      },
    ];
  }
  const o = [...evidence.ooms].reverse().find((x) => x.usageKb !== undefined && x.limitKb !== undefined);
  if (!o) return [];
  const over = o.usageKb! - o.limitKb!;
  return [
    {
      question: "How far over its limit is the group?",
      answer: `usage ${o.usageKb} kB of ${o.limitKb} kB (${over > 0 ? `${over} kB over` : "at the limit"})${o.failcnt !== undefined ? `, ${o.failcnt} failed charges` : ""}.`,
      lines: [{ input: o.input, line: o.line }],
    },
  ];
}

function stateCounts(evidence: Evidence): Answer[] {
  const ps = evidence.samples.filter((s) => s.source === "ps");
  if (ps.length === 0) return [];
  const parts = [
    ...new Set(
      ps.flatMap((s) => Object.entries(s.values).map(([k, v]) => `${v} in state ${k === "count" ? s.key : k}`)),
    ),
  ];
  return [
    {
      question: "How many tasks are in which state?",
      answer: `${list(parts, 6)}.`,
      lines: ps.slice(0, 4).map((s) => ({ input: s.input, line: s.line })),
    },
  ];
}

function progressFacts(progress: Progress): Answer[] {
  if (progress.facts.length === 0) return [];
  return [
    {
      question: "Does anything make progress?",
      answer: `${list(
        progress.facts.map((x) => x.text),
        4,
      )}.`,
      lines: progress.facts.flatMap((x) => x.lines).slice(0, 6),
    },
  ];
}
