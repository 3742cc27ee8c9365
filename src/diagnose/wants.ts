/**
 * What each subject wants and has, in one form, whether a stack, a lock list or the kernel's own
 * "likely owned by" line says so.
 */
import type { Evidence } from "../evidence/types.ts";
import type { ProviderHint, Scope, Sleep } from "../knowledge/types.ts";
import type { Confidence } from "../waits/types.ts";
import { splitLocks } from "./lock-names.ts";
import { deviceNames, type Place, placeOf } from "./places.ts";
import { MEMCG_RECLAIM, RECLAIM_FRAMES } from "./reclaim-frames.ts";
import type { Subject } from "./subjects.ts";
import { threadRoles } from "./thread-roles.ts";

export interface Want {
  readonly class: string;
  readonly id?: string;
  /** Folder whose locks of this name are meant. */
  readonly realm?: string;
  readonly event: string;
  readonly mode?: "read" | "write";
  readonly scope: Scope;
  readonly sleep: Sleep;
  readonly seconds?: number;
  readonly any: boolean;
  readonly providers: readonly ProviderHint[];
  readonly because: string;
  readonly line?: number;
  /** Index into the stack's names; -1 when no frame says so. */
  readonly frame: number;
  /** Lock address from lockdep. */
  readonly address?: string;
  /** Owner as the kernel names it. */
  readonly ownerPid?: number;
  /** The wait is a step of a reclaim loop that will try again. */
  readonly retries: boolean;
  /** Inside reclaim: the page waited for is another one than those the caller has locked. */
  readonly inReclaim: boolean;
  readonly fallback: boolean;
  readonly caller?: string;
}

export interface Have {
  readonly subject: number;
  readonly class: string;
  readonly id?: string;
  readonly realm?: string;
  readonly mode?: "read" | "write";
  readonly scope: Scope;
  readonly confidence: Confidence;
  readonly because: string;
  readonly line?: number;
  readonly frame: number;
  readonly address?: string;
}

export interface Party {
  readonly subject: Subject;
  readonly place: Place;
  readonly want?: Want;
  readonly haves: readonly Have[];
}

/** Waits that are only steps of a reclaim loop. */
const RECLAIM_STEPS = new Set(["reclaim", "memcg_charge", "lru_lock", "spinlock", "memcg_oom"]);

/** Who is there, as far as the evidence shows. */
export interface World {
  readonly parties: readonly Party[];
  /** Indices of parties that the OOM killer chose and that are still there. */
  readonly victims: ReadonlySet<number>;
  /** End-of-I/O works that are queued and do not run: the device has done its part, what is left is the worker's. */
  readonly pendingEndIo?: PendingEndIo;
  /** Holders by lock address that only a lock list shows, without a stack. */
  readonly listed: ReadonlyMap<string, ListedHolder>;
}

export interface ListedHolder {
  readonly pid: number;
  readonly comm: string;
  readonly input: number;
  readonly line: number;
}

export interface PendingEndIo {
  readonly fn: string;
  readonly queue: string;
  readonly count: number;
  readonly input: number;
  readonly line: number;
}

/** Works that end writeback after the bio has completed (fs/xfs/xfs_aops.c, fs/ext4/page-io.c, fs/btrfs, fs/iomap). */
const END_IO = /^(xfs_end_io|ext4_end_io_(rsv_)?work|btrfs_end_bio_work|iomap_\w*end_io\w*|end_workqueue_fn)$/;
/** A few are always on their way. */
const MANY_PENDING = 8;

/** The workqueue with most end-of-I/O works pending, when there are too many to be on their way. */
export function pendingEndIo(evidence: Evidence): PendingEndIo | undefined {
  const found = evidence.workqueues
    .map((w) => ({ w, works: w.pending.filter((p) => END_IO.test(p)) }))
    .sort((a, b) => b.works.length - a.works.length)[0];
  if (!found || found.works.length < MANY_PENDING) return undefined;
  const { w, works } = found;
  return { fn: works[0]!, queue: w.name, count: works.length, input: w.input, line: w.line };
}

/**
 * Locks that lockdep lists for tasks whose stack is not in the evidence. The last entry of such a list is left out: without
 * the stack nobody can tell whether the task holds that lock or waits for it.
 */
export function listedHolders(evidence: Evidence, parties: readonly Party[]): Map<string, ListedHolder> {
  const shown = new Set(parties.map((p) => p.subject.ref.pid));
  const out = new Map<string, ListedHolder>();
  for (const l of evidence.heldLocks) {
    if (shown.has(l.pid)) continue;
    for (const lock of l.locks.slice(0, -1)) {
      if (lock.address !== undefined)
        out.set(lock.address, { pid: l.pid, comm: l.comm, input: l.input, line: lock.line });
    }
  }
  return out;
}

/** Parties of all subjects, in their order. */
export function partiesOf(evidence: Evidence, subjects: readonly Subject[]): Party[] {
  const names = deviceNames(evidence);
  return subjects.map((subject, i) => {
    const place = placeOf(subject, names);
    const want = wantOf(subject);
    return { subject, place, ...(want && { want }), haves: havesOf(subject, i) };
  });
}

