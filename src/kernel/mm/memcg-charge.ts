/**
 * Charging a memory cgroup (mm/memcontrol.c:try_charge_memcg), per era.
 *
 * Order of one round: stock, counters, reasons to bypass, reclaim, margin, drain of the stocks (once), retry while anything was
 * reclaimed, wait for a charge move, the bounded retries, OOM killer. What happens at its end decides three of the incidents:
 * - up to 5.15.2 a `__GFP_NOFAIL` charge and one of a dying task go over the limit, after that NOFAIL only when no victim is left
 *   (commit a4ebf1b6ca1e ("memcg: prohibit unconditional exceeding the limit of dying tasks") (v5.16));
 * - up to 4.18 the OOM killer is left to the end of a page fault (commit 29ef680ae7c2 (v4.19));
 * - a charge inside reclaim (PF_MEMALLOC) is forced from 4.9 on.
 */
import { op, type Resumable } from "../../resumable/index.ts";
import {
  __GFP_ATOMIC,
  __GFP_HIGH,
  __GFP_NOFAIL,
  __GFP_NORETRY,
  __GFP_RETRY_MAYFAIL,
  gfpAllowsBlocking,
  PF_KTHREAD,
  PF_MEMALLOC,
} from "../gfp.ts";
import { current, era, kernel } from "../sched/current.ts";
import { taskIsDying } from "../sched/signal.ts";
import { accountForced } from "./account-force.ts";
import { memCgroupHandleOverHigh, noteOverHigh } from "./memcg-high.ts";
import { memCgroupWaitAcctMove } from "./memcg-move.ts";
import { memCgroupOom } from "./memcg-oom.ts";
import { consumeStock, drainAllStock, MEMCG_CHARGE_BATCH, refillStock } from "./memcg-stock.ts";
import type { MemCgroup, PageCounter } from "./memcg-types.ts";
import { mm } from "./mm.ts";
import type { Page } from "./page.ts";
import { couldEverFit, pageCounterCharge, pageCounterTryCharge, pageCounterUncharge } from "./page-counter.ts";
import { tryToFreeMemCgroupPages } from "./vmscan.ts";

/** `1 << PAGE_ALLOC_COSTLY_ORDER`: charges up to this size go on while reclaim finds anything. */
const COSTLY_PAGES = 8;

/**
 * Charges a page to the memcg of the running task (or of `remote`, the active memcg of a kernel thread) and writes that into
 * the page. False: refused (ENOMEM). Called before the page is put into the page cache. The function is `__mem_cgroup_charge()`;
 * the kernel's `mem_cgroup_charge()` is an inline test around it.
 */
export function* __memCgroupCharge(page: Page, gfp: number, remote?: MemCgroup): Resumable<boolean> {
  const memcg = remote ?? chargeTarget();
  if (memcg === undefined) return true;
  return yield* chargeMemcg(page, memcg, gfp);
}
export { __memCgroupCharge as memCgroupCharge };

/** The memcg of the running task; undefined: the root, or a kernel thread, which are not charged. */
function chargeTarget(): MemCgroup | undefined {
  const task = current();
  if (task.kind !== "task" || (task.flags & PF_KTHREAD) !== 0) return undefined;
  return task.memcg?.parent === undefined ? undefined : task.memcg;
}

function* chargeMemcg(page: Page, memcg: MemCgroup, gfp: number): Resumable<boolean> {
  if (!(yield* tryChargeMemcg(memcg, gfp, 1))) return false;
  page.memcg = memcg;
  return true;
}

/** All counters of a charge; true when the memory and swap counter refused (reclaim then must not swap). */
function memswRefused(memcg: MemCgroup, refusing: PageCounter): boolean {
  for (let m: MemCgroup | undefined = memcg; m !== undefined; m = m.parent) if (m.memsw === refusing) return true;
  return false;
}

/** The group whose counter refused (`mem_cgroup_from_counter()`). */
function overLimit(memcg: MemCgroup, refusing: PageCounter): MemCgroup {
  let m = memcg;
  while (m.memory !== refusing && m.memsw !== refusing && m.parent !== undefined) m = m.parent;
  return m;
}

