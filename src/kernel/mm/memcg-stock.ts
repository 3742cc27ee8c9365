/**
 * Charges of whole batches and the per-CPU stock that keeps what is left of them (mm/memcontrol.c).
 *
 * `MEMCG_CHARGE_BATCH` is 32 pages: a group whose limit is smaller never has a stock. Draining another CPU is a work item there
 * that nobody waits for; here it is done at once. Stocks of several groups per CPU (6.15) are not modelled.
 */
import { kernel, thisCpu } from "../sched/current.ts";
import type { Cpu } from "../sched/task.ts";
import type { MemCgroup } from "./memcg-types.ts";
import { uncharge } from "./memcg-uncharge.ts";
import { isDescendant } from "./mm.ts";

/** `MEMCG_CHARGE_BATCH` (`CHARGE_BATCH` up to 4.15), in pages. */
export const MEMCG_CHARGE_BATCH = 32;

/** Takes `n` pages from this CPU's stock, if it is the group's and has them. */
export function consumeStock(memcg: MemCgroup, n: number): boolean {
  const cpu = thisCpu();
  if (n > MEMCG_CHARGE_BATCH || cpu.stockMemcg !== memcg || cpu.stockPages < n) return false;
  cpu.stockPages -= n;
  if (cpu.stockPages === 0) cpu.stockMemcg = undefined;
  return true;
}

/** Puts what is left of a batch into this CPU's stock; another group's goes back first. */
export function refillStock(memcg: MemCgroup, n: number): void {
  if (n === 0) return;
  const cpu = thisCpu();
  if (cpu.stockMemcg !== memcg) drainStock(cpu);
  cpu.stockMemcg = memcg;
  cpu.stockPages += n;
  if (cpu.stockPages > MEMCG_CHARGE_BATCH) drainStock(cpu);
}

function drainStock(cpu: Cpu): void {
  if (cpu.stockMemcg !== undefined) uncharge(cpu.stockMemcg, cpu.stockPages);
  cpu.stockMemcg = undefined;
  cpu.stockPages = 0;
}

/** Gives back the stocks of every CPU that belong to the subtree. Part of the caller's step. */
export function drainAllStock(root: MemCgroup): void {
  for (const cpu of kernel().cpus) if (isDescendant(cpu.stockMemcg, root)) drainStock(cpu);
}
