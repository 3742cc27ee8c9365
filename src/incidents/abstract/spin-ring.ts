/**
 * `spin-abba` as a ring, in the manner of the dining philosophers: task i faults page B(i) and holds its lock while it charges
 * its own full group, whose only page is A(i); flusher i batches A(i), then wants B(i + 1), then submits. Without PREALLOC the
 * only deadlock is the full ring. Step for step as in bench/spin/d_ring.pml, whose parameters it has.
 */
import { bool, create, Entity, fields, Machine, op, type Resumable, World } from "../../resumable/index.ts";
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

class Bio extends Entity {
  declare submitted: boolean;
  static {
    fields(Bio, { submitted: bool });
  }
}

function* charge(a: Page, memcg: Memcg, retries: number): Resumable<boolean> {
  for (let tries = 0; tries <= retries; tries++) {
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
function* fault(a: Page, b: Page, memcg: Memcg, retries: number): Resumable {
  yield lockPage(b);
  const charged = yield* charge(a, memcg, retries);
  if (charged) yield setPageDirty(b);
  yield unlockPage(b);
}
function* faultPrealloc(a: Page, b: Page, memcg: Memcg, retries: number): Resumable {
  const charged = yield* charge(a, memcg, retries);
  if (!charged) return;
  yield lockPage(b);
  yield setPageDirty(b);
  yield unlockPage(b);
}

const writeCachedPage = op<Page>("writeCachedPage", {
  apply: (page) => {
    if (!page.cached) return;
    page.dirty = false;
    page.writeback = true;
  },
});
const writeDirtyPage = op<Page>("writeDirtyPage", {
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

export const spinRing = defineAbstractIncident({
  id: "spin-ring",
  title: "page lock and writeback as a ring: only all tasks and all flushers together deadlock",
  source: "bench/spin/d_ring.pml",
  parameters: {
    N: { default: 2, min: 1, max: 16, what: "tasks, flushers and disks, and pages A and B of each" },
    PREALLOC: { default: 0, min: 0, max: 1, what: "1: the page table is charged before the page lock is taken" },
    RETRY: { default: 2, min: 0, max: 16, what: "fruitless rounds after the first before a charge fails" },
  },
  waits: pageWaits,
  kinds: { disk: "device" },
  fixedChoices: [
    "every flusher writes one bio of two pages, which the disk completes in order",
    "with N above 3, states that differ only by a turn of the ring count once in a proof",
  ],
  size: ({ N = 2 }) => ({ pages: 2 * N, cpus: 0, requests: N }),
  program({ N = 2, PREALLOC = 0, RETRY = 2 }) {
    const world = new World();
    const machine = new Machine(world);
    const memcgs = Array.from({ length: N }, () => create(Memcg, { usage: 1, max: 1 }));
    const as = memcgs.map((memcg) => create(Page, { dirty: true, cached: true, memcg }));
    const bs = memcgs.map(() => create(Page, { cached: true }));
    const bios = memcgs.map(() => create(Bio));
    const fn = PREALLOC > 0 ? faultPrealloc : fault;
    const places = memcgs.map((memcg, i) => {
      const [a, b, bio, next] = [as[i]!, bs[i]!, bios[i]!, bs[(i + 1) % N]!];
      return [
        machine.spawn(`disk/${i}`, disk, [a, next, bio], { idle: true, stackWords: 16 }),
        machine.spawn(`flusher/${i}`, flusher, [a, next, bio], { stackWords: 16 }),
        machine.spawn(`task/${i}`, fn, [a, b, memcg, RETRY], { stackWords: 36 }),
        ...[memcg, a, b, bio],
      ];
    });
    // in smaller rings, checking this takes longer than it saves
    if (N > 3) machine.symmetric(places, "rotated");
    return atFirstSteps(world, machine);
  },
});
