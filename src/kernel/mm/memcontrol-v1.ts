/** The files of the memory controller on cgroup v1 (mm/memcontrol.c: mem_cgroup_legacy_files, memsw_files; mm/memcontrol-v1.c). */
import { op, type Resumable } from "../../resumable/index.ts";
import type { Cftypes, Directory } from "../cgroup/cftype.ts";
import type { Cgroup } from "../cgroup/cgroup-types.ts";
import { kstrtoull, pageCounterMemparse, type Result } from "../cgroup/errno.ts";
import { era } from "../sched/current.ts";
import type { MemCgroup, PageCounter } from "./memcg-types.ts";
import { type CounterName, memCgroupForceEmpty, memCgroupResizeMax, memcgUpdateKmemMax } from "./memcontrol-limits.ts";
import { bytes, limitV1, memcgStatShow, rootUsage } from "./memory-stat.ts";

const isRoot = (memcg: MemCgroup): boolean => memcg.parent === undefined;

function* limitWrite({ memcg }: Directory, text: string): Resumable<Result> {
  const pages = pageCounterMemparse(text, "-1");
  if (pages === undefined || isRoot(memcg)) return "EINVAL";
  return yield* memCgroupResizeMax(memcg, "memory", pages);
}
function* memswLimitWrite({ memcg }: Directory, text: string): Resumable<Result> {
  const pages = pageCounterMemparse(text, "-1");
  if (pages === undefined || isRoot(memcg)) return "EINVAL";
  return yield* memCgroupResizeMax(memcg, "memsw", pages);
}
function* kmemLimitWrite({ memcg }: Directory, text: string): Resumable<Result> {
  const pages = pageCounterMemparse(text, "-1");
  if (pages === undefined || isRoot(memcg)) return "EINVAL";
  return yield* memcgUpdateKmemMax(memcg, pages);
}

interface Reset {
  readonly counter: CounterName;
  readonly what: "watermark" | "failcnt";
}
const reset = op<MemCgroup, Reset>("mem_cgroup_reset", {
  apply(memcg, { counter, what }) {
    const of: PageCounter = memcg[counter];
    if (what === "failcnt") of.failcnt = 0;
    else of.watermark = of.usage;
  },
});
/** Whatever is written resets. */
function* resetMemoryMax({ memcg }: Directory): Resumable<Result> {
  yield reset(memcg, Object.freeze({ counter: "memory", what: "watermark" } as const));
  return "ok";
}
function* resetMemoryFailcnt({ memcg }: Directory): Resumable<Result> {
  yield reset(memcg, Object.freeze({ counter: "memory", what: "failcnt" } as const));
  return "ok";
}
function* resetMemswMax({ memcg }: Directory): Resumable<Result> {
  yield reset(memcg, Object.freeze({ counter: "memsw", what: "watermark" } as const));
  return "ok";
}
function* resetMemswFailcnt({ memcg }: Directory): Resumable<Result> {
  yield reset(memcg, Object.freeze({ counter: "memsw", what: "failcnt" } as const));
  return "ok";
}
function* resetKmemMax({ memcg }: Directory): Resumable<Result> {
  yield reset(memcg, Object.freeze({ counter: "kmem", what: "watermark" } as const));
  return "ok";
}
function* resetKmemFailcnt({ memcg }: Directory): Resumable<Result> {
  yield reset(memcg, Object.freeze({ counter: "kmem", what: "failcnt" } as const));
  return "ok";
}

interface Knob {
  readonly field: "moveChargeAtImmigrate" | "oomKillDisable" | "softLimit" | "swappiness";
  readonly to: number;
}
const setKnob = op<MemCgroup, Knob>("write", {
  apply(memcg, { field, to }) {
    if (field === "oomKillDisable") memcg.oomKillDisable = to === 1;
    else if (field === "moveChargeAtImmigrate") memcg.moveChargeAtImmigrate = to;
  },
  describe: (memcg, { field, to }) => `write ${to} to ${field} of ${memcg.path}`,
});
const setCgroupKnob = op<Cgroup, Knob>("write knob of v1", {
  apply(cgroup, { field, to }) {
    if (field === "softLimit" || field === "swappiness") cgroup[field] = to;
  },
  describe: (cgroup, { field, to }) => `write ${to} to ${field} of ${cgroup.path}`,
});

