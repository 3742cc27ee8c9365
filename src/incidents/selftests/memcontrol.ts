/**
 * The cases of the kernel's tools/testing/selftests/cgroup/test_memcontrol.c (6.1 and 6.12): their hierarchies, sizes and thresholds
 * in own code. A case returns an empty text when it passes, else what was not as it should be, or `skip: ...`.
 */

import { readFileNow } from "../../kernel/cgroup/cgroupfs.ts";
import { writeVirtual } from "../../kernel/fs/virtual-files.ts";
import { __mmPopulate } from "../../kernel/mm/gup.ts";
import { current, kernel } from "../../kernel/sched/current.ts";
import { exitToUserMode, sleepFor } from "../../kernel/sched/entry.ts";
import { kill } from "../../kernel/sched/exit.ts";
import { waitOp } from "../../kernel/sched/wait.ts";
import type { Resumable } from "../../resumable/index.ts";
import {
  allocAnon,
  allocAnonNoexit,
  allocPagecache,
  allocPagecacheNoexit,
  type Bench,
  type Child,
  cgCreate,
  cgDestroy,
  cgRead,
  cgReadKeyLong,
  cgReadLong,
  cgRun,
  cgRunNowait,
  cgWrite,
  closeTemp,
  freeAnon,
  mb,
  type OpenFile,
  PAGE,
  self,
  touchAnon,
  valuesClose,
} from "./cgroup-util.ts";

const PASS = "";

/** The controller shows up below a directory that hands it on, and only there. */
export function* testMemcgSubtreeControl({ root }: Bench): Resumable<string> {
  const [parent, child] = [`${root}/memcg_test_0`, `${root}/memcg_test_0/memcg_test_1`];
  const [parent2, child2] = [`${root}/memcg_test_1`, `${root}/memcg_test_1/memcg_test_1`];
  if (!(yield* cgCreate(parent))) return "mkdir of the parent";
  if (!(yield* cgWrite(parent, "cgroup.subtree_control", "+memory"))) return "+memory";
  if (!(yield* cgCreate(child))) return "mkdir of the child";
  if ((yield* cgRead(child, "cgroup.controllers"))?.includes("memory") !== true) return "the child lacks memory";
  if (!(yield* cgCreate(parent2)) || !(yield* cgCreate(child2))) return "mkdir of the others";
  const without = yield* cgRead(child2, "cgroup.controllers");
  if (without === undefined) return "cgroup.controllers cannot be read";
  if (without.includes("memory")) return "the other child has memory";
  yield* cgDestroy(child2);
  yield* cgDestroy(parent2);
  yield* cgDestroy(child);
  yield* cgDestroy(parent);
  return PASS;
}

function* allocAnon50MCheck({ bench, cgroup }: Child): Resumable<number> {
  const size = mb(bench, 50);
  if (!(yield* touchAnon(size))) return 255;
  const usage = yield* cgReadLong(cgroup, "memory.current");
  const anon = yield* cgReadKeyLong(cgroup, "memory.stat", "anon");
  yield* freeAnon();
  if (usage < size || !valuesClose(size, usage, 3)) return 255;
  return anon >= 0 && valuesClose(anon, usage, 3) ? 0 : 255;
}
function* allocPagecache50MCheck({ bench, cgroup, file }: Child): Resumable<number> {
  const temp = file as OpenFile;
  const size = mb(bench, 50);
  yield* allocPagecache(temp, size);
  const usage = yield* cgReadLong(cgroup, "memory.current");
  const cached = yield* cgReadKeyLong(cgroup, "memory.stat", "file");
  yield* closeTemp(temp);
  return usage >= size && cached >= 0 && valuesClose(cached, usage, 10) ? 0 : 255;
}

/** memory.current and memory.stat follow 50M of anonymous memory and 50M of page cache; 6.12 looks at memory.peak too. */
export function* testMemcgCurrentPeak(bench: Bench): Resumable<string> {
  const memcg = `${bench.root}/memcg_test`;
  if (!(yield* cgCreate(memcg))) return "mkdir";
  if ((yield* cgReadLong(memcg, "memory.current")) !== 0) return "memory.current is not 0";
  const hasPeak = (yield* cgRead(memcg, "memory.peak")) !== undefined;
  if (hasPeak && (yield* cgReadLong(memcg, "memory.peak")) !== 0) return "memory.peak is not 0";
  if ((yield* cgRun(bench, memcg, allocAnon50MCheck, 0)) !== 0) return "50M of anonymous memory";
  if (hasPeak && (yield* cgReadLong(memcg, "memory.peak")) < mb(bench, 50)) return "memory.peak is below 50M";
  if ((yield* cgRun(bench, memcg, allocPagecache50MCheck, 0, bench.files[0])) !== 0) return "50M of page cache";
  if (hasPeak && (yield* cgReadLong(memcg, "memory.peak")) < mb(bench, 50)) return "memory.peak fell below 50M";
  yield* cgDestroy(memcg);
  return PASS;
}

