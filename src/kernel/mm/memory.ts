/**
 * Page faults (mm/memory.c, arch/x86/mm/fault.c). File faults come from filemap-fault.ts, page tables from pgtable.ts.
 *
 * Where the page table is allocated decides memcg-writeback-abba:
 * - up to 4.7 before anything else (`__handle_mm_fault`), uncharged;
 * - from 4.8 when there is a page to map: `alloc_set_pte` with that page locked (a read fault allocates it before its
 *   fault-around, with nothing locked);
 * - with commit 63f3655f9501 ("mm, memcg: fix reclaim deadlock with writeback") (v5.0-rc2) `__do_fault` does it before it
 *   asks for the page, `finish_fault` only installs it.
 *
 * Order: mmap_lock (or the VMA's lock) > invalidate_lock > PG_locked > page table locks. A fault is retried with the lock
 * dropped at most once; the second try waits with it held.
 */
import { op, type Resumable } from "../../resumable/index.ts";
import type { Inode } from "../fs/inode.ts";
import { GFP_HIGHUSER_MOVABLE, GFP_KERNEL } from "../gfp.ts";
import { mutexTrylock, mutexUnlock } from "../locking/mutex.ts";
import { downRead, downReadKillable, downReadTrylock, upRead } from "../locking/rwsem.ts";
import { current, era } from "../sched/current.ts";
import { fatalSignalPending } from "../sched/signal.ts";
import { balanceDirtyPagesRatelimited } from "./dirty-throttle.ts";
import {
  FAULT_FLAG_TRIED,
  FAULT_FLAG_VMA_LOCK,
  FAULT_FLAG_WRITE,
  releaseFaultLock,
  VM_FAULT_COMPLETED,
  VM_FAULT_KILLED,
  VM_FAULT_NOPAGE,
  VM_FAULT_OOM,
  VM_FAULT_RETRY,
  VM_FAULT_SIGBUS,
} from "./fault-flags.ts";
import { filemapFault, filemapMapPages } from "./filemap-fault.ts";
import { memCgroupCharge, memCgroupOomSynchronize, resumeUserModeWork } from "./memcontrol.ts";
import { mm } from "./mm.ts";
import type { MmStruct, Vma } from "./mm-types.ts";
import { outOfMemory } from "./oom-kill.ts";
import { Page } from "./page.ts";
import { allocPages, folioGet, folioPut, freePage } from "./page-alloc.ts";
import { folioUnlock } from "./page-bits.ts";
import { folioMarkDirty } from "./page-writeback.ts";
import { pmdInstall, pteAlloc, pteAllocOne, pteFree } from "./pgtable.ts";
import { pageRemoveRmap } from "./rmap.ts";
import { folioAddLru } from "./swap.ts";
import { doSwapPage } from "./swap-fault.ts";
import { swapEntry } from "./swap-slots.ts";

/** What a page table maps at an index. */
function mappedPage({ present }: Vma, index: number): Page | undefined {
  for (let i = 0, { length } = present; i < length; i++) {
    const page = present.at(i) as Page;
    if (page.index === index) return page;
  }
  return undefined;
}

interface Access {
  readonly index: number;
  readonly write: boolean;
}
const access = op<Vma, Access>("touch", {
  apply(vma, { index, write }) {
    const page = mappedPage(vma, index);
    if (page === undefined || (write && !vma.writablePtes.includes(page))) return false;
    page.pteYoung = true;
    if (write) page.pteDirty = true;
    return true;
  },
  describe: (vma, { index, write }) => `${write ? "write" : "read"} page ${index} of ${vma}`,
});

/**
 * A user instruction that touches memory: faults until the page is there. False: it never will be, as the task was killed or
 * the place is outside the file.
 */
export function* userPageFault(vma: Vma, index: number, write: boolean): Resumable<boolean> {
  for (;;) {
    // an entry that appears after this look is found by the fault
    if (mappedPage(vma, index) !== undefined && (yield access(vma, Object.freeze({ index, write })))) return true;
    const fault = yield* doUserAddrFault(vma, index, write);
    if (current().notifyResume) yield* resumeUserModeWork();
    if ((fault & VM_FAULT_SIGBUS) !== 0 || fatalSignalPending()) return false;
    if (fault === 0) return true;
  }
}