/** `mem_cgroup_move_charge_write()`: bits 0 and 1; from 6.13 on only 0, as moving is gone. */
function* moveChargeWrite({ memcg }: Directory, text: string): Resumable<Result> {
  const to = kstrtoull(text);
  if (typeof to === "string") return to;
  if (to > 3 || (to !== 0 && !era().moveCharge)) return "EINVAL";
  yield setKnob(memcg, Object.freeze({ field: "moveChargeAtImmigrate", to } as const));
  return "ok";
}
/** `mem_cgroup_oom_control_write()`. */
function* oomControlWrite({ memcg }: Directory, text: string): Resumable<Result> {
  const to = kstrtoull(text);
  if (typeof to === "string") return to;
  if (isRoot(memcg) || to > 1) return "EINVAL";
  yield setKnob(memcg, Object.freeze({ field: "oomKillDisable", to } as const));
  return "ok";
}
function* softLimitWrite({ cgroup }: Directory, text: string): Resumable<Result> {
  const to = pageCounterMemparse(text, "-1");
  if (to === undefined) return "EINVAL";
  yield setCgroupKnob(cgroup as Cgroup, Object.freeze({ field: "softLimit", to } as const));
  return "ok";
}
/** `mem_cgroup_swappiness_write()`; 200 is the most from 5.8 on, 100 before. */
function* swappinessWrite({ cgroup }: Directory, text: string): Resumable<Result> {
  const to = kstrtoull(text);
  if (typeof to === "string") return to;
  if (to > (era().oomChecksMargin ? 200 : 100)) return "EINVAL";
  yield setCgroupKnob(cgroup as Cgroup, Object.freeze({ field: "swappiness", to } as const));
  return "ok";
}
/** Groups are always hierarchical: 1 is what it is, 0 is refused where there is a hierarchy. */
function useHierarchyWrite({ memcg }: Directory, text: string): Result {
  const to = kstrtoull(text);
  if (typeof to === "string") return to;
  if (to === 1) return "ok";
  return memcg.children.length > 0 ? "EBUSY" : "EINVAL";
}
function* forceEmptyWrite({ memcg }: Directory): Resumable<Result> {
  return isRoot(memcg) ? "EINVAL" : yield* memCgroupForceEmpty(memcg);
}

function oomControlShow(memcg: MemCgroup): string {
  const lines = [`oom_kill_disable ${memcg.oomKillDisable ? 1 : 0}`, `under_oom ${memcg.underOom > 0 ? 1 : 0}`];
  return [...lines, `oom_kill ${memcg.eventsOomKill}`, ""].join("\n");
}
const usageOf = ({ memcg }: Directory, name: "memory" | "memsw"): string =>
  `${bytes(isRoot(memcg) ? rootUsage() : memcg[name].usage)}\n`;

const ofCgroup = true;
export const MEM_CGROUP_LEGACY_FILES: Cftypes = {
  "memory.usage_in_bytes": { read: (dir) => usageOf(dir, "memory") },
  "memory.max_usage_in_bytes": { read: ({ memcg }) => `${bytes(memcg.memory.watermark)}\n`, write: resetMemoryMax },
  "memory.limit_in_bytes": { read: ({ memcg }) => `${limitV1(memcg.memory.max)}\n`, write: limitWrite },
  "memory.soft_limit_in_bytes": {
    ofCgroup,
    read: ({ cgroup }) => `${limitV1(cgroup?.softLimit ?? 0)}\n`,
    write: softLimitWrite,
  },
  "memory.failcnt": { read: ({ memcg }) => `${memcg.memory.failcnt}\n`, write: resetMemoryFailcnt },
  "memory.stat": { read: ({ memcg }) => memcgStatShow(memcg) },
  "memory.force_empty": { write: forceEmptyWrite },
  "memory.use_hierarchy": { read: () => "1\n", answer: useHierarchyWrite },
  // there are no eventfds
  "cgroup.event_control": { answer: () => "EOPNOTSUPP" },
  "memory.swappiness": {
    ofCgroup,
    read: ({ cgroup }) => `${cgroup?.swappiness ?? 60}\n`,
    write: swappinessWrite,
  },
  "memory.move_charge_at_immigrate": {
    read: ({ memcg }) => `${memcg.moveChargeAtImmigrate}\n`,
    write: moveChargeWrite,
  },
  "memory.oom_control": { read: ({ memcg }) => oomControlShow(memcg), write: oomControlWrite },
  // there for cgroup.event_control only
  "memory.pressure_level": {},
  "memory.kmem.limit_in_bytes": { read: ({ memcg }) => `${limitV1(memcg.kmem.max)}\n`, write: kmemLimitWrite },
  "memory.kmem.usage_in_bytes": { read: ({ memcg }) => `${bytes(memcg.kmem.usage)}\n` },
  "memory.kmem.failcnt": { read: ({ memcg }) => `${memcg.kmem.failcnt}\n`, write: resetKmemFailcnt },
  "memory.kmem.max_usage_in_bytes": { read: ({ memcg }) => `${bytes(memcg.kmem.watermark)}\n`, write: resetKmemMax },
  "memory.memsw.usage_in_bytes": { read: (dir) => usageOf(dir, "memsw") },
  "memory.memsw.max_usage_in_bytes": { read: ({ memcg }) => `${bytes(memcg.memsw.watermark)}\n`, write: resetMemswMax },
  "memory.memsw.limit_in_bytes": { read: ({ memcg }) => `${limitV1(memcg.memsw.max)}\n`, write: memswLimitWrite },
  "memory.memsw.failcnt": { read: ({ memcg }) => `${memcg.memsw.failcnt}\n`, write: resetMemswFailcnt },
};
