/**
 * Who can end which wait: joins of what is wanted with what is held.
 *
 * Instances are joined by lock address, by name where the kernel has only one, by process, journal or device where
 * names tell, and failing that by class within one file system, with less confidence.
 */
import { isEntryFrame } from "../knowledge/frames/entry.ts";
import type { Scope } from "../knowledge/types.ts";
import type { Confidence } from "../waits/types.ts";
import { isKin } from "./kin.ts";
import { agree } from "./places.ts";
import type { Have, Party, Want } from "./wants.ts";

export interface Join {
  readonly subject: number;
  readonly have: Have;
  readonly confidence: Confidence;
  /** The holder is the waiter itself. */
  readonly self: boolean;
  /** Joined by address, global name, journal, ...: the instance is known to agree. */
  readonly exact: boolean;
}

/** Holders and queued writers by class and by address. */
export interface HoldIndex {
  readonly byClass: ReadonlyMap<string, readonly Have[]>;
  readonly byAddress: ReadonlyMap<string, readonly Have[]>;
  readonly byPid: ReadonlyMap<number, number>;
  /** Parties that wait for write on a lock that also has readers, by class. */
  readonly writers: ReadonlyMap<string, readonly number[]>;
  /** Parties by function in their stack, for functions in which somebody waits for a lock that has no name. */
  readonly inside: ReadonlyMap<string, readonly { readonly subject: number; readonly frame: number }[]>;
}

/** Classes with readers, where a queued writer blocks later readers. */
const RW = new Set([
  "rwsem",
  "mmap_lock",
  "i_rwsem",
  "s_umount",
  "xfs_ilock",
  "sb_freeze",
  "percpu_rwsem",
  "cpu_hotplug_lock",
  "invalidate_lock",
  "shrinker_rwsem",
  "extent_lock",
]);

/** Builds the index over all parties. */
export function indexHolds(parties: readonly Party[]): HoldIndex {
  const byClass = new Map<string, Have[]>();
  const byAddress = new Map<string, Have[]>();
  const byPid = new Map<number, number>();
  const writers = new Map<string, number[]>();
  const put = <K, V>(m: Map<K, V[]>, k: K, v: V) => void (m.get(k)?.push(v) ?? m.set(k, [v]));
  parties.forEach((p, i) => {
    if (p.subject.ref.pid !== undefined) byPid.set(p.subject.ref.pid, i);
    for (const h of p.haves) {
      put(byClass, h.class, h);
      if (h.address !== undefined) put(byAddress, h.address, h);
    }
    if (p.want && p.want.mode === "write" && RW.has(p.want.class)) put(writers, p.want.class, i);
  });
  return { byClass, byAddress, byPid, writers, inside: insideOf(parties) };
}

const NAMELESS = new Set(["mutex", "rwsem", "semaphore", "percpu_rwsem"]);

/** The function that takes the lock this want is for, when no row says who holds it. */
function takerOf(want: Want | undefined): string | undefined {
  if (!want || want.address !== undefined || !NAMELESS.has(want.class) || want.scope === "global") return undefined;
  return want.caller !== undefined && !isEntryFrame(want.caller) ? want.caller : undefined;
}

function insideOf(parties: readonly Party[]): Map<string, { subject: number; frame: number }[]> {
  const out = new Map<string, { subject: number; frame: number }[]>();
  for (const p of parties) {
    const taker = takerOf(p.want);
    if (taker !== undefined) out.set(taker, []);
  }
  if (out.size === 0) return out;
  parties.forEach((p, subject) => {
    if (!p.subject.unreliable)
      p.subject.names.forEach((n, frame) => {
        // Not those who wait in it themselves: they are before the lock, too.
        if (out.has(n) && takerOf(p.want) !== n && frame > 0) out.get(n)!.push({ subject, frame });
      });
  });
  return out;
}

/**
 * A lock whose holders no table knows is known by the function that takes it: another task inside that function, past the lock, is
 * the likely holder. Readers do not stand in each other's way.
 */
function insiders(want: Want, waiter: number, parties: readonly Party[], index: HoldIndex): Join[] {
  const taker = takerOf(want);
  if (taker === undefined || want.mode === "read") return [];
  return (index.inside.get(taker) ?? [])
    .filter(
      (x) => x.subject !== waiter && agree("inode", parties[waiter]!.place, parties[x.subject]!.place) !== "different",
    )
    .map(({ subject, frame }): Join => {
      const have: Have = {
        subject,
        class: want.class,
        scope: "lock",
        confidence: "likely",
        because: `frame ${taker}: is past the point where ${taker} takes the lock`,
        frame,
      };
      return { subject, have, confidence: "likely", self: false, exact: false };
    });
}

/** Scopes in which an object of the class found twice in one stack is one and the same. */
function oneInstance(scope: Scope, id: string | undefined): boolean {
  return (
    scope === "global" ||
    scope === "server" ||
    scope === "journal" ||
    (scope === "lock" && id !== undefined) ||
    (scope === "device" && id !== undefined)
  );
}

/** Reclaim enters objects of its own choice: beyond it, "the same inode" is no longer implied. */
const BOUNDARY = new Set([
  "shrink_slab",
  "do_shrink_slab",
  "prune_icache_sb",
  "prune_dcache_sb",
  "super_cache_scan",
  "shrink_slab_memcg",
]);

/**
 * What code further down a stack meets again on the object it is already busy with: bits of an inode's state, and the
 * accounting lock of a group that an interrupt finds taken by the task it interrupted.
 */