/** Asks memory.reclaim for what is above the goal until it is there; the answers must make sense. */
function* reclaimUntil(memcg: string, goal: number): Resumable<boolean> {
  let reclaimed = false;
  for (let retries = 5; retries > 0; retries--) {
    const usage = yield* cgReadLong(memcg, "memory.current");
    if (usage < goal || valuesClose(usage, goal, 3)) break;
    // it said that it had reclaimed all
    if (reclaimed) return false;
    const said = yield* writeVirtual(`${memcg}/memory.reclaim`, String(usage - goal));
    if (said === "ok") reclaimed = true;
    else if (said !== "EAGAIN") return false;
  }
  return reclaimed;
}

/**
 * Three groups with 50M of page cache each, protected by 75M, 25M and nothing under a parent with 50M, and pressure beside them:
 * what is left is what the protection of the parent gives each.
 */
function* testMemcgProtection(bench: Bench, attribute: "memory.min" | "memory.low"): Resumable<string> {
  const a = `${bench.root}/memcg_test_0`;
  const [b, g] = [`${a}/memcg_test_1`, `${a}/memcg_test_2`];
  const children = Object.freeze([0, 1, 2, 3].map((i) => `${b}/child_memcg_${i}`));
  const file = bench.files[0] as OpenFile;
  const isMin = attribute === "memory.min";
  const M = mb(bench, 1);
  if (!(yield* cgCreate(a))) return "mkdir";
  if ((yield* cgReadLong(a, attribute)) !== 0) return isMin ? "skip: no memory.min" : "memory.low is not 0";
  if (!(yield* cgWrite(a, "cgroup.subtree_control", "+memory"))) return "+memory in A";
  if (!(yield* cgWrite(a, "memory.max", 200 * M))) return "memory.max";
  if (!(yield* cgWrite(a, "memory.swap.max", 0))) return "memory.swap.max";
  if (!(yield* cgCreate(b))) return "mkdir of B";
  if (!(yield* cgWrite(b, "cgroup.subtree_control", "+memory"))) return "+memory in B";
  if (!(yield* cgCreate(g))) return "mkdir of G";
  for (let i = 0; i < 4; i++) {
    const child = children[i] as string;
    if (!(yield* cgCreate(child))) return `mkdir of ${child}`;
    if (i <= 2) yield* cgRunNowait(bench, child, allocPagecacheNoexit, 50 * M, file);
  }
  if (!(yield* cgWrite(b, attribute, 50 * M))) return "protection of B";
  const protections = Object.freeze([75, 25, 0, 500]);
  for (let i = 0; i < 4; i++) {
    if (!(yield* cgWrite(children[i] as string, attribute, (protections[i] as number) * M))) return "protection";
  }
  for (let attempts = 0; !valuesClose(yield* cgReadLong(b, "memory.current"), 150 * M, 3); ) {
    if (attempts++ > 5) break;
    yield* sleepFor(1000);
  }
  if ((yield* cgRun(bench, g, allocAnon, 148 * M)) !== 0) return "148M beside them";
  const inB = yield* cgReadLong(b, "memory.current");
  if (!valuesClose(inB, 50 * M, 3)) return `B has ${inB / M}M, not 50M`;
  const c0 = yield* cgReadLong(children[0] as string, "memory.current");
  const c1 = yield* cgReadLong(children[1] as string, "memory.current");
  const c3 = yield* cgReadLong(children[3] as string, "memory.current");
  if (!valuesClose(c0, 29 * M, 10)) return `C has ${c0 / M}M, not 29M`;
  if (!valuesClose(c1, 21 * M, 10)) return `D has ${c1 / M}M, not 21M`;
  if (c3 !== 0) return "F is not empty";
  const more = yield* cgRun(bench, g, allocAnon, 170 * M);
  if (isMin && more === 0) return "memory.min gave way";
  if (!isMin && more !== 0) return "memory.low did not give way";
  const left = yield* cgReadLong(b, "memory.current");
  if (!valuesClose(left, (isMin ? 50 : 30) * M, 3)) return `B has ${left / M}M in the end`;
  // 6.1 has memory.reclaim, but its test does not use it here
  if ((yield* cgReadLong(children[0] as string, "memory.current")) > 10 * M) {
    if (!(yield* reclaimUntil(children[0] as string, 10 * M))) return "memory.reclaim of C";
  }
  for (let i = 0; i < 4 && !isMin; i++) {
    const oom = yield* cgReadKeyLong(children[i] as string, "memory.events", "oom");
    const low = yield* cgReadKeyLong(children[i] as string, "memory.events", "low");
    if (oom !== 0) return `an OOM in ${children[i]}`;
    if (i <= 1 ? low <= 0 : low !== 0) return `${low} low events in ${children[i]}`;
  }
  for (const child of children) yield* cgDestroy(child);
  yield* cgDestroy(g);
  yield* cgDestroy(b);
  yield* cgDestroy(a);
  yield* closeTemp(file);
  return PASS;
}
export function* testMemcgMin(bench: Bench): Resumable<string> {
  return yield* testMemcgProtection(bench, "memory.min");
}
export function* testMemcgLow(bench: Bench): Resumable<string> {
  return yield* testMemcgProtection(bench, "memory.low");
}