/** The fault handler from the lock on; VM_FAULT_ bits, 0 when the access can go on. No lock is held afterwards. */
export function* doUserAddrFault(vma: Vma, index: number, write: boolean): Resumable<number> {
  let flags = write ? FAULT_FLAG_WRITE : 0;
  if (mayUseVmaLock(vma) && (yield* downReadTrylock(vma.vmLock))) {
    const early = yield* handleMmFault(vma, index, flags | FAULT_FLAG_VMA_LOCK);
    if ((early & (VM_FAULT_RETRY | VM_FAULT_COMPLETED)) === 0) yield* upRead(vma.vmLock);
    if ((early & VM_FAULT_RETRY) === 0) return yield* mmFaultError(early);
    if (fatalSignalPending()) return VM_FAULT_KILLED;
  }
  for (;;) {
    if (!era().mmapLockKillable) {
      yield* downRead(vma.mm.mmapLock);
    } else if (!(yield* lockMmAndFindVma(vma.mm))) {
      return VM_FAULT_KILLED;
    }
    const fault = yield* handleMmFault(vma, index, flags);
    if ((fault & VM_FAULT_RETRY) !== 0) {
      if (fatalSignalPending()) return VM_FAULT_KILLED;
      flags = (write ? FAULT_FLAG_WRITE : 0) | FAULT_FLAG_TRIED;
      continue;
    }
    if ((fault & VM_FAULT_COMPLETED) !== 0) return 0;
    yield* upRead(vma.mm.mmapLock);
    return yield* mmFaultError(fault);
  }
}

/** Anonymous memory from 6.4, files some releases later. */
function mayUseVmaLock(vma: Vma): boolean {
  return vma.file === undefined ? era().perVmaLock : era().vmaLockFileFaults;
}

function* lockMmAndFindVma(mm: MmStruct): Resumable<boolean> {
  return yield* downReadKillable(mm.mmapLock);
}

/** `mm_fault_error()`: out of memory is left to the memcg's OOM handling, and the instruction faults again. */
function* mmFaultError(fault: number): Resumable<number> {
  if ((fault & VM_FAULT_OOM) === 0) return fault & ~VM_FAULT_COMPLETED;
  if (fatalSignalPending()) return VM_FAULT_KILLED;
  yield* pagefaultOutOfMemory();
  return fault;
}

/** Without a memcg OOM to see to, the killer looks for a victim among all, unless it is at work already. */
function* pagefaultOutOfMemory(): Resumable {
  if (yield* memCgroupOomSynchronize(true, GFP_KERNEL)) return;
  if (!era().pagefaultGlobalOom || !(yield* mutexTrylock(mm().oomLock))) return;
  yield* outOfMemory(undefined, GFP_KERNEL);
  yield* mutexUnlock(mm().oomLock);
}

function* handleMmFault(vma: Vma, index: number, flags: number): Resumable<number> {
  current().inUserFault = true;
  const fault = yield* __handleMmFault(vma, index, flags);
  current().inUserFault = false;
  if (current().memcgInOom !== undefined && (fault & VM_FAULT_OOM) === 0)
    yield* memCgroupOomSynchronize(false, GFP_KERNEL);
  return fault;
}

function* __handleMmFault(vma: Vma, index: number, flags: number): Resumable<number> {
  if (!era().pteAllocPostponed && !(yield* pteAlloc(vma))) return VM_FAULT_OOM;
  return yield* handlePteFault(vma, index, flags);
}

function* handlePteFault(vma: Vma, index: number, flags: number): Resumable<number> {
  const page = mappedPage(vma, index);
  if (page === undefined) {
    const slot = vma.file === undefined ? swapEntry(vma, index) : undefined;
    if (slot !== undefined) return yield* doSwapPage(vma, index, slot, flags, (flags & FAULT_FLAG_WRITE) !== 0);
    if (vma.file === undefined) return yield* doAnonymousPage(vma, index);
    return yield* doFault(vma, index, flags);
  }
  if ((flags & FAULT_FLAG_WRITE) === 0 || vma.writablePtes.includes(page)) return 0;
  return yield* doWpPage(vma, page, flags);
}

function* doFault(vma: Vma, index: number, flags: number): Resumable<number> {
  const fault =
    (flags & FAULT_FLAG_WRITE) === 0
      ? yield* doReadFault(vma, index, flags)
      : vma.shared
        ? yield* doSharedFault(vma, index, flags)
        : yield* doCowFault(vma, index, flags);
  const unused = current().preallocPte;
  if (unused !== undefined) {
    current().preallocPte = undefined;
    yield* pteFree(unused);
  }
  return fault;
}

