/**
 * The page cache: lookup, insertion, removal, end of writeback (mm/filemap.c). Bits of pages are in page-bits.ts, faults in
 * filemap-fault.ts, write(2) in filemap-write.ts; all are exported here.
 *
 * Insertion: the new page is locked, charged to the memcg of the task that asks (so reclaim runs here, with the gfp given),
 * and only then put into the tree under i_pages (tree_lock before 4.20): mm/filemap.c:__filemap_add_folio, up to 5.15
 * __add_to_page_cache_locked. Who finds somebody else's page there gives its own back and looks again.
 *
 * A lookup takes a reference ({@link Page.refs}) when its caller may sleep before it locks the page; a page that left the
 * cache is freed by whoever drops the last one.
 */
import { op, type Resumable } from "../../resumable/index.ts";
import { __GFP_WRITE } from "../gfp.ts";
import { spinLockIrq, spinUnlockIrq } from "../locking/spinlock.ts";
import { memCgroupCharge, memCgroupUncharge } from "./memcontrol.ts";
import { allocPages, folioPut, freePage } from "./page-alloc.ts";

export { folioGet, folioPut } from "./page-alloc.ts";

import type { AddressSpace, Page } from "./page.ts";
import {
  folioClearLockedNew,
  folioLock,
  folioSetLockedNew,
  folioTrylock,
  folioUnlock,
  folioWaitStable,
  folioWaitWriteback,
} from "./page-bits.ts";
import { __folioEndWriteback } from "./page-writeback.ts";
import { folioAddLru, folioRotateReclaimable } from "./swap.ts";
import { forgetCached } from "./swap-slots.ts";

export { filemapFault } from "./filemap-fault.ts";
export { genericPerformWrite, vfsWrite } from "./filemap-write.ts";
export {
  folioLock,
  folioLockKillable,
  folioTestWriteback,
  folioTrylock,
  folioUnlock,
  folioWaitLocked,
  folioWaitLockedKillable,
  folioWaitStable,
  folioWaitWriteback,
} from "./page-bits.ts";

/** Return the page locked. */
export const FGP_LOCK = 1 << 0;
/** Make the page when there is none. */
export const FGP_CREAT = 1 << 1;
/** Do not wait for PG_locked. */
export const FGP_NOWAIT = 1 << 2;
/** Wait until writeback ends where the device needs stable pages. */
export const FGP_STABLE = 1 << 3;
/** A page made for a fault is handed out unlocked. */
export const FGP_FOR_MMAP = 1 << 4;
/** The page is going to be written. */
export const FGP_WRITE = 1 << 5;
/** What write_begin asks for. */
export const FGP_WRITEBEGIN = FGP_LOCK | FGP_WRITE | FGP_CREAT | FGP_STABLE;

/** Errors of {@link filemapAddFolio}, negated. */
export const ENOMEM = 12;
export const EEXIST = 17;

/** Marks a lookup can ask for. */
export type PageTag = "dirty" | "towrite" | "writeback";

/** From how many pages on halving is worth it. */
const LONG = 64;
function placeInLong({ pages }: AddressSpace, index: number): number {
  let [from, end] = [0, pages.length];
  while (from < end) {
    const middle = (from + end) >> 1;
    if ((pages.at(middle) as Page).index < index) from = middle + 1;
    else end = middle;
  }
  return from;
}

/** The place of an index among the pages of a mapping, which are in ascending index. */
function placeOf(mapping: AddressSpace, index: number): number {
  if (mapping.pages.length > LONG) return placeInLong(mapping, index);
  let place = 0;
  for (const page of mapping.pages) {
    if (page.index >= index) break;
    place++;
  }
  return place;
}

function find(mapping: AddressSpace, index: number): Page | undefined {
  const page = mapping.pages.at(placeOf(mapping, index));
  return page?.index === index ? page : undefined;
}

const getEntry = op<AddressSpace, number>("filemap_get_entry", {
  apply(mapping, index) {
    const page = find(mapping, index);
    if (page !== undefined) page.refs++;
    return page;
  },
  describe: (mapping, index) => `look up index ${index} of ${mapping}`,
});