/** v1 counts memory and swap together, and asks that counter first. */
function tryCounters(memcg: MemCgroup, n: number): PageCounter | undefined {
  const v1 = kernel().config.cgroup === "v1";
  const refusing = v1 ? pageCounterTryCharge(memcg.memsw, n) : undefined;
  if (refusing !== undefined) return refusing;
  const over = pageCounterTryCharge(memcg.memory, n);
  if (over !== undefined && v1) pageCounterUncharge(memcg.memsw, n);
  return over;
}

/** One attempt: stock, a batch, exactly `n`. Undefined when charged, else the counter that refused. */
function attempt(memcg: MemCgroup, n: number): PageCounter | undefined {
  if (consumeStock(memcg, n)) return undefined;
  const batch = Math.max(MEMCG_CHARGE_BATCH, n);
  const canBatch = couldEverFit(memcg.memory, batch) && couldEverFit(memcg.memsw, batch);
  if (canBatch && tryCounters(memcg, batch) === undefined) {
    refillStock(memcg, batch - n);
    noteOverHigh(memcg, batch);
    return undefined;
  }
  const refusing = tryCounters(memcg, n);
  if (refusing === undefined) noteOverHigh(memcg, n);
  return refusing;
}

const charge = op<MemCgroup, number>("charge", {
  apply: attempt,
  describe: (memcg, n) => `charge ${memcg.path} ${n}`,
});

/** {@link MmOptions.chargeRetries} `free`: one more round, or none. */
const chargeAgainOrNot = op<MemCgroup, number>("charge again or give up", {
  ways: () => 2,
  apply: (memcg, n, way) => (way === 0 ? attempt(memcg, n) : "give up"),
  describe: (memcg, n) => `charge ${memcg.path} ${n} again or give up`,
});

/** A refused charge that others see until it is taken back. */
const overshoot = op<MemCgroup, number>("overshoot", {
  apply(memcg, n) {
    const refusing = attempt(memcg, n);
    if (refusing !== undefined) pageCounterCharge(memcg.memory, n);
    return refusing;
  },
  describe: (memcg, n) => `charge ${memcg.path} ${n}, seen by others`,
});
const takeBack = op<MemCgroup, number>("take charge back", {
  apply(memcg, n) {
    pageCounterUncharge(memcg.memory, n);
  },
  describe: (memcg) => `take charge of ${memcg.path} back`,
});

const force = op<MemCgroup, number>("charge by force", {
  apply(memcg, n) {
    pageCounterCharge(memcg.memory, n);
    if (kernel().config.cgroup === "v1") pageCounterCharge(memcg.memsw, n);
  },
  describe: (memcg, n) => `charge ${memcg.path} ${n} by force`,
});

/** Why a charge that does not fit is not asked to reclaim. */
function bypass(gfp: number, n: number): "force" | "nomem" | undefined {
  const task = current();
  const is = era();
  if (is.atomicForce && (gfp & __GFP_ATOMIC) !== 0) return "force";
  if (is.dyingForce && taskIsDying()) return "force";
  if (is.pfMemallocForce && (task.flags & PF_MEMALLOC) !== 0) return "force";
  if (accountForced(n)) return "force";
  if (task.memcgInOom !== undefined) return "nomem";
  if (!gfpAllowsBlocking(gfp)) return "nomem";
  if (is.reapedVictimGivesUp && task.oomVictim && task.mm?.oomSkip === true) return "nomem";
  return undefined;
}

/** Why a charge is given up after the last fruitless round, before the OOM killer is asked. */
function lastResort(gfp: number, passedOom: boolean): "force" | "nomem" | undefined {
  const is = era();
  if (is.syncMemcgOom && (gfp & __GFP_RETRY_MAYFAIL) !== 0) return "nomem";
  if (is.nofailBeforeOom && (gfp & __GFP_NOFAIL) !== 0) return "force";
  if (is.dyingForce) return current().fatalSignal ? "force" : undefined;
  return passedOom && taskIsDying() ? "nomem" : undefined;
}