/** Every filesystem here has map_pages, so the read of a page that is cached and unlocked ends in the fault-around. */
function* doReadFault(vma: Vma, index: number, flags: number): Resumable<number> {
  const around = yield* doFaultAround(vma, index);
  if (around !== VM_FAULT_NOPAGE) return around;
  const page = yield* __doFault(vma, index, flags);
  if (!(page instanceof Page)) return page;
  const fault = yield* finishFault(vma, page, false);
  yield* folioUnlock(page);
  yield* folioPut(page);
  return fault;
}

/** 0: mapped; VM_FAULT_NOPAGE: go on without. */
function* doFaultAround(vma: Vma, index: number): Resumable<number> {
  if (vma.pmdNone) {
    const table = yield* pteAllocOne();
    if (table === undefined) return era().faultAroundOom ? VM_FAULT_OOM : VM_FAULT_NOPAGE;
    current().preallocPte = table;
  }
  return (yield* filemapMapPages(vma, index)) ? 0 : VM_FAULT_NOPAGE;
}

/** A write to a private mapping: the copy is allocated and charged before the page is looked for. */
function* doCowFault(vma: Vma, index: number, flags: number): Resumable<number> {
  const copy = yield* newAnonPage(index);
  if (copy === undefined) return VM_FAULT_OOM;
  const page = yield* __doFault(vma, index, flags);
  if (!(page instanceof Page)) {
    yield* folioPut(copy);
    return page;
  }
  const fault = yield* finishFault(vma, copy, true);
  yield* folioUnlock(page);
  yield* folioPut(page);
  if (fault === 0) yield* folioAddLru(copy);
  yield* folioPut(copy);
  return fault;
}

/**
 * A charged page that nobody else sees, with a reference for the caller: once it is mapped the OOM reaper may take it out of the
 * page table, but frees it only when the fault is through with it.
 */
function* newAnonPage(index: number): Resumable<Page | undefined> {
  const page = yield* allocPages(GFP_HIGHUSER_MOVABLE);
  if (page === undefined) return undefined;
  if (!(yield* memCgroupCharge(page, GFP_KERNEL))) {
    yield* freePage(page);
    return undefined;
  }
  page.anon = true;
  page.uptodate = true;
  page.index = index;
  folioGet(page);
  return page;
}

function* doSharedFault(vma: Vma, index: number, flags: number): Resumable<number> {
  const later = flagsForDirtying(flags);
  const page = yield* __doFault(vma, index, flags);
  if (!(page instanceof Page)) return page;
  yield* folioUnlock(page);
  if (!(yield* doPageMkwrite(vma, page))) {
    yield* folioPut(page);
    return VM_FAULT_NOPAGE;
  }
  let fault = yield* finishFault(vma, page, true);
  if (fault === 0) fault = yield* faultDirtySharedPage(vma, page, later);
  else yield* folioUnlock(page);
  yield* folioPut(page);
  return fault;
}

/** What is left to know of a fault once its page is there: whether its lock may be dropped (5.5+), and which it is. */
function flagsForDirtying(flags: number): number {
  return era().faultDirtyDropsMmapLock ? flags : FAULT_FLAG_TRIED;
}

/** The filesystem prepares the unlocked page for writing; true: it is locked again and may be mapped writable. */
function* doPageMkwrite(vma: Vma, page: Page): Resumable<boolean> {
  const inode = vma.file as Inode;
  const pageMkwrite = inode.mapping.aOps.pageMkwrite;
  return yield* pageMkwrite(inode, page);
}

/** The page dirtied, unlocked, and its dirtier slowed down; mmap_lock is dropped for that on the first try (5.5+). */
function* faultDirtySharedPage(vma: Vma, page: Page, flags: number): Resumable<number> {
  yield* folioMarkDirty(page);
  const mapping = page.mapping;
  yield* folioUnlock(page);
  if (mapping === undefined) return 0;
  const drops = (flags & FAULT_FLAG_TRIED) === 0;
  if (drops) yield* releaseFaultLock(vma, flags);
  yield* balanceDirtyPagesRatelimited(mapping);
  if (!drops) return 0;
  return era().faultCompleted ? VM_FAULT_COMPLETED : VM_FAULT_RETRY;
}

/** The page of the file, locked, or VM_FAULT_ bits; with the fix the page table is there before the page is locked. */
function* __doFault(vma: Vma, index: number, flags: number): Resumable<Page | number> {
  if (era().preallocPte && vma.pmdNone && current().preallocPte === undefined) {
    const table = yield* pteAllocOne();
    if (table === undefined) return VM_FAULT_OOM;
    current().preallocPte = table;
  }
  const fault = (vma.file as Inode).mapping.aOps.fault ?? filemapFault;
  return yield* fault(vma, index, flags);
}

