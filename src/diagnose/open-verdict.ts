/**
 * The verdict when nothing is dead: where the open chains end, and whether anything moves. Rules are asked in order; the first
 * that applies has the answer. `none` is the hardest to earn: it sends people home.
 */
import type { DeviceTrouble, Evidence } from "../evidence/types.ts";
import type { Analysis, Confidence, Core } from "../waits/types.ts";
import type { Model } from "./model.ts";
import type { Progress } from "./progress.ts";
import { type Terminal, terminalsOf } from "./terminals.ts";
import type { Verdict } from "./types.ts";
import type { Finding } from "./verdict.ts";
import type { Party } from "./wants.ts";

interface Situation {
  readonly evidence: Evidence;
  readonly parties: readonly Party[];
  readonly progress: Progress;
  readonly blocked: readonly Party[];
  readonly moved: readonly Party[];
  readonly stuck: readonly Party[];
  readonly hung: boolean;
  readonly advancing: boolean;
  readonly top: Terminal | undefined;
}

interface Saying {
  readonly verdict: Verdict;
  readonly confidence: Confidence;
  readonly reason: string;
}

type Rule = (s: Situation) => Saying | undefined;

const say = (verdict: Verdict, confidence: Confidence, reason: string): Saying => ({ verdict, confidence, reason });

const nothingRead: Rule = ({ evidence }) =>
  evidence.tasks.length === 0 &&
  evidence.lockups.length === 0 &&
  evidence.splats.length === 0 &&
  !evidence.snapshots.some((x) => x.complete)
    ? say("unknown", "possible", "no stack was recognised")
    : undefined;

/** A lockdep report is about an order of locks, not about a task that hangs. */
const onlyReported: Rule = ({ evidence, blocked }) => {
  const splat = evidence.splats[0];
  if (!splat || blocked.length > 0) return undefined;
  const locks = splat.locks.length > 0 ? `: ${splat.locks.slice(0, 3).join(", ")}` : "";
  return say(
    "unknown",
    "possible",
    `lockdep reports "${splat.title}"${locks}; that is a warning, and no task hangs in this log`,
  );
};

const lockedUp: Rule = ({ evidence, blocked }) => {
  const l = evidence.lockups[0];
  if (!l || blocked.length > 0) return undefined;
  const cpu = l.cpu === undefined ? "a CPU" : `CPU ${l.cpu}`;
  const who = l.comm === undefined ? "" : ` in ${l.comm}${l.pid === undefined ? "" : ` (${l.pid})`}`;
  const seconds = l.seconds === undefined ? "" : ` for ${l.seconds} s`;
  return say(
    "unknown",
    "possible",
    `${cpu} has not been given up${seconds}${who}: it spins or loops, it does not wait`,
  );
};

const over: Rule = ({ blocked, hung }) =>
  blocked.length === 0 && hung
    ? say("slow", "likely", "the reported waits are over: a later dump no longer shows them")
    : undefined;

/** A lock that several tasks list has one holder and waiters. */
const contended: Rule = ({ evidence, blocked }) => {
  if (blocked.length > 0) return undefined;
  const seen = new Map<string, Set<number>>();
  for (const l of evidence.heldLocks) {
    for (const k of l.locks) {
      if (k.address === undefined || /rcu|_rwsem|sem\b|sb_writers/.test(k.name)) continue;
      const pids = seen.get(`${k.address} ${k.name}`) ?? new Set();
      pids.add(l.pid);
      seen.set(`${k.address} ${k.name}`, pids);
    }
  }
  const most = [...seen].sort((a, b) => b[1].size - a[1].size)[0];
  if (!most || most[1].size < 2) return undefined;
  const name = most[0].slice(most[0].indexOf(" ") + 1);
  return say(
    "unknown",
    "possible",
    `${most[1].size} tasks list ${name}: one holds it, the others wait, but no stack of theirs is in this log`,
  );
};

const idle: Rule = ({ blocked, hung, evidence }) =>
  blocked.length === 0 && !hung && evidence.lockups.length === 0
    ? say("none", "likely", "nobody waits in the last dump")
    : undefined;

const passing: Rule = ({ hung, evidence, moved, stuck, blocked, progress, top }) => {
  const settled = stuck.length > 0 || blocked.some((p) => p.subject.persistence === "as-reported");
  if (hung || evidence.lockups.length > 0 || moved.length === 0 || settled) return undefined;
  const counted = progress.storage !== "unknown" || progress.memory !== "unknown";
  if (!counted && top?.role === "hardware")
    return say("slow", "likely", "short waits for the device, other ones in each dump");
  return say("none", "likely", "every blocked task was elsewhere in another dump: ordinary waits");
};

