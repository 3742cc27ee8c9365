/** What a filesystem provides: `address_space_operations` and friends, as frozen tables of resumable functions. */
import type { Resumable } from "../../resumable/index.ts";
import type { Vma } from "../mm/mm-types.ts";
import type { AddressSpace, Page } from "../mm/page.ts";
import type { Inode } from "./inode.ts";
import type { WritebackControl } from "./writeback-control.ts";

/** `super_operations`, as far as filesystems differ. */
export interface SuperOperations {
  /** `->evict_inode`: from the inode's pages on; it ends with clear_inode(). */
  evictInode?(inode: Inode): Resumable;
  /** `->dirty_inode`: the inode's own fields changed (I_DIRTY_SYNC, I_DIRTY_DATASYNC). */
  dirtyInode?(inode: Inode): Resumable;
}

export interface AddressSpaceOperations {
  readonly name: string;
  writepages(mapping: AddressSpace, wbc: WritebackControl): Resumable<number>;
  /** Prepares page `index` for a write; returns it locked, or undefined when memory ran out. */
  writeBegin(inode: Inode, index: number): Resumable<Page | undefined>;
  writeEnd(inode: Inode, page: Page): Resumable;
  /** `->fault` of the mapping, where it is more than filemap_fault(): the page locked, or VM_FAULT_ bits. */
  fault?(vma: Vma, index: number, flags: number): Resumable<Page | number>;
  /** Makes a page writable for a shared mapping; it comes and goes unlocked, and returns locked on success. */
  pageMkwrite(inode: Inode, page: Page): Resumable<boolean>;
  /** Drops private data of a locked clean page; false: keep it. Absent: buffers of a clean page always go. */
  releasepage?(page: Page, gfp: number): Resumable<boolean>;
}
