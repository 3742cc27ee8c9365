/**
 * Charges of kernel memory (`__GFP_ACCOUNT`): whom, and the chain down to the charge.
 *
 * Opt-in by the mask from 4.5 (commit a9bb7e620efd ("memcg: only account kmem allocations marked as __GFP_ACCOUNT")); 4.4 charges
 * only in groups with a kmem limit. v1 counts it once more in `kmem`, whose limit fails charges until 5.16.
 */
import { op, type Resumable } from "../../resumable/index.ts";
import { __GFP_NOFAIL, PF_KTHREAD } from "../gfp.ts";
import { current, era, kernel } from "../sched/current.ts";
import { tryChargeMemcg } from "./memcg-charge.ts";
import { type MemCgroup, PAGE_COUNTER_MAX } from "./memcg-types.ts";
import { uncharge } from "./memcg-uncharge.ts";
import { pageCounterCharge, pageCounterTryCharge, pageCounterUncharge } from "./page-counter.ts";

/** Whom an accounted allocation of the running task is charged to; undefined: nobody (`memcg_kmem_bypass()`). */
export function kmemTarget(): MemCgroup | undefined {
  if (!kernel().config.kmem) return undefined;
  const task = current();
  if (task.kind !== "task" || (task.flags & PF_KTHREAD) !== 0) return undefined;
  const { memcg } = task;
  if (memcg?.parent === undefined) return undefined;
  if (!era().kmemByDefault && memcg.kmem.max === PAGE_COUNTER_MAX) return undefined;
  return memcg;
}

/** Charges one page; false: refused. */
export function* __memcgKmemChargePage(memcg: MemCgroup, gfp: number): Resumable<boolean> {
  return yield* objCgroupChargePages(memcg, gfp, 1);
}

const chargeKmem = op<MemCgroup, number>("charge kmem", {
  apply(memcg, n) {
    if (!era().kmemLimit) {
      pageCounterCharge(memcg.kmem, n);
      return true;
    }
    return pageCounterTryCharge(memcg.kmem, n) === undefined;
  },
  describe: (memcg) => `charge kmem of ${memcg.path}`,
});

/** The kmem counter follows memory from 4.5 on, and precedes it in 4.4; only a limit makes it a step of its own. */
function* objCgroupChargePages(memcg: MemCgroup, gfp: number, n: number): Resumable<boolean> {
  if (!(yield* tryChargeMemcg(memcg, gfp, n))) return false;
  if (kernel().config.cgroup !== "v1") return true;
  if (!hasKmemLimit(memcg)) {
    pageCounterCharge(memcg.kmem, n);
    return true;
  }
  if (yield chargeKmem(memcg, n)) return true;
  if ((gfp & __GFP_NOFAIL) !== 0) {
    pageCounterCharge(memcg.kmem, n);
    return true;
  }
  uncharge(memcg, n);
  return false;
}

function hasKmemLimit(memcg: MemCgroup): boolean {
  for (let m: MemCgroup | undefined = memcg; m !== undefined; m = m.parent)
    if (m.kmem.max < PAGE_COUNTER_MAX) return true;
  return false;
}

/** Charges an object of a slab cache, for which a page is charged here. */
export function* objCgroupCharge(memcg: MemCgroup, gfp: number): Resumable<boolean> {
  return yield* objCgroupChargePages(memcg, gfp, 1);
}

/** Gives one page of kernel memory back. */
export function memcgKmemUnchargePage(memcg: MemCgroup): void {
  if (memcg.parent === undefined) return;
  if (kernel().config.cgroup === "v1") pageCounterUncharge(memcg.kmem, 1);
  uncharge(memcg, 1);
}
