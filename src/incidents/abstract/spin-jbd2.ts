/**
 * Charges retried under a jbd2 handle while the OOM victim sleeps uninterruptibly, without a kernel. As in
 * bench/spin/c_jbd2.pml, whose parameters it has, and with its omission: neither does a reaper always end, nor is a charge with
 * NOFAIL forced when nothing can be charged, so this is an abstract livelock. With DEFER a creator is charged by force and
 * reclaims after it has stopped its handle. Of that model's steps only those that others can see are steps here.
 */
import { bool, create, Entity, fields, int, Machine, op, type Resumable, World } from "../../resumable/index.ts";
import { defineAbstractIncident } from "../incident.ts";
import { atFirstSteps } from "./first-steps.ts";

class Memcg extends Entity {
  declare usage: number;
  declare limit: number;
  declare dirty: number;
  declare writeback: number;
  declare clean: number;
  static {
    fields(Memcg, { usage: int, limit: int, dirty: int, writeback: int, clean: int });
  }
}
class Journal extends Entity {
  declare updates: number;
  declare shut: boolean;
  static {
    fields(Journal, { updates: int, shut: bool });
  }
}
class Mm extends Entity {
  declare writeLocked: boolean;
  declare killed: boolean;
  declare dead: boolean;
  static {
    fields(Mm, { writeLocked: bool, killed: bool, dead: bool });
  }
}

const startHandle = op<Journal>("startHandle", {
  ways: (journal) => (journal.shut ? 0 : 1),
  apply: (journal) => {
    journal.updates++;
  },
});
const stopHandle = op<Journal>("stopHandle", {
  apply: (journal) => {
    journal.updates--;
  },
});
const tryCharge = op<Memcg>("tryCharge", {
  apply: (memcg) => {
    const fits = memcg.usage < memcg.limit;
    if (fits) memcg.usage++;
    return fits;
  },
});
const forceCharge = op<Memcg>("forceCharge", {
  apply: (memcg) => {
    memcg.usage++;
  },
});
const withinLimit = op<Memcg>("withinLimit", { apply: (memcg) => memcg.usage <= memcg.limit });

function outOfMemory(mms: readonly Mm[]): void {
  for (const mm of mms) {
    if (mm.dead) continue;
    mm.killed = true;
    return;
  }
}
/** One round of reclaim; `kill` tells an empty one to call the OOM killer. True when a page was reclaimed. */
const reclaimRound = op<Memcg, readonly [readonly Mm[], boolean]>("reclaimRound", {
  progress: (hit) => hit === true,
  apply: (memcg, [mms, kill]) => {
    if (memcg.clean > 0) {
      memcg.clean--;
      memcg.usage--;
      return true;
    }
    if (kill) outOfMemory(mms);
    return false;
  },
});

function* charge(memcg: Memcg, mms: readonly Mm[], retries: number): Resumable {
  let tries = 0;
  for (;;) {
    const fits: boolean = yield tryCharge(memcg);
    if (fits) return;
    const hit: boolean = yield reclaimRound(memcg, Object.freeze([mms, tries === retries] as const));
    tries = hit || tries === retries ? 0 : tries + 1;
  }
}
function* creator(memcg: Memcg, journal: Journal, mms: readonly Mm[], retries: number): Resumable {
  yield startHandle(journal);
  yield* charge(memcg, mms, retries);
  yield stopHandleCharged(journal);
}
function* deferringCreator(memcg: Memcg, journal: Journal, mms: readonly Mm[], retries: number): Resumable {
  yield startHandle(journal);
  yield forceCharge(memcg);
  yield stopHandleCharged(journal);
  let tries = 0;
  for (;;) {
    const within: boolean = yield withinLimit(memcg);
    if (within) return;
    const hit: boolean = yield reclaimRound(memcg, Object.freeze([mms, tries === retries] as const));
    tries = hit || tries === retries ? 0 : tries + 1;
  }
}
const stopHandleCharged = op<Journal>("stopHandle", {
  progress: () => true,
  apply: (journal) => {
    journal.updates--;
  },
});

const writeLock = op<Mm>("mmapWriteLock", {
  ways: (mm) => (mm.writeLocked ? 0 : 1),
  apply: (mm) => {
    mm.writeLocked = true;
  },
});
const writeUnlock = op<Mm>("mmapWriteUnlock", {
  progress: () => true,
  apply: (mm) => {
    mm.writeLocked = false;
  },
});
function* holder(mm: Mm, memcg: Memcg, mms: readonly Mm[], retries: number): Resumable {
  yield writeLock(mm);
  yield* charge(memcg, mms, retries);
  yield writeUnlock(mm);
}

const readLock = op<Mm>("mmapReadLock", { ways: (mm) => (mm.writeLocked ? 0 : 1) });
const die = op<Mm, readonly [Memcg, number]>("die", {
  idle: true,
  ways: (mm) => (mm.killed ? 1 : 0),
  apply: (mm, [memcg, anon]) => {
    memcg.usage -= anon;
    mm.dead = true;
  },
});
function* victim(mm: Mm, memcg: Memcg, anon: number): Resumable {
  yield readLock(mm);
  yield die(mm, Object.freeze([memcg, anon] as const));
}

