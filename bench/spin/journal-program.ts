/**
 * Family c: charges retried under a jbd2 handle while the OOM victim sleeps uninterruptibly, after the fifth document. As in
 * c_jbd2.pml, and with its omission: neither does a reaper always end, nor is a charge with NOFAIL forced when nothing can be
 * charged, so this is an abstract livelock, not the document's. With `defer` a creator is charged by force and reclaims after
 * it has stopped its handle.
 */
import { bool, create, Entity, fields, int, Machine, op, type Resumable, World } from "../../src/resumable/index.ts";

/** Fruitless rounds before the OOM killer is called. */
const RETRIES = 2;
/** Pages that a victim gives back. */
const ANON = 1;

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

function* charge(memcg: Memcg, mms: readonly Mm[]): Resumable {
  let tries = 0;
  for (;;) {
    const fits: boolean = yield tryCharge(memcg);
    if (fits) return;
    const hit: boolean = yield reclaimRound(memcg, Object.freeze([mms, tries === RETRIES] as const));
    tries = hit || tries === RETRIES ? 0 : tries + 1;
  }
}
function* creator(memcg: Memcg, journal: Journal, mms: readonly Mm[]): Resumable {
  yield startHandle(journal);
  yield* charge(memcg, mms);
  yield stopHandleCharged(journal);
}
function* deferringCreator(memcg: Memcg, journal: Journal, mms: readonly Mm[]): Resumable {
  yield startHandle(journal);
  yield forceCharge(memcg);
  yield stopHandleCharged(journal);
  let tries = 0;
  for (;;) {
    const within: boolean = yield withinLimit(memcg);
    if (within) return;
    const hit: boolean = yield reclaimRound(memcg, Object.freeze([mms, tries === RETRIES] as const));
    tries = hit || tries === RETRIES ? 0 : tries + 1;
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
function* holder(mm: Mm, memcg: Memcg, mms: readonly Mm[]): Resumable {
  yield writeLock(mm);
  yield* charge(memcg, mms);
  yield writeUnlock(mm);
}

const readLock = op<Mm>("mmapReadLock", { ways: (mm) => (mm.writeLocked ? 0 : 1) });
const die = op<Mm, Memcg>("die", {
  idle: true,
  ways: (mm) => (mm.killed ? 1 : 0),
  apply: (mm, memcg) => {
    memcg.usage -= ANON;
    mm.dead = true;
  },
});
function* victim(mm: Mm, memcg: Memcg): Resumable {
  yield readLock(mm);
  yield die(mm, memcg);
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

export interface JournalSize {
  readonly creators: number;
  /** Holders of an mmap lock, and victims that need it. */
  readonly holders: number;
  readonly pages: number;
  readonly defer: boolean;
}

export function journal(size: JournalSize): Machine {
  const world = new World();
  const limit = size.pages + size.holders * ANON;
  const memcg = create(Memcg, { usage: limit, limit, dirty: size.pages });
  const j = create(Journal);
  const mms = Object.freeze(Array.from({ length: size.holders }, () => create(Mm)));
  const machine = new Machine(world);
  machine.spawn("disk", disk, [memcg], { idle: true, stackWords: 16 });
  machine.spawn("flusher", flusher, [memcg, j], { stackWords: 16 });
  machine.spawn("journal", commits, [j, 1], { stackWords: 16 });
  for (const [i, mm] of mms.entries()) {
    machine.spawn(`victim/${i}`, victim, [mm, memcg], { idle: true, stackWords: 16 });
    machine.spawn(`holder/${i}`, holder, [mm, memcg, mms], { stackWords: 40 });
  }
  const fn = size.defer ? deferringCreator : creator;
  for (let i = 0; i < size.creators; i++) machine.spawn(`creator/${i}`, fn, [memcg, j, mms], { stackWords: 40 });
  world.seal();
  for (let c = 0; c < machine.contexts; c++) machine.step(c, 0);
  return machine;
}
