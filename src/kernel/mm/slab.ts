/**
 * Slab allocations (mm/slub.c): an object is at hand, or its cache needs a new slab, which is a page.
 *
 * Which of the two is no state here: where memory was booted with `slabPages` every object takes a page of its own and gives it
 * back when it is freed, else objects are always at hand. Inside reclaim (PF_MEMALLOC) the page comes out of the reserves, which
 * are never empty here, unless the caller may not touch them (`__GFP_NOMEMALLOC`).
 */
import type { Resumable } from "../../resumable/index.ts";
import { __GFP_NOMEMALLOC, PF_MEMALLOC } from "../gfp.ts";
import { current } from "../sched/current.ts";
import { mm } from "./mm.ts";
import type { Page } from "./page.ts";
import { allocPages, freePage } from "./page-alloc.ts";

/** The page of the object; {@link AT_HAND} when it needed none, undefined when there is no memory. */
export type SlabObject = Page | "at hand" | undefined;
const AT_HAND = "at hand";

/** `kmem_cache_alloc()`, of objects that are not accounted. */
export function* kmemCacheAlloc(gfp: number): Resumable<SlabObject> {
  const outOfReserves = (current().flags & PF_MEMALLOC) !== 0 && (gfp & __GFP_NOMEMALLOC) === 0;
  if (mm().options.slabPages !== true || outOfReserves) return AT_HAND;
  return yield* newSlab(gfp);
}

function* newSlab(gfp: number): Resumable<Page | undefined> {
  return yield* allocPages(gfp);
}

/** `kmem_cache_free()`. */
export function* kmemCacheFree(object: SlabObject): Resumable {
  if (object !== undefined && object !== AT_HAND) yield* freePage(object);
}