/** A handle for the next dirty page; false when there is none. */
const startWriting = op<Memcg, Journal>("startWriting", {
  ways: (memcg, journal) => (memcg.dirty === 0 || !journal.shut ? 1 : 0),
  apply: (memcg, journal) => {
    if (memcg.dirty === 0) return false;
    journal.updates++;
    return true;
  },
});
const startWriteback = op<Memcg>("startWriteback", {
  progress: () => true,
  apply: (memcg) => {
    memcg.dirty--;
    memcg.writeback++;
  },
});
function* flusher(memcg: Memcg, journal: Journal): Resumable {
  for (;;) {
    const more: boolean = yield startWriting(memcg, journal);
    if (!more) return;
    yield startWriteback(memcg);
    yield stopHandle(journal);
  }
}
const endWriteback = op<Memcg>("endWriteback", {
  idle: true,
  progress: () => true,
  ways: (memcg) => (memcg.writeback > 0 ? 1 : 0),
  apply: (memcg) => {
    memcg.writeback--;
    memcg.clean++;
  },
});
function* disk(memcg: Memcg): Resumable {
  for (;;) yield endWriteback(memcg);
}
const lockUpdates = op<Journal>("lockUpdates", {
  apply: (journal) => {
    journal.shut = true;
  },
});
const waitForUpdates = op<Journal>("waitForUpdates", { ways: (journal) => (journal.updates === 0 ? 1 : 0) });
const unlockUpdates = op<Journal>("unlockUpdates", {
  apply: (journal) => {
    journal.shut = false;
  },
});
function* commits(journal: Journal, count: number): Resumable {
  for (let n = 0; n < count; n++) {
    yield lockUpdates(journal);
    yield waitForUpdates(journal);
    yield unlockUpdates(journal);
  }
}

export const spinJbd2 = defineAbstractIncident({
  id: "spin-jbd2",
  title: "charges retried under a jbd2 handle, while the OOM victim waits for who charges",
  source: "bench/spin/c_jbd2.pml",
  parameters: {
    C: { default: 1, min: 0, max: 8, what: "creators: start a handle, charge a page, stop the handle" },
    H: {
      default: 1,
      min: 0,
      max: 8,
      what: "processes: one thread holds mmap_lock and charges, the other is the OOM victim",
    },
    P: { default: 3, min: 0, max: 16, what: "dirty pages, which the flusher writes with a handle each" },
    ANON: { default: 1, min: 0, max: 8, what: "pages that a victim gives back when it dies" },
    RETRY: { default: 2, min: 0, max: 16, what: "empty rounds before the one that calls the OOM killer" },
    DEFER: { default: 0, min: 0, max: 1, what: "1: creators are charged by force, and reclaim after their handle" },
    COMMITS: {
      default: 1,
      min: 0,
      max: 16,
      what: "commits, each of which lets no handle start until all have stopped",
    },
  },
  waits: {
    startHandle: { class: "jbd2_commit", event: "commit" },
    startWriting: { class: "jbd2_commit", event: "commit" },
    waitForUpdates: { class: "jbd2_handle", event: "updates_zero" },
    mmapWriteLock: { class: "mmap_lock", event: "unlock" },
    mmapReadLock: { class: "mmap_lock", event: "unlock" },
  },
  kinds: { disk: "device" },
  fixedChoices: ["no reaper takes a victim's memory", "a charge under a handle is never forced, unless DEFER"],
  size: ({ P = 3 }) => ({ pages: P, cpus: 0, requests: P }),
  program({ C = 1, H = 1, P = 3, ANON = 1, RETRY = 2, DEFER = 0, COMMITS = 1 }) {
    const world = new World();
    const limit = P + H * ANON;
    const memcg = create(Memcg, { usage: limit, limit, dirty: P });
    const j = create(Journal);
    const mms = Object.freeze(Array.from({ length: H }, () => create(Mm)));
    const machine = new Machine(world);
    machine.spawn("disk", disk, [memcg], { idle: true, stackWords: 16 });
    machine.spawn("flusher", flusher, [memcg, j], { stackWords: 16 });
    machine.spawn("journal", commits, [j, COMMITS], { stackWords: 16 });
    for (const [i, mm] of mms.entries()) {
      machine.spawn(`victim/${i}`, victim, [mm, memcg, ANON], { idle: true, stackWords: 16 });
      machine.spawn(`holder/${i}`, holder, [mm, memcg, mms, RETRY], { stackWords: 44 });
    }
    const fn = DEFER > 0 ? deferringCreator : creator;
    for (let i = 0; i < C; i++) machine.spawn(`creator/${i}`, fn, [memcg, j, mms, RETRY], { stackWords: 44 });
    return atFirstSteps(world, machine);
  },
});