function* finishFault(vma: Vma, page: Page, write: boolean): Resumable<number> {
  return yield* allocSetPte(vma, page, write);
}

/** `alloc_set_pte()`, from 5.12 part of finish_fault(): the page table if there is none, then the entry. */
function* allocSetPte(vma: Vma, page: Page, write: boolean): Resumable<number> {
  if (vma.pmdNone) {
    const table = current().preallocPte;
    if (table === undefined || !era().finishFaultUsesPrealloc) {
      if (!(yield* pteAlloc(vma))) return VM_FAULT_OOM;
    } else if (yield* pmdInstall(vma, table)) {
      current().preallocPte = undefined;
    }
  }
  return (yield setPte(vma, Object.freeze({ page, write }))) ? 0 : VM_FAULT_NOPAGE;
}

interface NewPte {
  readonly page: Page;
  readonly write: boolean;
}
/** Under the page table's lock: false when somebody mapped something there meanwhile. */
const setPte = op<Vma, NewPte>("set_pte", {
  apply(vma, { page, write }) {
    if (mappedPage(vma, page.index) !== undefined) return false;
    vma.present.push(page);
    page.mapCount++;
    page.pteYoung = true;
    if (write) makeWritable(vma, page);
    return true;
  },
  describe: (vma, { page }) => `map ${page} in ${vma}`,
});

function makeWritable(vma: Vma, page: Page): void {
  vma.writablePtes.push(page);
  page.pteDirty = true;
}

/** The page table comes first; no page is locked. */
function* doAnonymousPage(vma: Vma, index: number): Resumable<number> {
  if (!(yield* pteAlloc(vma))) return VM_FAULT_OOM;
  const page = yield* newAnonPage(index);
  if (page === undefined) return VM_FAULT_OOM;
  const mapped = yield setPte(vma, Object.freeze({ page, write: true }));
  if (mapped) yield* folioAddLru(page);
  yield* folioPut(page);
  return mapped ? 0 : VM_FAULT_NOPAGE;
}

/** A write to a page that is mapped read-only. */
function* doWpPage(vma: Vma, page: Page, flags: number): Resumable<number> {
  if (vma.shared) return yield* wpPageShared(vma, page, flags);
  return yield* wpPageCopy(vma, page);
}

const reusePte = op<Vma, Page>("finish_mkwrite_fault", {
  apply(vma, page) {
    if (!vma.present.includes(page) || vma.writablePtes.includes(page)) return false;
    makeWritable(vma, page);
    return true;
  },
  describe: (vma, page) => `make ${page} writable in ${vma}`,
});

/** The page table is there; the page is prepared by the filesystem, then its entry made writable and the page dirtied. */
function* wpPageShared(vma: Vma, page: Page, flags: number): Resumable<number> {
  const later = flagsForDirtying(flags);
  folioGet(page);
  let fault = VM_FAULT_NOPAGE;
  if (yield* doPageMkwrite(vma, page)) {
    if (yield reusePte(vma, page)) fault = yield* faultDirtySharedPage(vma, page, later);
    else yield* folioUnlock(page);
  }
  yield* folioPut(page);
  return fault;
}

interface Replacement {
  readonly page: Page;
  readonly copy: Page;
}
const replacePte = op<Vma, Replacement>("wp_page_copy", {
  apply(vma, { page, copy }) {
    if (!vma.present.includes(page)) return false;
    pageRemoveRmap(vma, page);
    vma.present.push(copy);
    copy.mapCount++;
    copy.pteYoung = true;
    makeWritable(vma, copy);
    return true;
  },
  describe: (vma, { copy }) => `map the copy ${copy} in ${vma}`,
});

/** The old page is not locked: its copy is allocated and charged with only mmap_lock held. */
function* wpPageCopy(vma: Vma, page: Page): Resumable<number> {
  folioGet(page);
  const copy = yield* newAnonPage(page.index);
  let fault = VM_FAULT_OOM;
  if (copy !== undefined) {
    if (yield replacePte(vma, Object.freeze({ page, copy }))) {
      yield* folioAddLru(copy);
      fault = 0;
    } else {
      fault = VM_FAULT_NOPAGE;
    }
    yield* folioPut(copy);
  }
  yield* folioPut(page);
  return fault;
}
