/**
 * Family d: the first family as a ring, in the manner of the dining philosophers. Task i faults page B(i) and holds its lock
 * while it charges its own full group, whose only page is A(i); flusher i batches A(i), then wants B(i + 1), then submits. With
 * `prealloc` false the only deadlock is the full ring. Step for step as in d_ring.pml.
 */
import { bool, create, Entity, fields, Machine, op, type Resumable, ref, World } from "../../src/resumable/index.ts";

/** Fruitless rounds after the first before a charge fails. */
const RETRIES = 2;

class Memcg extends Entity {
  declare full: boolean;
  static {
    fields(Memcg, { full: bool });
  }
}
class Page extends Entity {
  declare locked: boolean;
  declare dirty: boolean;
  declare writeback: boolean;
  declare reclaim: boolean;
  declare cached: boolean;
  declare memcg: Memcg | undefined;
  static {
    fields(Page, { locked: bool, dirty: bool, writeback: bool, reclaim: bool, cached: bool, memcg: ref });
  }
}
class Bio extends Entity {
  declare submitted: boolean;
  static {
    fields(Bio, { submitted: bool });
  }
}

const tryCharge = op<Memcg>("tryCharge", {
  apply: (memcg) => {
    const fits = !memcg.full;
    if (fits) memcg.full = true;
    return fits;
  },
});
const lockPage = op<Page>("lockPage", {
  ways: (page) => (page.locked ? 0 : 1),
  apply: (page) => {
    page.locked = true;
  },
});
const trylockPage = op<Page>("trylockPage", {
  apply: (page) => {
    const free = !page.locked;
    if (free) page.locked = true;
    return free;
  },
});
const unlockPage = op<Page>("unlockPage", {
  apply: (page) => {
    page.locked = false;
  },
});
const waitOnPageWriteback = op<Page>("waitOnPageWriteback", { ways: (page) => (page.writeback ? 0 : 1) });

/** Looks at a locked page; true when its writeback has to be waited for. */
const reclaimPage = op<Page>("reclaimPage", {
  apply: (page) => {
    if (!page.cached) return false;
    if (page.writeback && page.reclaim) return true;
    if (page.writeback || page.dirty) {
      page.reclaim = true;
      return false;
    }
    page.cached = false;
    page.memcg!.full = false;
    return false;
  },
});

function* charge(a: Page, memcg: Memcg): Resumable<boolean> {
  for (let tries = 0; tries <= RETRIES; tries++) {
    const fits: boolean = yield tryCharge(memcg);
    if (fits) return true;
    for (;;) {
      const locked: boolean = yield trylockPage(a);
      if (!locked) break;
      const wait: boolean = yield reclaimPage(a);
      yield unlockPage(a);
      if (!wait) break;
      yield waitOnPageWriteback(a);
    }
  }
  return false;
}
const setPageDirty = op<Page>("setPageDirty", {
  apply: (page) => {
    page.dirty = true;
  },
});

function* fault(a: Page, b: Page, memcg: Memcg): Resumable {
  yield lockPage(b);
  const charged = yield* charge(a, memcg);
  if (charged) yield setPageDirty(b);
  yield unlockPage(b);
}
function* faultPrealloc(a: Page, b: Page, memcg: Memcg): Resumable {
  const charged = yield* charge(a, memcg);
  if (!charged) return;
  yield lockPage(b);
  yield setPageDirty(b);
  yield unlockPage(b);
}

const writeCachedPage = op<Page>("writePage", {
  apply: (page) => {
    if (!page.cached) return;
    page.dirty = false;
    page.writeback = true;
  },
});
const writeDirtyPage = op<Page>("writePage", {
  apply: (page) => {
    if (!page.dirty) return;
    page.dirty = false;
    page.writeback = true;
  },
});
const submitBio = op<Bio>("submitBio", {
  apply: (bio) => {
    bio.submitted = true;
  },
});

function* flusher(a: Page, b: Page, bio: Bio): Resumable {
  yield lockPage(a);
  yield writeCachedPage(a);
  yield unlockPage(a);
  yield lockPage(b);
  yield writeDirtyPage(b);
  yield unlockPage(b);
  yield submitBio(bio);
}

const endBio = op<Bio, Page>("endBio", {
  idle: true,
  ways: (bio) => (bio.submitted ? 1 : 0),
  apply: (_, a) => {
    a.writeback = false;
    a.reclaim = false;
  },
});
const endPageWriteback = op<Page>("endPageWriteback", {
  apply: (b) => {
    b.writeback = false;
  },
});
function* disk(a: Page, b: Page, bio: Bio): Resumable {
  yield endBio(bio, a);
  yield endPageWriteback(b);
}

export function ring(n: number, prealloc: boolean): Machine {
  const world = new World();
  const machine = new Machine(world);
  const memcgs = Array.from({ length: n }, () => create(Memcg, { full: true }));
  const as = memcgs.map((memcg) => create(Page, { dirty: true, cached: true, memcg }));
  const bs = memcgs.map(() => create(Page));
  const bios = memcgs.map(() => create(Bio));
  for (let i = 0; i < n; i++) {
    const next = bs[(i + 1) % n];
    machine.spawn(`disk/${i}`, disk, [as[i], next, bios[i]], { idle: true, stackWords: 16 });
    machine.spawn(`flusher/${i}`, flusher, [as[i], next, bios[i]], { stackWords: 16 });
    machine.spawn(`task/${i}`, prealloc ? faultPrealloc : fault, [as[i], bs[i], memcgs[i]], { stackWords: 32 });
  }
  world.seal();
  for (let c = 0; c < machine.contexts; c++) machine.step(c, 0);
  return machine;
}