function lineOf(s: Subject, frame: number): number | undefined {
  if (frame < 0) return s.now.line;
  const lines = s.now.frameLines;
  if (!lines) return s.now.line;
  let reliable = -1;
  for (let i = 0; i < s.now.stack.frames.length; i++) {
    const f = s.now.stack.frames[i]!;
    if ((f.unreliable && !s.unreliable) || f.symbol === "") continue;
    if (++reliable === frame) return lines[i] ?? s.now.line;
  }
  return s.now.line;
}

function wantOf(s: Subject): Want | undefined {
  const m = s.meaning;
  const { names } = s;
  const inReclaim = names.some((n) => RECLAIM_FRAMES.has(n));
  const memcg = names.some((n) => MEMCG_RECLAIM.has(n));
  const w = m.wait;
  const step = w === undefined || RECLAIM_STEPS.has(w.class) || m.state === "running" || m.state === "spinning";
  if (inReclaim && step && m.state !== "idle" && (s.blocked || m.state !== "waiting")) return reclaimWant(s, memcg);
  if (!w || m.state === "running") return undefined;
  const split = s.locks ? splitLocks(s.locks, w) : undefined;
  const owner = s.now.likelyOwner;
  const line = lineOf(s, w.frame);
  const address = split?.awaited?.address;
  const id = w.id ?? split?.awaited?.id;
  return {
    class: split?.awaited && generic(w.class) ? split.awaited.class : w.class,
    ...(id !== undefined && { id }),
    ...(w.realm !== undefined && { realm: w.realm }),
    event: w.event,
    ...(w.mode && { mode: w.mode }),
    scope: w.scope,
    sleep: w.sleep,
    ...(w.seconds !== undefined && { seconds: w.seconds }),
    any: w.any,
    providers: w.providers,
    because: whyWait(names[w.frame] ?? "", w.caller),
    ...(line !== undefined && { line }),
    frame: w.frame,
    ...(address !== undefined && { address }),
    ...(owner && { ownerPid: owner.pid }),
    // Polling or spinning for one lock is waiting for its holder; a loop is one that tries again to get any of many things.
    retries: w.any && (w.sleep === "poll" || w.sleep === "spin"),
    inReclaim,
    fallback: w.fallback,
    ...(w.caller !== undefined && { caller: w.caller }),
  };
}

function generic(cls: string): boolean {
  return cls === "mutex" || cls === "rwsem" || cls === "percpu_rwsem" || cls === "semaphore" || cls === "unknown";
}

/** The loop, not the sleep inside it: reclaim goes on until something is freed or it may give up. */
function reclaimWant(s: Subject, memcg: boolean): Want {
  const { names } = s;
  const frame = Math.max(
    0,
    names.findLastIndex((n) => RECLAIM_FRAMES.has(n)),
  );
  const top = names[frame] ?? "reclaim";
  const line = lineOf(s, frame);
  return {
    class: memcg ? "memcg_charge" : "reclaim",
    event: memcg ? "uncharge" : "pages_freed",
    scope: "memcg",
    sleep: "poll",
    any: true,
    providers: ["flusher", "device", "victim", "anyone"],
    because: `frame ${top}: ${memcg ? "memory cgroup" : "direct"} reclaim, tried again until pages come free`,
    ...(line !== undefined && { line }),
    frame,
    retries: true,
    inReclaim: true,
    fallback: false,
  };
}

function whyWait(frame: string, caller: string | undefined): string {
  return caller ? `frame ${frame} called from ${caller}` : `frame ${frame}`;
}

function havesOf(s: Subject, index: number): Have[] {
  const out: Have[] = s.meaning.holds.map((h) => {
    const line = lineOf(s, h.frame);
    return {
      subject: index,
      class: h.class,
      ...(h.id !== undefined && { id: h.id }),
      ...(h.realm !== undefined && { realm: h.realm }),
      ...(h.mode && { mode: h.mode }),
      scope: h.scope,
      confidence: h.confidence,
      because: `frame ${s.names[h.frame] ?? ""}: ${h.because}`,
      ...(line !== undefined && { line }),
      frame: h.frame,
    };
  });
  for (const r of threadRoles) {
    if (!r.name.test(s.now.comm ?? "") || out.some((h) => h.class === r.class) || s.meaning.wait?.class === r.class)
      continue;
    out.push({
      subject: index,
      class: r.class,
      ...(r.id !== undefined && { id: r.id }),
      scope: r.scope,
      confidence: "likely",
      because: `${s.ref.comm}: ${r.because}`,
      line: s.now.line,
      frame: -1,
    });
  }
  if (s.locks) {
    for (const l of splitLocks(s.locks, s.meaning.wait).held) {
      out.push({
        subject: index,
        class: l.class,
        id: l.id,
        scope: "lock",
        confidence: "proven",
        because: `lockdep lists ${l.id} as held`,
        line: l.line,
        frame: -1,
        ...(l.address !== undefined && { address: l.address }),
      });
    }
  }
  return out;
}