const SAME_OBJECT = new Set(["inode_sync", "inode_writeback", "memcg_move_lock"]);

function selfJoin(want: Want, have: Have, party: Party): Confidence | undefined {
  if (want.frame < 0 || have.frame < 0 || have.frame <= want.frame) return undefined;
  if (want.mode === "read" && have.mode === "read") return undefined;
  if (NAMELESS.has(want.class) && (want.id === undefined || have.id === undefined)) return undefined;
  if (oneInstance(want.scope, want.id ?? have.id)) return have.confidence === "proven" ? "likely" : have.confidence;
  if (!SAME_OBJECT.has(want.class)) return undefined;
  const between = party.subject.names.slice(want.frame, have.frame);
  return between.some((n) => BOUNDARY.has(n)) ? undefined : "likely";
}

/** Every party whose stack or lock list says that it holds what `want` waits for. */
export function holdersOf(want: Want, waiter: number, parties: readonly Party[], index: HoldIndex): Join[] {
  if (want.ownerPid !== undefined) {
    const owner = index.byPid.get(want.ownerPid);
    if (owner !== undefined) return [ownerJoin(want, owner, waiter)];
  }
  if (want.address !== undefined) {
    const exact = (index.byAddress.get(want.address) ?? []).filter((h) => h.subject !== waiter || h.frame < 0);
    if (exact.length > 0)
      return exact.map((have) => ({
        subject: have.subject,
        have,
        confidence: "proven",
        self: have.subject === waiter,
        exact: true,
      }));
  }
  const joins: Join[] = [];
  const me = parties[waiter]!;
  for (const have of index.byClass.get(want.class) ?? []) {
    // Where lockdep lists what both hold, a guess from a stack does not count.
    const listed = parties[have.subject]!.subject.locks !== undefined;
    if (want.address !== undefined && (have.address !== undefined || listed)) continue;
    const join =
      have.subject === waiter ? selfJoinOf(want, have, me) : otherJoin(want, have, me, parties[have.subject]!);
    if (join) joins.push(join);
  }
  const named = joins.filter((j) => want.id !== undefined && j.have.id === want.id);
  if (named.length > 0) return dedupe(named);
  return dedupe(joins.length > 0 ? joins : insiders(want, waiter, parties, index));
}

function selfJoinOf(want: Want, have: Have, me: Party): Join | undefined {
  if (!idsAgree(want, have)) return undefined;
  const confidence = selfJoin(want, have, me);
  return confidence && { subject: have.subject, have, confidence, self: true, exact: true };
}

function otherJoin(want: Want, have: Have, me: Party, other: Party): Join | undefined {
  if (!idsAgree(want, have)) return undefined;
  if (want.mode === "read" && have.mode === "read") return undefined;
  const scope = want.scope === "lock" ? have.scope : want.scope;
  // A lock known only as "some mutex" is nobody's in particular.
  const nameless = want.scope === "lock" || scope === "lock" || NAMELESS.has(want.class);
  if (nameless && (want.id === undefined || have.id === undefined)) return undefined;
  const named = want.id !== undefined && want.id === have.id;
  if (RUN_BY_OTHERS.has(want.class) && !named && !isKin(me.subject, want.frame, other.subject)) return undefined;
  const a = agree(scope, me.place, other.place);
  if (a === "different") return undefined;
  const exact = a === "same";
  return {
    subject: have.subject,
    have,
    confidence: exact ? have.confidence : min(have.confidence, "likely"),
    self: false,
    exact,
  };
}

/** Waits for something that some worker or thread does; which one, only kinship tells. */
const RUN_BY_OTHERS = new Set(["work_flush", "workqueue", "kthread_stop"]);

function idsAgree(want: Want, have: Have): boolean {
  if (want.id !== undefined && have.id !== undefined && want.id !== have.id) return false;
  return want.realm === undefined || have.realm === undefined || want.realm === have.realm;
}

function min(a: Confidence, b: Confidence): Confidence {
  return a === "possible" || b === "possible" ? "possible" : a === "likely" || b === "likely" ? "likely" : "proven";
}

function ownerJoin(want: Want, owner: number, waiter: number): Join {
  const have: Have = {
    subject: owner,
    class: want.class,
    scope: want.scope,
    confidence: "likely",
    because: "the kernel names it as the likely owner",
    frame: -1,
  };
  return { subject: owner, have, confidence: "likely", self: owner === waiter, exact: true };
}

function dedupe(joins: readonly Join[]): Join[] {
  const best = new Map<number, Join>();
  for (const j of joins) {
    const old = best.get(j.subject);
    if (!old || (j.exact && !old.exact)) best.set(j.subject, j);
  }
  return [...best.values()];
}

/** Writers queued before a reader: it is behind them even though only readers hold the lock. */
export function queuedWriters(want: Want, waiter: number, parties: readonly Party[], index: HoldIndex): number[] {
  if (want.mode !== "read" || !RW.has(want.class)) return [];
  return (index.writers.get(want.class) ?? []).filter((w) => {
    if (w === waiter) return false;
    const other = parties[w]!;
    if (want.address !== undefined && other.want?.address !== undefined) return want.address === other.want.address;
    if (want.id !== other.want?.id) return false;
    if (want.scope === "lock" && want.id === undefined) return false;
    return agree(want.scope, parties[waiter]!.place, other.place) !== "different";
  });
}