function* allocPagecacheMax30M({ bench, cgroup, file }: Child): Resumable<number> {
  const temp = file as OpenFile;
  const high = yield* cgReadLong(cgroup, "memory.high");
  const max = yield* cgReadLong(cgroup, "memory.max");
  if (high !== mb(bench, 30) && max !== mb(bench, 30)) return 255;
  yield* allocPagecache(temp, mb(bench, 50));
  const usage = yield* cgReadLong(cgroup, "memory.current");
  yield* closeTemp(temp);
  return valuesClose(usage, mb(bench, 30), 5) ? 0 : 255;
}

/** memory.high holds both kinds of memory down. */
export function* testMemcgHigh(bench: Bench): Resumable<string> {
  const memcg = `${bench.root}/memcg_test`;
  if (!(yield* cgCreate(memcg))) return "mkdir";
  if ((yield* cgRead(memcg, "memory.high")) !== "max\n") return "memory.high is not max";
  if (!(yield* cgWrite(memcg, "memory.swap.max", 0))) return "memory.swap.max";
  if (!(yield* cgWrite(memcg, "memory.high", mb(bench, 30)))) return "memory.high";
  if ((yield* cgRun(bench, memcg, allocAnon, mb(bench, 31))) !== 0) return "31M of anonymous memory";
  if ((yield* cgRun(bench, memcg, allocPagecache50MCheck, 0, bench.files[0])) === 0) return "50M of page cache fit";
  if ((yield* cgRun(bench, memcg, allocPagecacheMax30M, 0, bench.files[1])) !== 0) return "page cache of 30M";
  if ((yield* cgReadKeyLong(memcg, "memory.events", "high")) <= 0) return "no high events";
  yield* cgDestroy(memcg);
  return PASS;
}

/** mlock(2) of new memory: every page is faulted in within one system call. */
function* allocAnonMlock({ size }: Child): Resumable<number> {
  yield* __mmPopulate(self().heap, 0, size / PAGE);
  if (yield* exitToUserMode()) yield* freeAnon();
  return 0;
}

/** inotify on a control file: its text is another. */
const modified = waitOp<string, string>("inotify_read", {
  ways: (path, before) => (readFileNow(path) !== before ? 1 : 0),
  wait: (path) => ({
    resource: { class: "file", id: path },
    verb: "modify",
    providers: kernel().tasks.filter((task) => task !== current() && task.kind === "task"),
    state: "S",
    top: "schedule",
  }),
  describe: (path) => `wait until ${path} changes`,
});