const advances: Rule = ({ advancing }) =>
  advancing ? say("slow", "likely", "counters of finished work still rise") : undefined;

const deviceOrServer: Rule = ({ top, progress, evidence, moved, stuck }) => {
  if (top?.role !== "hardware" && top?.role !== "server") return undefined;
  if (progress.ioStuck) return say("lost-io", "likely", "requests are in flight and none completes");
  const trouble = evidence.troubles.find((t) => t.kind !== "recovered");
  const recovered = evidence.troubles.find((t) => t.kind === "recovered");
  if (trouble && recovered) return say("slow", "likely", `the device had trouble and recovered: ${quote(recovered)}`);
  if (trouble) return say("lost-io", "likely", `the log reports trouble: ${quote(trouble)}`);
  if (moved.length > 0 && stuck.length === 0) return say("slow", "likely", "blocked tasks went on between dumps");
  return undefined;
};

function quote(t: DeviceTrouble): string {
  const text = t.text.length > 90 ? `${t.text.slice(0, 87)}...` : t.text;
  return `"${text}" (line ${t.line}${t.device === undefined ? "" : `, ${t.device}`})`;
}

/** Frozen tasks wait for the thaw; one of the group that is not frozen is why the freeze does not end. */
const frozen: Rule = ({ blocked, parties }) => {
  const inTrap = blocked.filter((p) => p.want?.class === "frozen");
  if (inTrap.length === 0 || inTrap.length < blocked.length) return undefined;
  const outside = parties.find(
    (p) => p.want === undefined && p.subject.now.state === undefined && p.subject.now.stack.names.length > 0,
  );
  if (!outside) return undefined;
  return say(
    "unknown",
    "possible",
    `${inTrap.length} tasks are frozen, but ${outside.subject.ref.pid === undefined ? "another" : `pid ${outside.subject.ref.pid}`} is not in the freezer`,
  );
};

const heldFromOutside: Rule = ({ top }) =>
  top?.role === "admin"
    ? say("slow", "likely", `${top.count} ${top.count === 1 ? "wait ends" : "waits end"} at ${top.name}`)
    : undefined;

const timed: Rule = ({ top, stuck }) => {
  if (top?.role !== "timed") return undefined;
  // A timer ends the holder's sleep, not what others wait for: it may poll with the lock held.
  const behind = stuck.find((p) => p.want?.sleep !== "timed");
  if (behind)
    return say(
      "unknown",
      "possible",
      "the holder sleeps on a timer while it holds what others have waited for a long time",
    );
  return say("slow", "likely", `${top.count} ${top.count === 1 ? "wait ends" : "waits end"} at a timer`);
};

const moving: Rule = ({ moved, stuck, blocked }) =>
  moved.length > 0 && stuck.length === 0 && !blocked.some((p) => p.subject.persistence === "as-reported")
    ? say("slow", "possible", "blocked tasks went on between dumps")
    : undefined;

const RULES: readonly Rule[] = [
  nothingRead,
  onlyReported,
  lockedUp,
  over,
  contended,
  idle,
  passing,
  advances,
  frozen,
  deviceOrServer,
  heldFromOutside,
  timed,
  moving,
];

/** The verdict of a world without a dead set that counts. */
export function openVerdict(
  evidence: Evidence,
  parties: readonly Party[],
  progress: Progress,
  strict: { readonly model: Model; readonly analysis: Analysis },
  suspect: Core | undefined,
): Finding {
  const terminals = terminalsOf(strict.model, strict.analysis);
  const blocked = parties.filter((p) => p.subject.blocked && !p.subject.released && p.subject.meaning.state !== "idle");
  const situation: Situation = {
    evidence,
    parties,
    progress,
    blocked,
    moved: parties.filter((p) => p.subject.persistence === "moved"),
    stuck: blocked.filter((p) => p.subject.persistence === "stuck"),
    hung: parties.some((p) => p.subject.blockedSeconds !== undefined),
    advancing: progress.storage === "advancing" || progress.memory === "advancing",
    top: terminals[0],
  };
  let saying: Saying | undefined;
  for (const rule of RULES) if ((saying = rule(situation))) break;
  return {
    ...strict,
    assumptions: [],
    terminals,
    ...(suspect && { suspect }),
    verdict: saying?.verdict ?? "unknown",
    confidence: saying?.confidence ?? "possible",
    reasons: saying ? [saying.reason] : [],
  };
}
