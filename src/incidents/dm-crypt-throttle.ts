import { bootDmCrypt } from "../kernel/md/boot-dm-crypt.ts";
import { bootKswapd } from "../kernel/mm/kswapd.ts";
import { userPageFault } from "../kernel/mm/memory.ts";
import type { Vma } from "../kernel/mm/mm-types.ts";
import { OOM_SCORE_ADJ_MIN } from "../kernel/mm/mmap.ts";
import { bootSwap } from "../kernel/mm/swap-state.ts";
import { bootGlobalDirtyLimits } from "../kernel/mm/throttle-vm-writeout.ts";
import type { Resumable } from "../resumable/index.ts";
import { defineIncident } from "./incident.ts";

/** Writes to so many pages of its memory that it has not used yet, again if there was no memory. */
function* hog(vma: Vma, first: number, pages: number): Resumable {
  for (let i = 0; i < pages; i++) yield* userPageFault(vma, first + i, true);
}

export const dmCryptThrottle = defineIncident({
  id: "dm-crypt-throttle",
  title: "swap on dm-crypt: the worker that would write is put to sleep because too much waits to be written",
  source: "Re: System freezes after OOM, Michal Hocko, 2016-07-14; commit bf48438354a7, 2016-08-14",
  era: "4.7.4",
  parameters: {
    resident: { default: 2, min: 0, max: 64, what: "pages that a hog has used, and nobody of late" },
    touches: { default: 1, min: 1, max: 64, what: "pages more that it writes to" },
    hogs: { default: 1, min: 1, max: 4, what: "tasks, each with memory of its own" },
    clean: { default: 0, min: 0, max: 64, what: "clean pages of a file, which reclaim can have at once" },
    free: { default: 0, min: 0, max: 64, what: "free pages" },
    reserve: { default: 1, min: 1, max: 256, what: "pages in the reserve of dm-crypt; 256 in the kernel" },
    workers: { default: 2, min: 1, max: 4, what: "workers that encrypt (one for each CPU)" },
    kswapd: { default: 1, min: 0, max: 1, what: "1: there is a kswapd, woken by the first who finds nothing free" },
    "back-in": { default: 1, min: 0, max: 1, what: "1: the hog goes on to read the first page it had" },
    "dirty-ratio": { default: 20, min: 0, max: 100, what: "vm.dirty_ratio" },
    cpus: { default: 1, min: 1, max: 4, what: "CPUs" },
    slab: { default: 0, min: 0, max: 1, what: "1: bios and what dm keeps with them take pages too" },
    priority: { default: 0, min: 0, max: 12, what: "where reclaim begins; at 0 one pass scans all there is" },
  },
  fixes: [
    "no-throttle-vm-writeout",
    "less-throttle-dm-crypt",
    "less-throttle-mempool",
    "throttle-honours-less-throttle",
    "noretry-no-throttle",
    "mempool-no-direct-reclaim",
    "mempool-nomemalloc",
  ],
  companions: {
    "less-throttle-dm-crypt": "throttle-honours-less-throttle",
    "less-throttle-mempool": "throttle-honours-less-throttle",
  },
  fixedChoices: [
    "the OOM killer may not choose the hogs (oom_score_adj -1000)",
    "an allocation goes on reclaiming or gives up as the schedule has it, and the hog faults again",
    "there is a slot of swap for every page; each is written by a bio of its own",
  ],
  slow: true,
  cpus: ({ cpus = 1 }) => cpus,
  setup(s, p) {
    const { resident = 2, touches = 1, hogs = 1, clean = 0, free = 0, reserve = 1, priority = 0 } = p;
    const slabPages = (p.slab ?? 0) > 0;
    s.memory({ priority, allocRetries: "free", slabPages });
    bootGlobalDirtyLimits(s.kernel, { dirtyRatio: p["dirty-ratio"] ?? 20 });
    // a task that swaps out has a bio for each page of its own and one for a page that it reads, with its clone
    const [disk, crypt] = s.disks(hogs * (resident + touches) + 2, { irqCpu: 0 }, { device: "253:0", irqCpu: 0 });
    // with slab, the reserves of two pools more, an element each
    s.freePages(free + reserve + (slabPages ? 2 : 0));
    bootDmCrypt(s.kernel, { queue: crypt!, dev: disk!, workers: p.workers ?? 2, minPages: reserve, minIos: 1 });
    bootSwap(s.kernel, crypt!, hogs * (resident + touches));
    if ((p.kswapd ?? 0) > 0) bootKswapd(s.kernel);
    if (clean > 0) s.file(s.filesystem("ext4", disk!, { periodic: false }), { pages: clean });
    for (let i = 0; i < hogs; i++) {
      const mm = s.process({ oomScoreAdj: OOM_SCORE_ADJ_MIN });
      const vma = s.anonymous(mm, resident, undefined, touches);
      s.task("hog", { mm }, (p["back-in"] ?? 0) > 0 ? hogAndBack : hog, [vma, resident, touches]);
    }
  },
});

/** Reads the first page as well, which has been swapped out meanwhile, or not. */
function* hogAndBack(vma: Vma, first: number, pages: number): Resumable {
  yield* hog(vma, first, pages);
  yield* userPageFault(vma, 0, false);
}
