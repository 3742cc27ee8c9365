/**
 * Family a: page lock and writeback, after the first document's deadlock. `tasks` fault (task i on page i % pages), `flushers`
 * walk the mapping in index order and batch pages into a bio that is submitted at the end of the walk, a disk completes pages
 * in any order. The group is full when the story begins; every fault charges one page table, with the page locked unless
 * `prealloc`. Step for step as in a_abba.pml.
 */
import {
  bool,
  create,
  Entity,
  fields,
  int,
  Machine,
  op,
  type Resumable,
  ref,
  World,
} from "../../src/resumable/index.ts";

/** Fruitless rounds after the first before a charge fails. */
const RETRIES = 2;

class Memcg extends Entity {
  declare usage: number;
  declare max: number;
  static {
    fields(Memcg, { usage: int, max: int });
  }
}
class Page extends Entity {
  declare locked: boolean;
  declare dirty: boolean;
  declare writeback: boolean;
  declare reclaim: boolean;
  declare cached: boolean;
  declare submitted: boolean;
  declare memcg: Memcg;
  static {
    fields(Page, {
      locked: bool,
      dirty: bool,
      writeback: bool,
      reclaim: bool,
      cached: bool,
      submitted: bool,
      memcg: ref,
    });
  }
}

const tryCharge = op<Memcg>("tryCharge", {
  apply: (memcg) => {
    const fits = memcg.usage < memcg.max;
    if (fits) memcg.usage++;
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
    page.memcg.usage--;
    return false;
  },
});

function* reclaim(pages: readonly Page[]): Resumable {
  for (let i = 0; i < pages.length; ) {
    const page = pages[i]!;
    const locked: boolean = yield trylockPage(page);
    if (locked) {
      const wait: boolean = yield reclaimPage(page);
      yield unlockPage(page);
      if (wait) {
        yield waitOnPageWriteback(page);
        continue;
      }
    }
    i++;
  }
}
function* charge(pages: readonly Page[], memcg: Memcg): Resumable<boolean> {
  for (let tries = 0; tries <= RETRIES; tries++) {
    const fits: boolean = yield tryCharge(memcg);
    if (fits) return true;
    yield* reclaim(pages);
  }
  return false;
}

const setPageDirty = op<Page>("setPageDirty", {
  apply: (page) => {
    if (page.cached) page.dirty = true;
  },
});

function* fault(page: Page, pages: readonly Page[], memcg: Memcg): Resumable {
  yield lockPage(page);
  const charged = yield* charge(pages, memcg);
  if (charged) yield setPageDirty(page);
  yield unlockPage(page);
}
function* faultPrealloc(page: Page, pages: readonly Page[], memcg: Memcg): Resumable {
  const charged = yield* charge(pages, memcg);
  if (!charged) return;
  yield lockPage(page);
  yield setPageDirty(page);
  yield unlockPage(page);
}

const [LEFT, TAKEN, BUSY] = [0, 1, 2];
const writePage = op<Page>("writePage", {
  apply: (page) => {
    if (!page.cached || !page.dirty) return LEFT;
    if (page.writeback) return BUSY;
    page.dirty = false;
    page.writeback = true;
    return TAKEN;
  },
});
/** `bio`: a bit for each page in it. */
const submitBio = op<Page, readonly [number, readonly Page[]]>("submitBio", {
  apply: (_, [bio, pages]) => {
    pages.forEach((page, i) => {
      if ((bio & (1 << i)) !== 0) page.submitted = true;
    });
  },
});

function* flusher(pages: readonly Page[]): Resumable {
  let bio = 0;
  for (let i = 0; i < pages.length; i++) {
    const page = pages[i]!;
    yield lockPage(page);
    let took: number = yield writePage(page);
    while (took === BUSY) {
      yield waitOnPageWriteback(page);
      took = yield writePage(page);
    }
    if (took === TAKEN) bio |= 1 << i;
    yield unlockPage(page);
  }
  yield submitBio(pages[0]!, Object.freeze([bio, pages] as const));
}

const endPageWriteback = op<Page>("endPageWriteback", {
  idle: true,
  ways: (page) => (page.submitted ? 1 : 0),
  apply: (page) => {
    page.submitted = false;
    page.writeback = false;
    page.reclaim = false;
  },
});
function* disk(page: Page): Resumable {
  for (;;) yield endPageWriteback(page);
}

export interface AbbaSize {
  readonly tasks: number;
  readonly flushers: number;
  readonly pages: number;
  readonly prealloc: boolean;
}

export function abba(size: AbbaSize): Machine {
  const world = new World();
  const memcg = create(Memcg, { usage: size.pages, max: size.pages });
  const pages = Object.freeze(
    Array.from({ length: size.pages }, () => create(Page, { dirty: true, cached: true, memcg })),
  );
  const machine = new Machine(world);
  for (const [i, page] of pages.entries()) machine.spawn(`disk/${i}`, disk, [page], { idle: true, stackWords: 16 });
  for (let i = 0; i < size.flushers; i++) machine.spawn(`flusher/${i}`, flusher, [pages], { stackWords: 24 });
  const fn = size.prealloc ? faultPrealloc : fault;
  for (let i = 0; i < size.tasks; i++)
    machine.spawn(`task/${i}`, fn, [pages[i % size.pages], pages, memcg], { stackWords: 48 });
  world.seal();
  for (let c = 0; c < machine.contexts; c++) machine.step(c, 0);
  return machine;
}