/** A large charge inside one system call is held back by memory.high, too, long before memory.max. */
export function* testMemcgHighSync(bench: Bench): Resumable<string> {
  const memcg = `${bench.root}/memcg_test`;
  if (!(yield* cgCreate(memcg))) return "mkdir";
  const preHigh = yield* cgReadKeyLong(memcg, "memory.events", "high");
  const preMax = yield* cgReadKeyLong(memcg, "memory.events", "max");
  if (preHigh < 0 || preMax < 0) return "memory.events";
  if (!(yield* cgWrite(memcg, "memory.swap.max", 0))) return "memory.swap.max";
  if (!(yield* cgWrite(memcg, "memory.high", mb(bench, 30)))) return "memory.high";
  if (!(yield* cgWrite(memcg, "memory.max", mb(bench, 140)))) return "memory.max";
  const before = (yield* cgRead(memcg, "memory.events")) ?? "";
  if ((yield* cgRunNowait(bench, memcg, allocAnonMlock, mb(bench, 200))) < 0) return "fork";
  yield modified(`${memcg}/memory.events`, before);
  const postHigh = yield* cgReadKeyLong(memcg, "memory.events", "high");
  const postMax = yield* cgReadKeyLong(memcg, "memory.events", "max");
  if (preHigh === postHigh) return "no high events";
  if (preMax !== postMax) return `${postMax - preMax} max events`;
  yield* cgDestroy(memcg);
  return PASS;
}

/** memory.max kills who wants 100M of anonymous memory in 30M, and holds page cache down. */
export function* testMemcgMax(bench: Bench): Resumable<string> {
  const memcg = `${bench.root}/memcg_test`;
  if (!(yield* cgCreate(memcg))) return "mkdir";
  if ((yield* cgRead(memcg, "memory.max")) !== "max\n") return "memory.max is not max";
  if (!(yield* cgWrite(memcg, "memory.swap.max", 0))) return "memory.swap.max";
  if (!(yield* cgWrite(memcg, "memory.max", mb(bench, 30)))) return "memory.max";
  if ((yield* cgRun(bench, memcg, allocAnon, mb(bench, 100))) === 0) return "nobody was killed";
  if ((yield* cgRun(bench, memcg, allocPagecacheMax30M, 0, bench.files[0])) !== 0) return "page cache of 30M";
  const usage = yield* cgReadLong(memcg, "memory.current");
  if (usage > mb(bench, 30) || usage === 0) return `memory.current is ${usage}`;
  if ((yield* cgReadKeyLong(memcg, "memory.events", "max")) <= 0) return "no max events";
  yield* cgDestroy(memcg);
  return PASS;
}

/** memory.reclaim brings 50M of page cache down to 30M. */
export function* testMemcgReclaim(bench: Bench): Resumable<string> {
  const memcg = `${bench.root}/memcg_test`;
  const file = bench.files[0] as OpenFile;
  if (!(yield* cgCreate(memcg))) return "mkdir";
  if ((yield* cgReadLong(memcg, "memory.current")) !== 0) return "memory.current is not 0";
  yield* cgRunNowait(bench, memcg, allocPagecacheNoexit, mb(bench, 50), file);
  for (let retries = 5; !valuesClose(yield* cgReadLong(memcg, "memory.current"), mb(bench, 50), 10); retries--) {
    if (retries === 0) return "50M were not allocated";
    yield* sleepFor(1000);
  }
  if (!(yield* reclaimUntil(memcg, mb(bench, 30)))) return "memory.reclaim";
  yield* cgDestroy(memcg);
  yield* closeTemp(file);
  return PASS;
}

/** One OOM, one victim. */
export function* testMemcgOomEvents(bench: Bench): Resumable<string> {
  const memcg = `${bench.root}/memcg_test`;
  if (!(yield* cgCreate(memcg))) return "mkdir";
  if (!(yield* cgWrite(memcg, "memory.max", mb(bench, 30)))) return "memory.max";
  if (!(yield* cgWrite(memcg, "memory.swap.max", 0))) return "memory.swap.max";
  if ((yield* cgRun(bench, memcg, allocAnon, mb(bench, 100))) === 0) return "nobody was killed";
  if ((yield* cgRead(memcg, "cgroup.procs")) !== "") return "somebody is left";
  const oom = yield* cgReadKeyLong(memcg, "memory.events", "oom");
  if (oom !== 1) return `${oom} oom events`;
  const kills = yield* cgReadKeyLong(memcg, "memory.events", "oom_kill");
  if (kills !== 1) return `${kills} oom_kill events`;
  yield* cgDestroy(memcg);
  return PASS;
}

export function* testMemcgSwapMaxPeak(): Resumable<string> {
  const swaps = yield* cgRead("/proc", "swaps");
  return swaps?.trim().split("\n").length === 1 ? "skip: no swap" : "swap of groups is not modelled";
}

/** Everybody in the group is gone, at most a second later. */
function* allKilled(cgroup: string): Resumable<boolean> {
  for (let limit = 10; limit > 0; limit--) {
    if ((yield* cgRead(cgroup, "cgroup.procs")) === "") return true;
    yield* sleepFor(100);
  }
  return false;
}

