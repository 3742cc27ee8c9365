/** Pages that are in use when an incident begins: charged, in the cache and on a list, as if a task had read or written them. */
import type { Kernel } from "../sched/kernel.ts";
import { placeInCache } from "./filemap.ts";
import type { MemCgroup } from "./memcg-types.ts";
import type { Mm } from "./mm.ts";
import type { AddressSpace, Page } from "./page.ts";
import { takePageAtBoot } from "./page-alloc.ts";
import { pageCounterCharge } from "./page-counter.ts";

/** What a page is in the beginning. Dirty pages: mark them through the filesystem's set-up, which knows the inode. */
export interface BootPage {
  readonly memcg?: MemCgroup;
  readonly mapping?: AddressSpace;
  readonly index?: number;
  readonly anon?: boolean;
  readonly active?: boolean;
  /** PG_reclaim: reclaim has met it before. */
  readonly reclaim?: boolean;
}

/** Takes a page of the pool. Set-up only; the page comes to the head of its list, so that the first made is the oldest. */
export function bootPage(k: Kernel, given: BootPage = {}): Page {
  const found = k.subsystem<Mm>("mm");
  const page = takePageAtBoot(found);
  const { memcg, mapping } = given;
  page.anon = given.anon ?? false;
  page.active = given.active ?? false;
  page.reclaim = given.reclaim ?? false;
  page.uptodate = true;
  if (memcg?.parent !== undefined) {
    page.memcg = memcg;
    pageCounterCharge(memcg.memory, 1);
    if (k.config.cgroup === "v1") pageCounterCharge(memcg.memsw, 1);
  }
  if (mapping !== undefined) placeInCache(mapping, page, given.index ?? 0);
  const { lruvec } = memcg ?? found.root;
  const [inactive, active] = page.anon
    ? [lruvec.inactiveAnon, lruvec.activeAnon]
    : [lruvec.inactiveFile, lruvec.activeFile];
  page.lru = page.active ? active : inactive;
  page.lru.pages.unshift(page);
  return page;
}
