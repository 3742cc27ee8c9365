/**
 * Tasks that use more memory than there is, on a machine whose swap is encrypted: `dm-crypt-throttle` against a clock.
 *
 * The machine is small (1 MiB by default, a sixteenth of the usual reserve), so that a run takes seconds; what decides is not its size but what is free and cached,
 * of which the dirty limit is a share, against the pages that are under writeback.
 */
import { bootDmCrypt, cryptMetrics } from "../../kernel/md/boot-dm-crypt.ts";
import type { CryptConfig } from "../../kernel/md/dm-crypt-types.ts";
import { bootKswapd } from "../../kernel/mm/kswapd.ts";
import { userPageFault } from "../../kernel/mm/memory.ts";
import type { Mm } from "../../kernel/mm/mm.ts";
import type { Vma } from "../../kernel/mm/mm-types.ts";
import { OOM_SCORE_ADJ_MIN } from "../../kernel/mm/mmap.ts";
import { bootSwap } from "../../kernel/mm/swap-state.ts";
import { bootGlobalDirtyLimits, nrWriteback, type VmWriteoutThrottle } from "../../kernel/mm/throttle-vm-writeout.ts";
import { nrFree } from "../../kernel/mm/watermarks.ts";
import type { Kernel } from "../../kernel/sched/kernel.ts";
import type { Resumable } from "../../resumable/index.ts";
import { dmCryptThrottle } from "../dm-crypt-throttle.ts";
import type { Parameters } from "../incident.ts";
import { type TimedIncident, userCode } from "./timed.ts";

/** Writes to its memory, page after page, for ever, and does something with each for so many microseconds. */
function* hog(vma: Vma, pages: number, work: number): Resumable {
  for (;;) {
    for (let i = 0; i < pages; i++) {
      yield* userPageFault(vma, i, true);
      yield userCode(undefined, work);
    }
  }
}

const CRYPT = "dm-crypt-throttle";
const THROTTLE = "dm-crypt-throttle counts";
const cc = (kernel: Kernel): CryptConfig => kernel.subsystem(CRYPT);
const mm = (kernel: Kernel): Mm => kernel.subsystem("mm");

/** Pages of each hog, and how many there is room for at the start. */
function sizes(p: Parameters) {
  const { memory = 4096, reserve = 256, hogs = 2, overcommit = 150, clean = 0, free = 0 } = p;
  const resident = Math.floor((memory - reserve - clean - free) / hogs);
  return { resident, used: Math.ceil((((memory - reserve) / hogs) * overcommit) / 100) };
}

export const dmCryptThrottleRun: TimedIncident = {
  incident: dmCryptThrottle,
  parameters: {
    memory: { default: 256, min: 64, max: 16384, what: "pages of memory, those of the reserve among them" },
    reserve: { default: 16, min: 1, max: 4096, what: "pages in the reserve of dm-crypt" },
    hogs: { default: 8, min: 1, max: 64, what: "tasks that write to memory of their own, for ever" },
    overcommit: { default: 150, min: 10, max: 1000, what: "per cent of the memory that they use together" },
    clean: { default: 16, min: 0, max: 8192, what: "clean pages of a file" },
    free: { default: 24, min: 0, max: 8192, what: "free pages at the start" },
    min: { default: 8, min: 0, max: 4096, what: "the min watermark; low and high are a quarter and a half above it" },
    kswapd: { default: 1, min: 0, max: 1, what: "1: there is a kswapd" },
    work: { default: 50, min: 1, max: 1_000_000, what: "microseconds that a hog works with a page" },
    "dirty-ratio": { default: 20, min: 0, max: 100, what: "vm.dirty_ratio" },
    cpus: { default: 2, min: 1, max: 16, what: "CPUs, each with a worker of kcryptd" },
  },
  small: { memory: 128, reserve: 8 },
  seconds: 2,
  notes: [
    "the OOM killer may not choose the hogs; there is a slot of swap for every page",
    "encryption takes no time of its own; each page is a bio of its own",
  ],
  cpus: ({ cpus = 2 }) => cpus,
  room: ({ memory = 4096, hogs = 2, clean = 0, free = 0 }) => ({
    pages: memory + clean + free + 64,
    contexts: hogs + 64,
    bios: memory * (hogs + 8),
  }),
  setup(s, p) {
    const { memory = 4096, reserve = 256, hogs = 2, clean = 0, free = 0, min = 0 } = p;
    const { resident, used } = sizes(p);
    s.memory({ watermarks: { min, low: Math.ceil(min * 1.25), high: Math.ceil(min * 1.5) } });
    const counts = bootGlobalDirtyLimits(s.kernel, { dirtyRatio: p["dirty-ratio"] ?? 20 });
    const [disk, crypt] = s.disks(memory, { irqCpu: 0 }, { device: "253:0", irqCpu: 0 });
    s.freePages(free + reserve);
    const config = bootDmCrypt(s.kernel, { queue: crypt!, dev: disk!, minPages: reserve });
    s.kernel.subsystems.set(CRYPT, config);
    s.kernel.subsystems.set(THROTTLE, counts);
    bootSwap(s.kernel, crypt!, used * hogs);
    if ((p.kswapd ?? 0) > 0) bootKswapd(s.kernel);
    if (clean > 0) s.file(s.filesystem("ext4", disk!, { periodic: false }), { pages: clean });
    for (let i = 0; i < hogs; i++) {
      const process = s.process({ oomScoreAdj: OOM_SCORE_ADJ_MIN });
      const vma = s.anonymous(process, Math.min(resident, used), undefined, Math.max(0, used - resident));
      s.task("hog", { mm: process }, hog, [vma, used, p.work ?? 50]);
    }
  },
  gauges: [
    { name: "memory.free", unit: "pages", read: (k) => nrFree(mm(k)) },
    { name: "memory.writeback", unit: "pages", read: (k) => nrWriteback(mm(k)) },
    { name: "dm_crypt.requests", unit: "requests", read: (k) => cc(k).requests },
    { name: "dm_crypt.reserve", unit: "pages", read: (k) => cc(k).pagePool.reserve.length },
    {
      name: "dm_crypt.reserve_empty",
      unit: "share",
      read: (k) => (cc(k).pagePool.reserve.length === 0 ? 1 : 0),
    },
  ],
  metrics(kernel, seconds, mean) {
    const { pagePool } = cc(kernel);
    const { sleeps, workerSleeps } = kernel.subsystem<VmWriteoutThrottle>(THROTTLE);
    const measured = cryptMetrics(cc(kernel), workerSleeps, seconds);
    return {
      "dm_crypt.requests_per_second": measured.requestsPerSecond,
      "dm_crypt.throttle_sleeps_per_request": measured.throttleSleepsPerRequest,
      "dm_crypt.reserve_empty_share": mean("dm_crypt.reserve_empty"),
      "dm_crypt.reserve_found_empty_share": measured.reserveEmptyShare,
      "dm_crypt.reserve_used_pages": pagePool.minNr - mean("dm_crypt.reserve"),
      "throttle.sleeps": sleeps,
      "throttle.worker_sleeps": workerSleeps,
      "memory.writeback_pages": mean("memory.writeback"),
      "memory.free_pages": mean("memory.free"),
    };
  },
};
