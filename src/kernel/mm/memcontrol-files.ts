/** The files of the memory controller on cgroup v2 (mm/memcontrol.c: memory_files, swap_files). */

import { op, type Resumable } from "../../resumable/index.ts";
import type { Cftype, Cftypes, Directory } from "../cgroup/cftype.ts";
import type { Cgroup } from "../cgroup/cgroup-types.ts";
import { kstrtoint, pageCounterMemparse, type Result } from "../cgroup/errno.ts";
import { memoryBoundWrite, memoryHighWrite, memoryMaxWrite, memoryReclaim } from "./memcontrol-limits.ts";
import { bytes, limitV2, memoryEventsLocalShow, memoryEventsShow, memoryStatFormat } from "./memory-stat.ts";

function* minWrite({ memcg }: Directory, text: string): Resumable<Result> {
  const pages = pageCounterMemparse(text, "max");
  return pages === undefined ? "EINVAL" : yield* memoryBoundWrite(memcg, "min", pages);
}
function* lowWrite({ memcg }: Directory, text: string): Resumable<Result> {
  const pages = pageCounterMemparse(text, "max");
  return pages === undefined ? "EINVAL" : yield* memoryBoundWrite(memcg, "low", pages);
}
function* highWrite({ memcg }: Directory, text: string): Resumable<Result> {
  const pages = pageCounterMemparse(text, "max");
  return pages === undefined ? "EINVAL" : yield* memoryHighWrite(memcg, pages);
}
function* maxWrite({ memcg }: Directory, text: string): Resumable<Result> {
  const pages = pageCounterMemparse(text, "max");
  return pages === undefined ? "EINVAL" : yield* memoryMaxWrite(memcg, pages);
}
/** `swappiness=N` after the size (6.9+) is taken where there is no swap to weigh. */
function* reclaimWrite({ memcg }: Directory, text: string): Resumable<Result> {
  const pages = pageCounterMemparse(text.trim().replace(/ +swappiness=\d+$/, ""), "");
  return pages === undefined ? "EINVAL" : yield* memoryReclaim(memcg, pages);
}

interface Knob {
  readonly field: "oomGroup" | "swapMax" | "swapHigh";
  readonly to: number;
}
const setKnob = op<Cgroup, Knob>("write knob", {
  apply(cgroup, { field, to }) {
    if (field === "oomGroup") cgroup.oomGroup = to === 1;
    else cgroup[field] = to;
  },
  describe: (cgroup, { field, to }) => `write ${to} to ${field} of ${cgroup.path}`,
});

/** `memory_oom_group_write()`. */
function* oomGroupWrite({ cgroup }: Directory, text: string): Resumable<Result> {
  const to = kstrtoint(text.trim());
  if (typeof to === "string") return to;
  if (to !== 0 && to !== 1) return "EINVAL";
  yield setKnob(cgroup as Cgroup, Object.freeze({ field: "oomGroup", to } as const));
  return "ok";
}
function* swapMaxWrite({ cgroup }: Directory, text: string): Resumable<Result> {
  const to = pageCounterMemparse(text, "max");
  if (to === undefined) return "EINVAL";
  yield setKnob(cgroup as Cgroup, Object.freeze({ field: "swapMax", to } as const));
  return "ok";
}
function* swapHighWrite({ cgroup }: Directory, text: string): Resumable<Result> {
  const to = pageCounterMemparse(text, "max");
  if (to === undefined) return "EINVAL";
  yield setKnob(cgroup as Cgroup, Object.freeze({ field: "swapHigh", to } as const));
  return "ok";
}

const notOnRoot = true;
const ofCgroup = true;
const local = (file: Cftype): Cftype => ({ notOnRoot, ...file });

export const MEMORY_FILES: Cftypes = {
  "memory.current": local({ read: ({ memcg }) => `${bytes(memcg.memory.usage)}\n` }),
  // commit 8e20d4b33266 ("mm/memcontrol: export memcg->watermark via sysfs for v2 memcg") (v5.19) [M]
  "memory.peak": local({ since: "5.19", read: ({ memcg }) => `${bytes(memcg.memory.watermark)}\n` }),
  "memory.min": local({ since: "4.18", read: ({ memcg }) => `${limitV2(memcg.memory.min)}\n`, write: minWrite }),
  "memory.low": local({ read: ({ memcg }) => `${limitV2(memcg.memory.low)}\n`, write: lowWrite }),
  "memory.high": local({ read: ({ memcg }) => `${limitV2(memcg.memory.high)}\n`, write: highWrite }),
  "memory.max": local({ read: ({ memcg }) => `${limitV2(memcg.memory.max)}\n`, write: maxWrite }),
  "memory.events": local({ read: ({ memcg }) => memoryEventsShow(memcg) }),
  "memory.events.local": local({ since: "5.2", read: ({ memcg }) => memoryEventsLocalShow(memcg) }),
  "memory.stat": { read: ({ memcg }) => memoryStatFormat(memcg) },
  "memory.oom.group": local({
    since: "4.19",
    ofCgroup,
    read: ({ cgroup }) => `${cgroup?.oomGroup === true ? 1 : 0}\n`,
    write: oomGroupWrite,
  }),
  "memory.reclaim": { since: "5.19", write: reclaimWrite },
};

/** On machines without swap, where nothing is ever charged as swap; see {@link SWAP_FILES} in the documentation. */
export const SWAP_FILES: Cftypes = {
  "memory.swap.current": local({ read: () => "0\n" }),
  "memory.swap.high": local({
    since: "5.8",
    ofCgroup,
    read: ({ cgroup }) => `${limitV2(cgroup?.swapHigh ?? 0)}\n`,
    write: swapHighWrite,
  }),
  "memory.swap.max": local({
    ofCgroup,
    read: ({ cgroup }) => `${limitV2(cgroup?.swapMax ?? 0)}\n`,
    write: swapMaxWrite,
  }),
};