/** `mem_cgroup_margin()`: pages that still fit. */
export function memCgroupMargin(memcg: MemCgroup): number {
  const memory = memcg.memory.max - memcg.memory.usage;
  const both = kernel().config.cgroup === "v1" ? memcg.memsw.max - memcg.memsw.usage : memory;
  return Math.max(0, Math.min(memory, both));
}

/** The attempt at the beginning of a round; `"give up"` only where the number of fruitless rounds is free. */
function* tryCharge(memcg: MemCgroup, n: number, mayGiveUp: boolean): Resumable<PageCounter | "give up" | undefined> {
  if (mayGiveUp) return yield chargeAgainOrNot(memcg, n);
  if (mm().options.counterRaces !== true) return yield charge(memcg, n);
  const refusing: PageCounter | undefined = yield overshoot(memcg, n);
  if (refusing !== undefined) yield takeBack(memcg, n);
  return refusing;
}

/** Charges `n` pages; false: refused. The root is never charged. */
export function* tryChargeMemcg(memcg: MemCgroup, gfp: number, n: number): Resumable<boolean> {
  if (memcg.parent === undefined) return true;
  const given = mm().options.chargeRetries ?? era().memcgReclaimRetries;
  const isFree = given === "free";
  const allRetries = isFree ? 0 : given;
  let retries: number = allRetries;
  let drained = isFree;
  let passedOom = false;
  let fruitless = false;
  let over: MemCgroup = memcg;
  let end: "force" | "nomem" | undefined;
  for (;;) {
    const refusing: PageCounter | "give up" | undefined = yield* tryCharge(memcg, n, fruitless);
    if (refusing === undefined) break;
    if (refusing !== "give up") {
      fruitless = false;
      over = overLimit(memcg, refusing);
      const maySwap = !memswRefused(memcg, refusing);
      end = bypass(gfp, n);
      if (end !== undefined) break;
      over.eventsMax++;
      const reclaimed = yield* tryToFreeMemCgroupPages(over, n, gfp, maySwap);
      if (memCgroupMargin(over) >= n) continue;
      if (isFree) drainAllStock(over);
      if (!drained) {
        drainAllStock(over);
        drained = true;
        continue;
      }
      if ((gfp & __GFP_NORETRY) !== 0) {
        end = "nomem";
        break;
      }
      if (reclaimed > 0 && n <= COSTLY_PAGES) continue;
      if (yield* memCgroupWaitAcctMove(over)) continue;
      fruitless = isFree;
      if (isFree || retries-- > 0) continue;
    }
    fruitless = false;
    end = lastResort(gfp, passedOom);
    if (end !== undefined) break;
    const outcome = yield* memCgroupOom(over, gfp, n);
    if (outcome !== "success") {
      // OOM_FAILED went to force until a4ebf1b6ca1e (v5.16)
      end = outcome === "failed" && era().dyingForce ? "force" : "nomem";
      break;
    }
    passedOom = true;
    retries = allRetries;
  }
  if (end === "nomem" && mustNotFail(gfp)) end = "force";
  if (end === "nomem") return false;
  if (end === "force") yield force(memcg, n);
  else yield* overHighInCharge(gfp);
  return true;
}

function mustNotFail(gfp: number): boolean {
  return (gfp & __GFP_NOFAIL) !== 0 || (era().highForce && (gfp & __GFP_HIGH) !== 0);
}

/** commit c9afe31ec443 ("memcg: synchronously enforce memory.high for large overcharges") (v5.18). */
function* overHighInCharge(gfp: number): Resumable {
  if (!era().highInCharge || current().memcgNrPagesOverHigh <= MEMCG_CHARGE_BATCH) return;
  if ((current().flags & PF_MEMALLOC) !== 0 || !gfpAllowsBlocking(gfp)) return;
  yield* memCgroupHandleOverHigh(gfp);
}