/** The page at an index, with a reference for {@link folioPut}; it may be locked, and may leave the cache at any time. */
export function* filemapGetPage(mapping: AddressSpace, index: number): Resumable<Page | undefined> {
  return yield getEntry(mapping, index);
}

function hasTag(page: Page, tag: PageTag): boolean {
  if (tag === "dirty") return page.dirtyTag;
  return tag === "towrite" ? page.towriteTag : page.writeback;
}

/** Pages that one lookup returns at most (PAGEVEC_SIZE was 14 up to 4.14, 15 later; folio batches of 31 from 6.9). */
const BATCH = 15;

interface TagRange {
  readonly start: number;
  readonly end: number;
  readonly tag: PageTag;
}
const getTagged = op<AddressSpace, TagRange>("filemap_get_folios_tag", {
  apply(mapping, { start, end, tag }) {
    const batch: Page[] = [];
    for (const page of mapping.pages) {
      if (page.index < start || page.index > end || !hasTag(page, tag)) continue;
      page.refs++;
      batch.push(page);
      if (batch.length === BATCH) break;
    }
    return Object.freeze(batch);
  },
  describe: (mapping, { start, tag }) => `look up ${tag} pages of ${mapping} from ${start}`,
});

/** The next pages with a tag from `start` to `end`, in ascending index, each with a reference; see {@link folioBatchRelease}. */
export function* filemapGetFoliosTag(
  mapping: AddressSpace,
  start: number,
  end: number,
  tag: PageTag,
): Resumable<readonly Page[]> {
  return yield getTagged(mapping, Object.freeze({ start, end, tag }));
}

const getRange = op<AddressSpace, readonly [start: number, end: number]>("filemap_get_folios", {
  apply(mapping, [start, end]) {
    const batch: Page[] = [];
    for (const page of mapping.pages) {
      if (page.index < start || page.index > end) continue;
      page.refs++;
      batch.push(page);
      if (batch.length === BATCH) break;
    }
    return Object.freeze(batch);
  },
  describe: (mapping, [start]) => `look up pages of ${mapping} from ${start}`,
});

/** As {@link filemapGetFoliosTag}, whatever the tags. */
export function* filemapGetFolios(mapping: AddressSpace, start: number, end: number): Resumable<readonly Page[]> {
  return yield getRange(mapping, Object.freeze([start, end] as const));
}

/** `pagevec_release()`. */
export function* folioBatchRelease(batch: readonly Page[]): Resumable {
  for (const page of batch) yield* folioPut(page);
}

/** Whether a page that was found before it was locked is still what was looked for. */
export function stillThere(page: Page, mapping: AddressSpace, index: number): boolean {
  return page.mapping === mapping && page.index === index;
}

/**
 * `pagecache_get_page()`, `__filemap_get_folio()`: finds or makes a page; see the FGP_ flags. Undefined: not there, not to be
 * had without waiting, or no memory (a failed charge). The page comes with a reference.
 */
export function* __filemapGetFolio(
  mapping: AddressSpace,
  index: number,
  fgp: number,
  gfp: number,
): Resumable<Page | undefined> {
  for (;;) {
    const found: Page | undefined = yield getEntry(mapping, index);
    if (found === undefined) {
      if ((fgp & FGP_CREAT) === 0) return undefined;
      const mask = (fgp & FGP_WRITE) !== 0 ? gfp | __GFP_WRITE : gfp;
      const made: Page | undefined = yield* allocPages(mask);
      if (made === undefined) return undefined;
      const error = yield* filemapAddFolio(mapping, made, index, mask);
      if (error === 0) {
        made.refs++;
        if ((fgp & FGP_FOR_MMAP) !== 0) yield* folioUnlock(made);
        return made;
      }
      yield* freePage(made);
      if (error !== -EEXIST) return undefined;
      continue;
    }
    if ((fgp & FGP_LOCK) !== 0) {
      if ((fgp & FGP_NOWAIT) === 0) {
        yield* folioLock(found);
      } else if (!(yield* folioTrylock(found))) {
        yield* folioPut(found);
        return undefined;
      }
      if (!stillThere(found, mapping, index)) {
        yield* folioUnlock(found);
        yield* folioPut(found);
        continue;
      }
    }
    if ((fgp & FGP_STABLE) !== 0) yield* folioWaitStable(found);
    return found;
  }
}

