/**
 * System calls that change the mappings of a process (mm/mprotect.c, mm/mmap.c): under mmap_lock for writing, which is taken
 * killably, while what they do inside is not ended by a signal.
 *
 * Mappings themselves stay as they are. What counts is what is done under the lock: mprotect(2) of a part of a mapping splits it and
 * charges the second `vm_area_struct`; mmap(2) of a file asks the filesystem, which changes the file's times.
 */
import type { Resumable } from "../../resumable/index.ts";
import { ext4FileMmap } from "../fs/ext4/file.ts";
import type { Inode } from "../fs/inode.ts";
import { GFP_KERNEL } from "../gfp.ts";
import { downWriteKillable, upWrite } from "../locking/rwsem.ts";
import { kmemTarget, objCgroupCharge } from "./memcg-kmem.ts";
import { resumeUserModeWork } from "./memcontrol.ts";
import type { MmStruct, Vma } from "./mm-types.ts";

/** mprotect(2) of a part of a mapping. */
export function* __x64SysMprotect(vma: Vma): Resumable {
  yield* doMprotectPkey(vma);
  yield* resumeUserModeWork();
}
function* doMprotectPkey(vma: Vma): Resumable {
  if (!(yield* downWriteKillable(vma.mm.mmapLock))) return;
  yield* mprotectFixup(vma);
  yield* upWrite(vma.mm.mmapLock);
}
function* mprotectFixup(vma: Vma): Resumable {
  if (vma.splitMemcg === undefined) yield* __splitVma(vma);
}
function* __splitVma(vma: Vma): Resumable {
  yield* vmAreaDup(vma);
}
function* vmAreaDup(vma: Vma): Resumable {
  yield* kmemCacheAllocVma(vma);
}
/** `kmem_cache_alloc()` of an accounted object; each has a page to itself here, and nobody runs out of slab pages. */
function* kmemCacheAllocVma(vma: Vma): Resumable {
  const memcg = kmemTarget();
  if (memcg !== undefined && (yield* objCgroupCharge(memcg, GFP_KERNEL))) vma.splitMemcg = memcg;
}

/** mmap(2) of a file. */
export function* __x64SysMmap(mm: MmStruct, file: Inode): Resumable {
  yield* ksysMmapPgoff(mm, file);
  yield* resumeUserModeWork();
}
function* ksysMmapPgoff(mm: MmStruct, file: Inode): Resumable {
  yield* vmMmapPgoff(mm, file);
}
function* vmMmapPgoff(mm: MmStruct, file: Inode): Resumable {
  if (!(yield* downWriteKillable(mm.mmapLock))) return;
  yield* doMmap(file);
  yield* upWrite(mm.mmapLock);
}
function* doMmap(file: Inode): Resumable {
  yield* mmapRegion(file);
}
function* mmapRegion(file: Inode): Resumable {
  yield* ext4FileMmap(file);
}
