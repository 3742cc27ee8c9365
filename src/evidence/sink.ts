/**
 * Where readers put what they find. Bounded: beyond a number of task records, equal ones are counted in the first of
 * their kind, so that an input of any size fits into memory.
 */
import { ownCopy } from "./frames.ts";
import { createInterner, type Interner } from "./intern.ts";
import { newOrigins, type OriginTable, originOf, type Place } from "./origins.ts";
import type { EvidenceSink } from "./reader.ts";
import type {
  DeviceTrouble,
  HeldLockList,
  LockdepSplat,
  LockupReport,
  OomReport,
  Sample,
  ScanControl,
  Snapshot,
  TaskRecord,
  WorkqueueState,
} from "./types.ts";

/** How much is kept in full. */
export interface Bounds {
  /** Task records kept with all their lines. */
  readonly tasks: number;
  /** Kinds of further records (stack, state, comm, snapshot) that are counted. */
  readonly folded: number;
  /** Entries of every other list. */
  readonly others: number;
}

/** 100,000 of each: with diagnosis on top, an input of any size stays under 500 MB. */
export const DEFAULT_BOUNDS: Bounds = { tasks: 100_000, folded: 100_000, others: 100_000 };

/** Everything found so far, over all inputs. */
export interface Collected {
  readonly interner: Interner;
  readonly origins: OriginTable;
  readonly snapshots: Snapshot[];
  readonly tasks: TaskRecord[];
  readonly heldLocks: HeldLockList[];
  readonly ooms: OomReport[];
  readonly samples: Sample[];
  readonly troubles: DeviceTrouble[];
  readonly lockups: LockupReport[];
  readonly workqueues: WorkqueueState[];
  readonly scanControls: ScanControl[];
  readonly splats: LockdepSplat[];
  /** Where the records come from that are no evidence of a boot by themselves. */
  readonly places: Map<{ origin?: number }, Place>;
  /** Per input: how many records of each format. */
  readonly seen: Map<string, number>[];
  readonly folded: Map<string, { count?: number }>;
  release: string | undefined;
  compacted: number;
}

/** An empty {@link Collected}. */
export const newCollected = (): Collected => ({
  interner: createInterner(),
  origins: newOrigins(),
  snapshots: [],
  tasks: [],
  heldLocks: [],
  ooms: [],
  samples: [],
  troubles: [],
  lockups: [],
  workqueues: [],
  scanControls: [],
  splats: [],
  places: new Map(),
  seen: [],
  folded: new Map(),
  release: undefined,
  compacted: 0,
});

/** `kworker/u4:0`, `kworker/1:2H` -> `kworker`: tasks of one kind. */
const commKind = (comm: string | undefined): string => comm?.replace(/[\d:/].*$/, "") ?? "";

type Workqueue = NonNullable<TaskRecord["workqueue"]>;

const ownWorkqueue = (wq: Workqueue, text: (s: string) => string): Workqueue => ({
  name: text(wq.name),
  ...(wq.work === undefined ? {} : { work: text(wq.work) }),
  ...(wq.description === undefined ? {} : { description: text(wq.description) }),
});

/** Takes `given` over: readers make a new object for each record. */
const keepTask = (all: Collected, bounds: Bounds, place: Place, given: Omit<TaskRecord, "input">): void => {
  const t = given as { -readonly [K in keyof TaskRecord]: TaskRecord[K] };
  t.input = place.input;
  const origin = originOf(all.origins, place);
  if (origin > 0) t.origin = origin;
  // Slices of the input would keep the block alive from which they were cut.
  const { text } = all.interner;
  if (t.comm !== undefined) t.comm = text(t.comm);
  if (t.wchan !== undefined) t.wchan = text(t.wchan);
  if (t.workqueue !== undefined) t.workqueue = ownWorkqueue(t.workqueue, text);
  const owner = t.likelyOwner;
  if (owner?.comm !== undefined) t.likelyOwner = { ...owner, comm: text(owner.comm) };
  if (all.tasks.length < bounds.tasks) {
    all.tasks.push(t);
    return;
  }
  all.compacted++;
  const kind = `${origin} ${t.stack.id} ${t.state ?? ""} ${commKind(t.comm)}`;
  const key = all.folded.size < bounds.folded ? `${t.snapshot} ${kind}` : kind;
  const same = all.folded.get(key);
  if (same) {
    same.count = (same.count ?? 1) + (t.count ?? 1);
    return;
  }
  if (all.folded.size >= bounds.folded * 2) return;
  const { frameLines: _, ...compact } = t;
  all.folded.set(key, compact as { count?: number });
  all.tasks.push(compact);
};

/** A sink for what `place` shows, that adds to `all`. */
export const createSink = (all: Collected, place: Place, bounds: Bounds = DEFAULT_BOUNDS): EvidenceSink => {
  const { input } = place;
  const seen = all.seen[input] ?? new Map<string, number>();
  all.seen[input] = seen;
  const keep = <T extends object>(list: T[], entry: Omit<T, "input">): T | undefined => {
    if (list.length >= bounds.others) {
      all.compacted++;
      return undefined;
    }
    const kept = { ...entry, input } as unknown as T;
    list.push(kept);
    return kept;
  };
  const keepLoose = <T extends { readonly origin?: number }>(list: T[], entry: Omit<T, "input" | "origin">): void => {
    const kept = keep<object>(list, entry);
    if (kept) all.places.set(kept, place);
  };
  const keepPlaced = <T extends { readonly origin?: number }>(list: T[], entry: Omit<T, "input" | "origin">): void => {
    const origin = originOf(all.origins, place);
    keep<object>(list, origin > 0 ? { ...entry, origin } : entry);
  };
  return {
    input,
    stack: (frames) => all.interner.stack(frames),
    snapshot(s) {
      const origin = originOf(all.origins, place);
      if (all.snapshots.length < bounds.others * 2)
        all.snapshots.push(origin > 0 ? { ...s, input, origin } : { ...s, input });
      return all.snapshots.length - 1;
    },
    task: (t) => keepTask(all, bounds, place, t),
    heldLocks: (l) => keepPlaced(all.heldLocks, l),
    oom: (o) => keepPlaced(all.ooms, o),
    sample: (s) => keepLoose(all.samples, s),
    trouble: (t) => keepPlaced(all.troubles, t),
    lockup: (l) => keepPlaced(all.lockups, l),
    workqueue: (w) => keepPlaced(all.workqueues, w),
    scanControl: (s) => keepLoose(all.scanControls, s),
    splat: (s) => keepLoose(all.splats, s),
    release(r) {
      all.release ??= ownCopy(r);
    },
    saw(format) {
      seen.set(format, (seen.get(format) ?? 0) + 1);
    },
  };
};

/** Counters and reports make no origin; they belong to the one that other evidence of their place made, even later on. */
export const settleOrigins = (all: Collected): void => {
  if (all.origins.list.length < 2) return;
  for (const [record, { origin }] of all.places) if (origin !== undefined) record.origin = origin;
};