/** memory.oom.group of a leaf: all of it dies, and its parent counts that. */
export function* testMemcgOomGroupLeafEvents(bench: Bench): Resumable<string> {
  const [parent, child] = [`${bench.root}/memcg_test_0`, `${bench.root}/memcg_test_0/memcg_test_1`];
  if (!(yield* cgCreate(parent)) || !(yield* cgCreate(child))) return "mkdir";
  if (!(yield* cgWrite(parent, "cgroup.subtree_control", "+memory"))) return "+memory";
  if (!(yield* cgWrite(child, "memory.max", mb(bench, 50)))) return "memory.max";
  if (!(yield* cgWrite(child, "memory.swap.max", 0))) return "memory.swap.max";
  if (!(yield* cgWrite(child, "memory.oom.group", 1))) return "memory.oom.group";
  // refused: the parent hands its controllers on
  yield* cgRunNowait(bench, parent, allocAnonNoexit, mb(bench, 60));
  yield* cgRunNowait(bench, child, allocAnonNoexit, mb(bench, 1));
  yield* cgRunNowait(bench, child, allocAnonNoexit, mb(bench, 1));
  if ((yield* cgRun(bench, child, allocAnon, mb(bench, 100))) === 0) return "nobody was killed";
  if (!(yield* allKilled(child))) return "somebody is left";
  if ((yield* cgReadKeyLong(child, "memory.events", "oom_kill")) <= 0) return "no oom_kill events";
  if ((yield* cgReadKeyLong(parent, "memory.events", "oom_kill")) <= 0) return "the parent has no oom_kill events";
  yield* cgDestroy(child);
  yield* cgDestroy(parent);
  return PASS;
}

/** memory.oom.group of a parent: its children die, too. */
export function* testMemcgOomGroupParentEvents(bench: Bench): Resumable<string> {
  const [parent, child] = [`${bench.root}/memcg_test_0`, `${bench.root}/memcg_test_0/memcg_test_1`];
  if (!(yield* cgCreate(parent)) || !(yield* cgCreate(child))) return "mkdir";
  if (!(yield* cgWrite(parent, "memory.max", mb(bench, 80)))) return "memory.max";
  if (!(yield* cgWrite(parent, "memory.swap.max", 0))) return "memory.swap.max";
  if (!(yield* cgWrite(parent, "memory.oom.group", 1))) return "memory.oom.group";
  yield* cgRunNowait(bench, parent, allocAnonNoexit, mb(bench, 60));
  yield* cgRunNowait(bench, child, allocAnonNoexit, mb(bench, 1));
  yield* cgRunNowait(bench, child, allocAnonNoexit, mb(bench, 1));
  if ((yield* cgRun(bench, child, allocAnon, mb(bench, 100))) === 0) return "nobody was killed";
  if (!(yield* allKilled(child))) return "somebody is left in the child";
  if (!(yield* allKilled(parent))) return "somebody is left in the parent";
  yield* cgDestroy(child);
  yield* cgDestroy(parent);
  return PASS;
}

/** memory.oom.group spares who has oom_score_adj -1000. */
export function* testMemcgOomGroupScoreEvents(bench: Bench): Resumable<string> {
  const memcg = `${bench.root}/memcg_test_0`;
  if (!(yield* cgCreate(memcg))) return "mkdir";
  if (!(yield* cgWrite(memcg, "memory.max", mb(bench, 50)))) return "memory.max";
  if (!(yield* cgWrite(memcg, "memory.swap.max", 0))) return "memory.swap.max";
  if (!(yield* cgWrite(memcg, "memory.oom.group", 1))) return "memory.oom.group";
  const safe = yield* cgRunNowait(bench, memcg, allocAnonNoexit, mb(bench, 1));
  if (!(yield* cgWrite(`/proc/${safe}`, "oom_score_adj", -1000))) return "oom_score_adj";
  yield* cgRunNowait(bench, memcg, allocAnonNoexit, mb(bench, 1));
  if ((yield* cgRun(bench, memcg, allocAnon, mb(bench, 100))) === 0) return "nobody was killed";
  const kills = yield* cgReadKeyLong(memcg, "memory.events", "oom_kill");
  if (kills !== 3) return `${kills} oom_kill events`;
  if (!(yield* kill(safe))) return "who was to be spared is gone";
  yield* cgDestroy(memcg);
  return PASS;
}
