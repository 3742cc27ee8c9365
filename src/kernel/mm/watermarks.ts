/**
 * Watermarks (mm/page_alloc.c:zone_watermark_ok): how many pages stay free for whom. Of one zone, and only where memory was booted
 * with them; elsewhere a page is free or not.
 *
 * Ordinary allocations begin above `low`, and wake kswapd where they find less; in the slow path they go down to `min`, with
 * `__GFP_HIGH` to half of it, reclaimers (PF_MEMALLOC) and `__GFP_MEMALLOC` down to nothing unless `__GFP_NOMEMALLOC` is set.
 */
import { __GFP_HIGH, __GFP_MEMALLOC, __GFP_NOMEMALLOC, PF_MEMALLOC } from "../gfp.ts";
import { current } from "../sched/current.ts";
import { type Mm, mm } from "./mm.ts";

/** In pages; `min` <= `low` <= `high`. */
export interface Watermarks {
  readonly min: number;
  readonly low: number;
  readonly high: number;
}

/** Pages that are free and set aside for nobody. */
export function nrFree({ pages }: Pick<Mm, "pages">): number {
  return pages.filter((page) => !page.allocated && page.reservedFor === undefined).length;
}

/** What has to stay free beyond the page that is taken at first; undefined: there are no watermarks. */
export function fastMark(): number | undefined {
  return mm().options.watermarks?.low;
}

/** The same for the slow path (`gfp_to_alloc_flags()`). */
export function slowMark(gfp: number): number | undefined {
  const marks = mm().options.watermarks;
  if (marks === undefined) return undefined;
  const mayEatReserves = (gfp & __GFP_MEMALLOC) !== 0 || (current().flags & PF_MEMALLOC) !== 0;
  if (mayEatReserves && (gfp & __GFP_NOMEMALLOC) === 0) return 0;
  return (gfp & __GFP_HIGH) !== 0 ? Math.floor(marks.min / 2) : marks.min;
}

/** kswapd has reclaimed enough. */
export function balanced(): boolean {
  const marks = mm().options.watermarks;
  return nrFree(mm()) > (marks === undefined ? 0 : marks.high - 1);
}