/**
 * `add_to_page_cache_lru()`, `filemap_add_folio()`: 0, `-ENOMEM` (the charge failed) or `-EEXIST` (somebody was faster).
 * On success the page is in the cache, on an LRU list and locked by the caller, else it is as it was.
 */
export function* filemapAddFolio(mapping: AddressSpace, page: Page, index: number, gfp: number): Resumable<number> {
  folioSetLockedNew(page);
  const error = yield* __filemapAddFolio(mapping, page, index, gfp);
  if (error !== 0) {
    folioClearLockedNew(page);
    return error;
  }
  yield* folioAddLru(page);
  return 0;
}

function* __filemapAddFolio(mapping: AddressSpace, page: Page, index: number, gfp: number): Resumable<number> {
  if (!(yield* memCgroupCharge(page, gfp))) return -ENOMEM;
  yield* spinLockIrq(mapping.treeLock);
  const place = placeOf(mapping, index);
  const taken = mapping.pages.at(place)?.index === index;
  if (!taken) {
    insertAt(mapping, place, page);
    page.mapping = mapping;
    page.index = index;
  }
  yield* spinUnlockIrq(mapping.treeLock);
  if (!taken) return 0;
  yield* memCgroupUncharge(page);
  return -EEXIST;
}

function insertAt(mapping: AddressSpace, place: number, page: Page): void {
  const later: Page[] = [];
  while (mapping.pages.length > place) later.unshift(mapping.pages.pop() as Page);
  for (const p of [page, ...later]) mapping.pages.push(p);
}

/** Puts pages into the cache while an incident is set up; their charge and LRU place are the caller's. */
export function placeInCache(mapping: AddressSpace, page: Page, index: number): void {
  insertAt(mapping, placeOf(mapping, index), page);
  Object.assign(page, { mapping, index });
}

/** `filemap_remove_folio()`: the locked page leaves the cache; {@link folioPut} of the last reference frees it. */
export function* filemapRemoveFolio(page: Page): Resumable {
  const mapping = page.mapping;
  if (mapping === undefined) return;
  yield* spinLockIrq(mapping.treeLock);
  __filemapRemoveFolio(page);
  yield* spinUnlockIrq(mapping.treeLock);
}

/** Under i_pages; reclaim calls it in its own section (mm/vmscan.c:__remove_mapping). */
export function __filemapRemoveFolio(page: Page): void {
  forgetCached(page);
  page.mapping?.pages.remove(page);
  page.mapping = undefined;
  page.dirtyTag = false;
  page.towriteTag = false;
}

/**
 * `end_page_writeback()`, from any context: a page that reclaim has marked goes to the tail of its LRU list, then the bit and
 * its counters go, then whoever waits for it wakes.
 */
export function* folioEndWriteback(page: Page): Resumable {
  if (page.reclaim) {
    page.reclaim = false;
    yield* folioRotateReclaimable(page);
  }
  yield* __folioEndWriteback(page);
}

/** `filemap_fdatawait_range()`: waits for the writeback of every page from `start` to `end` that is under it. */
export function* filemapFdatawaitRange(mapping: AddressSpace, start: number, end: number): Resumable {
  yield* __filemapFdatawaitRange(mapping, start, end);
}

function* __filemapFdatawaitRange(mapping: AddressSpace, start: number, end: number): Resumable {
  let next = start;
  for (;;) {
    const batch = yield* filemapGetFoliosTag(mapping, next, end, "writeback");
    if (batch.length === 0) return;
    for (const page of batch) {
      next = page.index + 1;
      yield* folioWaitWriteback(page);
      yield* folioPut(page);
    }
  }
}
