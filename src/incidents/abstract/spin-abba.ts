/**
 * Page lock and writeback, the deadlock of `memcg-writeback-abba` without a kernel: tasks fault (task i on page i % K), flushers
 * walk the mapping in index order and batch pages into a bio that is submitted at the end of the walk or when it is full, a disk
 * completes pages in any order. The group is full when the story begins; every fault charges one page table, with the page
 * locked unless PREALLOC. Step for step as in bench/spin/a_abba.pml, whose parameters it has.
 */
import { create, Machine, op, type Resumable, World } from "../../resumable/index.ts";
import { defineAbstractIncident } from "../incident.ts";
import { atFirstSteps } from "./first-steps.ts";
import {
  lockPage,
  Memcg,
  Page,
  pageWaits,
  reclaimPage,
  setPageDirty,
  tryCharge,
  trylockPage,
  unlockPage,
  waitOnPageWriteback,
} from "./memcg-pages.ts";

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
function* charge(pages: readonly Page[], memcg: Memcg, retries: number): Resumable<boolean> {
  for (let tries = 0; tries <= retries; tries++) {
    const fits: boolean = yield tryCharge(memcg);
    if (fits) return true;
    yield* reclaim(pages);
  }
  return false;
}

function* fault(page: Page, pages: readonly Page[], memcg: Memcg, retries: number): Resumable {
  yield lockPage(page);
  const charged = yield* charge(pages, memcg, retries);
  if (charged) yield setPageDirty(page);
  yield unlockPage(page);
}
function* faultPrealloc(page: Page, pages: readonly Page[], memcg: Memcg, retries: number): Resumable {
  const charged = yield* charge(pages, memcg, retries);
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

function* flusher(pages: readonly Page[], room: number): Resumable {
  let bio = 0;
  let filled = 0;
  for (let i = 0; i < pages.length; i++) {
    const page = pages[i]!;
    yield lockPage(page);
    let took: number = yield writePage(page);
    while (took === BUSY) {
      yield waitOnPageWriteback(page);
      took = yield writePage(page);
    }
    if (took === TAKEN) {
      bio |= 1 << i;
      filled++;
    }
    yield unlockPage(page);
    if (filled >= room || i === pages.length - 1) {
      yield submitBio(pages[0]!, Object.freeze([bio, pages] as const));
      bio = 0;
      filled = 0;
    }
  }
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

export const spinAbba = defineAbstractIncident({
  id: "spin-abba",
  title: "page lock and writeback: a fault charges under the page lock, the flusher batches pages",
  source: "bench/spin/a_abba.pml, after the mail that memcg-writeback-abba is made from",
  parameters: {
    N: { default: 2, min: 1, max: 16, what: "tasks, task i faults on page i % K" },
    M: { default: 1, min: 0, max: 8, what: "flushers, each walks the mapping once" },
    K: { default: 2, min: 1, max: 6, what: "pages, all dirty and charged, as many as the group may have" },
    PREALLOC: { default: 0, min: 0, max: 1, what: "1: the page table is charged before the page lock is taken" },
    RETRY: { default: 2, min: 0, max: 16, what: "fruitless rounds after the first before a charge fails" },
    BIOMAX: { default: 0, min: 0, max: 6, what: "pages after which a flusher submits its bio; 0: K" },
  },
  waits: pageWaits,
  kinds: { disk: "device" },
  fixedChoices: ["reclaim scans the pages in index order", "the disk completes each page by itself, in any order"],
  size: ({ K = 2 }) => ({ pages: K, cpus: 0, requests: K }),
  program({ N = 2, M = 1, K = 2, PREALLOC = 0, RETRY = 2, BIOMAX = 0 }) {
    const world = new World();
    const memcg = create(Memcg, { usage: K, max: K });
    const pages = Object.freeze(Array.from({ length: K }, () => create(Page, { dirty: true, cached: true, memcg })));
    const machine = new Machine(world);
    for (const [i, page] of pages.entries()) machine.spawn(`disk/${i}`, disk, [page], { idle: true, stackWords: 16 });
    const room = BIOMAX === 0 ? K : BIOMAX;
    for (let i = 0; i < M; i++) machine.spawn(`flusher/${i}`, flusher, [pages, room], { stackWords: 28 });
    const fn = PREALLOC > 0 ? faultPrealloc : fault;
    for (let i = 0; i < N; i++) machine.spawn(`task/${i}`, fn, [pages[i % K], pages, memcg, RETRY], { stackWords: 52 });
    return atFirstSteps(world, machine);
  },
});
