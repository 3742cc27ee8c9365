/**
 * Zonelists rebuilt by memory hotplug (mm/page_alloc.c:build_all_zonelists, mm/memory_hotplug.c), and the look that the slow path
 * of the allocator takes before it walks them.
 *
 * From commit 3d36424b3b58 ("mm/page_alloc: fix race condition between build_all_zonelists and page allocation") (v6.0) on that is
 * a sequence lock. Its section was left open to interrupts and to printk(): an interrupt that allocates on the same CPU
 * spins on the odd sequence, and the console's lock may be held by one that does so on another CPU. Commit 1007843a9190
 * ("mm/page_alloc: fix potential deadlock on zonelist_update_seq seqlock") switches interrupts off and defers printing.
 */
import { create, Entity, fields, op, type Resumable, ref } from "../../resumable/index.ts";
import { Mutex, mutexLock, mutexUnlock } from "../locking/mutex.ts";
import { createSeqLock, readSeqbegin, type SeqLock, writeSeqlock, writeSequnlock } from "../locking/seqlock.ts";
import { localIrqRestore, localIrqSave } from "../locking/spinlock.ts";
import { printk, printkDeferredEnter, printkDeferredExit, wakeUpKlogdWorkFunc } from "../printk/printk.ts";
import { era, kernel } from "../sched/current.ts";
import type { Kernel } from "../sched/kernel.ts";

/** Exists where memory may come and go. */
export class Zonelists extends Entity {
  declare updateSeq: SeqLock;
  /** `mem_hotplug_lock`, with one writer at a time. */
  declare hotplugLock: Mutex;
  static {
    fields(Zonelists, { updateSeq: ref, hotplugLock: ref });
  }
}

/** Memory may be added (CONFIG_MEMORY_HOTREMOVE). Set-up only. */
export function bootMemoryHotplug(k: Kernel): Zonelists {
  const made = create(Zonelists, {
    updateSeq: createSeqLock("zonelist_update_seq"),
    hotplugLock: create(Mutex, { lockName: "mem_hotplug_lock" }),
  });
  k.subsystems.set("zonelists", made);
  return made;
}

/** `zonelist_iter_begin()`: what the slow path of every allocation begins with, in whatever context. */
export function* zonelistIterBegin(): Resumable {
  const zonelists = kernel().subsystems.get("zonelists") as Zonelists | undefined;
  if (zonelists !== undefined && era().zonelistUpdateSeq) yield* readSeqbegin(zonelists.updateSeq);
}

const buildNode = op<Zonelists>("build_zonelists", { describe: () => "build the zonelists of a node" });

function* buildZonelists(zonelists: Zonelists): Resumable {
  yield buildNode(zonelists);
  if (era().zonelistsPrinted) yield* printk();
}

/** Half of the fix, as an experiment that no kernel has. */
function half(name: "irqs-off" | "printk-deferred"): boolean {
  return kernel().config.hacks.includes(`only-${name}`);
}

function* __buildAllZonelists(zonelists: Zonelists): Resumable {
  if (!era().zonelistUpdateSeq) {
    yield* buildZonelists(zonelists);
    return;
  }
  const irqsOff = era().zonelistUpdateGuarded || half("irqs-off");
  const deferred = era().zonelistUpdateGuarded || half("printk-deferred");
  const flags = irqsOff ? localIrqSave() : false;
  if (deferred) printkDeferredEnter();
  yield* writeSeqlock(zonelists.updateSeq);
  yield* buildZonelists(zonelists);
  writeSequnlock(zonelists.updateSeq);
  if (deferred) printkDeferredExit();
  if (irqsOff) localIrqRestore(flags);
  if (deferred) yield* wakeUpKlogdWorkFunc();
}

/** `online_pages()`, as far as allocations elsewhere notice it. */
export function* onlinePages(): Resumable {
  const zonelists = kernel().subsystem<Zonelists>("zonelists");
  yield* mutexLock(zonelists.hotplugLock);
  yield* __buildAllZonelists(zonelists);
  yield* mutexUnlock(zonelists.hotplugLock);
}
