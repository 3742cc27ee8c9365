/** Pages of files that are in the cache, and perhaps dirty or mapped, when an incident begins. */
import { I_DIRTY_PAGES, type Inode } from "../fs/inode.ts";
import { inodeAttachWb } from "../fs/wb.ts";
import type { Kernel } from "../sched/kernel.ts";
import { type BootPage, bootPage } from "./boot-pages.ts";
import type { MemCgroup } from "./memcg-types.ts";
import type { Vma } from "./mm-types.ts";
import type { Page } from "./page.ts";

/** What is true of the page. */
export interface CachedPage extends Omit<BootPage, "mapping" | "index" | "anon"> {
  readonly dirty?: boolean;
  /** Its blocks are not allocated yet (delalloc). */
  readonly delayed?: boolean;
}

/** A page of a file in the cache and on an LRU list, up to date. Set-up only, after the file's writeback is booted. */
export function bootCachedPage(k: Kernel, inode: Inode, index: number, given: CachedPage = {}): Page {
  const { dirty, delayed, ...rest } = given;
  const page = bootPage(k, { ...rest, mapping: inode.mapping, index });
  page.mapped = delayed !== true;
  if (dirty === true) dirtyAtBoot(inode, page, given.memcg);
  return page;
}

function dirtyAtBoot(inode: Inode, page: Page, memcg: MemCgroup | undefined): void {
  if (memcg === undefined) inode.wb ??= inode.sb.bdi.wb;
  else inodeAttachWb(inode, memcg);
  page.dirty = true;
  page.dirtyTag = true;
  if (memcg !== undefined) memcg.nrFileDirty++;
  const { wb } = inode;
  if (wb === undefined) return;
  wb.nrReclaimable++;
  if ((inode.state & I_DIRTY_PAGES) === 0) wb.bDirty.unshift(inode);
  inode.state |= I_DIRTY_PAGES;
}

/** Maps a page from the beginning, in a mapping that has a page table. Set-up only. */
export function bootMappedPage(vma: Vma, page: Page, writable = false): void {
  if (vma.pmdNone) throw new Error(`${vma} has no page table: create it populated`);
  vma.present.push(page);
  page.mapCount++;
  page.pteYoung = true;
  if (!writable) return;
  vma.writablePtes.push(page);
  page.pteDirty = true;
}
