/**
 * Laws that hold in every state of the model; spec 15.1 has them with their sources. Checked in tests and by
 * `--check-invariants`: a broken one is a report with a witness.
 */
import type { Block } from "./block/blk-core.ts";
import { SpinLock } from "./locking/spinlock.ts";
import type { MemCgroup } from "./mm/memcg-types.ts";
import { type Mm, subtree } from "./mm/mm.ts";
import type { Page } from "./mm/page.ts";
import type { Kernel } from "./sched/kernel.ts";

type Law = (kernel: Kernel) => string | undefined;

const pagesOf = (kernel: Kernel): readonly Page[] => (kernel.subsystems.get("mm") as Mm | undefined)?.pages ?? [];

/** A page is on at most one list, and where it says it is. */
const lruMembership: Law = (kernel) => {
  const mm = kernel.subsystems.get("mm") as Mm | undefined;
  for (const memcg of mm?.memcgs ?? []) {
    const { inactiveAnon, activeAnon, inactiveFile, activeFile } = memcg.lruvec;
    for (const list of [inactiveAnon, activeAnon, inactiveFile, activeFile]) {
      for (const page of list.pages) if (page.lru !== list) return `${page} is on ${list} and says ${page.lru}`;
    }
  }
  for (const page of pagesOf(kernel)) {
    if (page.lru !== undefined && !page.lru.pages.includes(page)) return `${page} says ${page.lru} and is not there`;
  }
  return undefined;
};

/** PG_writeback: exactly one bio carries the page, and somebody is to end it. */
const writebackHasBio: Law = (kernel) => {
  const block = kernel.subsystems.get("block") as Block | undefined;
  for (const page of pagesOf(kernel)) {
    const carriers = (block?.bios ?? []).filter((bio) => bio.write && bio.pages.includes(page));
    if (page.writeback && page.writebackBio !== undefined && !carriers.includes(page.writebackBio)) {
      return `${page} is under writeback in ${page.writebackBio}, which does not carry it`;
    }
    if (carriers.length > 1) return `${page} is in ${carriers.length} bios`;
  }
  return undefined;
};

/** An unused page is nobody's. */
const freePagesAreClean: Law = (kernel) => {
  for (const page of pagesOf(kernel)) {
    if (page.allocated) continue;
    if (page.mapping !== undefined || page.memcg !== undefined || page.lru !== undefined || page.writeback) {
      return `${page} is free and still in use`;
    }
  }
  return undefined;
};

/** The cache is in order and each page knows its place. */
const cacheInOrder: Law = (kernel) => {
  for (const page of pagesOf(kernel)) {
    const { mapping } = page;
    if (mapping === undefined) continue;
    const place = mapping.pages.indexOf(page);
    if (place < 0) return `${page} is not in the mapping it names`;
    const next = mapping.pages.at(place + 1);
    if (next !== undefined && next.index <= page.index) return `${page} and ${next} are out of order`;
  }
  return undefined;
};

/** Usage of a group: what its subtree's pages and page tables carry, and the stocks of CPUs. */
const chargesAreConserved: Law = (kernel) => {
  const mm = kernel.subsystems.get("mm") as Mm | undefined;
  for (const memcg of mm?.memcgs ?? []) {
    if (memcg.parent === undefined) continue;
    const below = subtree(memcg);
    const known = charged(kernel, below);
    if (memcg.memory.usage < known) return `${memcg.path} has ${memcg.memory.usage} pages charged, ${known} are in use`;
    if (memcg.memory.usage < 0) return `${memcg.path} has a negative charge`;
  }
  return undefined;
};
function charged(kernel: Kernel, below: readonly MemCgroup[]): number {
  const pages = pagesOf(kernel).filter((page) => page.memcg !== undefined && below.includes(page.memcg)).length;
  const stocks = kernel.cpus
    .filter((cpu) => cpu.stockMemcg !== undefined && below.includes(cpu.stockMemcg))
    .reduce((sum, cpu) => sum + cpu.stockPages, 0);
  return pages + stocks;
}

/** While a task holds a lock that handlers take too, interrupts are off on its CPU. */
const irqSafeLocksKeepIrqsOff: Law = (kernel) => {
  for (const object of kernel.world.objects) {
    if (object === undefined || !(object instanceof SpinLock) || !IRQ_SAFE.has(object.lockClass)) continue;
    const { owner } = object;
    if (owner !== undefined && !owner.cpu.irqsOff) return `${owner} holds ${object.lockClass} with interrupts on`;
  }
  return undefined;
};
const IRQ_SAFE = new Set(["memcg_move_lock", "i_pages", "lru_lock"]);

const LAWS: readonly Law[] = [
  lruMembership,
  writebackHasBio,
  freePagesAreClean,
  cacheInOrder,
  chargesAreConserved,
  irqSafeLocksKeepIrqsOff,
];

/** The first law that does not hold in the present state, in one line. */
export function brokenLaw(kernel: Kernel): string | undefined {
  for (const law of LAWS) {
    const said = law(kernel);
    if (said !== undefined) return said;
  }
  return undefined;
}
