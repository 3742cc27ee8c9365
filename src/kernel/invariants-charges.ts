/** Laws of charges: what counters say is what somebody carries, page by page. */
import type { NbdDevice } from "./block/nbd.ts";
import type { Cgroups } from "./cgroup/cgroup-types.ts";
import type { Pipe } from "./fs/pipe.ts";
import type { Law } from "./invariants.ts";
import type { MemCgroup } from "./mm/memcg-types.ts";
import { isDescendant, type Mm } from "./mm/mm.ts";
import type { Vma } from "./mm/mm-types.ts";
import type { Page } from "./mm/page.ts";
import type { Kernel } from "./sched/kernel.ts";

/** A charge that a group pays for. */
interface Charge {
  readonly memcg: MemCgroup;
  readonly pages: number;
  /** Page tables and other kernel memory, which v1 counts apart, too. */
  readonly kernel: boolean;
}

const mmOf = (kernel: Kernel): Mm | undefined => kernel.subsystems.get("mm") as Mm | undefined;
const groupsOf = (kernel: Kernel): readonly MemCgroup[] =>
  (mmOf(kernel)?.memcgs ?? []).filter((memcg) => memcg.parent !== undefined);

function isBuffer(page: Page, pipes: readonly Pipe[]): boolean {
  return pipes.some((pipe) => pipe.bufs.includes(page));
}

/** Everything that carries a charge, and what tasks have charged and not yet given to anything. */
function chargesOf(kernel: Kernel): readonly Charge[] {
  const mm = mmOf(kernel);
  const found: Charge[] = [];
  const add = (memcg: MemCgroup | undefined, pages: number, isKernel: boolean): void => {
    if (memcg !== undefined && pages > 0) found.push({ memcg, pages, kernel: isKernel });
  };
  const pipes = (kernel.subsystems.get("pipes") as readonly Pipe[] | undefined) ?? [];
  for (const page of mm?.pages ?? []) add(page.memcg, 1, page.memcg !== undefined && isBuffer(page, pipes));
  const nbds = (kernel.subsystems.get("nbds") as readonly NbdDevice[] | undefined) ?? [];
  for (const nbd of nbds) for (const payer of nbd.payers) add(payer, 1, true);
  for (const cpu of kernel.cpus) add(cpu.stockMemcg, cpu.stockPages, false);
  for (const vma of (kernel.subsystems.get("vmas") as readonly Vma[] | undefined) ?? []) {
    add(vma.pageTableMemcg, 1, true);
    add(vma.splitMemcg, 1, true);
  }
  const cgroups = kernel.subsystems.get("cgroups") as Cgroups | undefined;
  for (const { css, kernelStack, slabPages } of cgroups?.all ?? []) add(css, kernelStack + slabPages, true);
  add(mm?.mc.to, mm?.mc.precharge ?? 0, false);
  add(mm?.mc.from, mm?.mc.movedCharge ?? 0, false);
  for (const task of kernel.tasks) {
    add(task.preallocPte, 1, true);
    const { op, object, argument } = kernel.machine.pending(task.context);
    if (op === "pte_free" || op === "kfree") add(object as MemCgroup, 1, true);
    // the table of finish_fault() is the preallocated one
    const ownTable = op === "pmd_install" && kernel.machine.stack(task.context)[1]?.name === "__pteAlloc";
    if (ownTable) add(argument as MemCgroup, 1, true);
    if (op === "send reply") add((argument as { payer: MemCgroup }).payer, 1, true);
    if (op === "charge kmem") add(object as MemCgroup, argument as number, false);
  }
  return found;
}

/** Whether somebody is in the middle of something that is counted here and there: exact laws have to wait. */
function isUnsettled(kernel: Kernel): boolean {
  return kernel.tasks.some(({ context }) => {
    if (kernel.machine.pending(context).op === "take charge back") return true;
    return kernel.machine
      .stack(context)
      .some(({ name }) => name === "memCgroupMoveAccount" || name === "overHighInCharge");
  });
}

const sum = (charges: readonly Charge[], memcg: MemCgroup): number =>
  charges.reduce((n, charge) => (isDescendant(charge.memcg, memcg) ? n + charge.pages : n), 0);

/** Usage of a group: its subtree's pages, page tables and stocks, the charges of a move, and those in flight. */
export const chargesAreConserved: Law = (kernel) => {
  const charges = chargesOf(kernel);
  for (const memcg of groupsOf(kernel)) {
    const { usage } = memcg.memory;
    if (usage < 0) return `${memcg.path} has a negative charge`;
    const known = sum(charges, memcg);
    if (usage !== known && !isUnsettled(kernel)) return `${memcg.path} has ${usage} pages charged, ${known} are in use`;
  }
  return undefined;
};

/** v1: memory and swap together is never below memory. */
export const swapCounterIsNotBelow: Law = (kernel) => {
  if (kernel.config.cgroup !== "v1") return undefined;
  for (const { path, memory, memsw } of groupsOf(kernel)) {
    if (memsw.usage < memory.usage && !isUnsettled(kernel)) {
      return `${path} has ${memory.usage} pages of memory and ${memsw.usage} of memory and swap`;
    }
  }
  return undefined;
};

/** v1 counts page tables and other kernel memory apart. */
export const kernelMemoryIsCounted: Law = (kernel) => {
  if (kernel.config.cgroup !== "v1") return undefined;
  const charges = chargesOf(kernel).filter((charge) => charge.kernel);
  for (const memcg of groupsOf(kernel)) {
    const known = sum(charges, memcg);
    if (memcg.kmem.usage !== known && !isUnsettled(kernel)) {
      return `${memcg.path} has ${memcg.kmem.usage} pages of kernel memory charged, ${known} are in use`;
    }
  }
  return undefined;
};
