/**
 * Page counters (mm/page_counter.c): usage against a maximum on every level of a hierarchy.
 *
 * The kernel adds level by level, so that others see an overshoot that is taken back and fail spuriously; here a charge of all
 * levels is one step, unless {@link MmOptions.counterRaces} asks for the undoing to be a step of its own.
 */
import type { PageCounter } from "./memcg-types.ts";

/** Adds `n` on every level or on none; the counter that refused, undefined when charged. Equality with the maximum is allowed. */
export function pageCounterTryCharge(counter: PageCounter, n: number): PageCounter | undefined {
  for (let c: PageCounter | undefined = counter; c !== undefined; c = c.parent) {
    if (c.usage + n <= c.max) continue;
    c.failcnt++;
    return c;
  }
  pageCounterCharge(counter, n);
  return undefined;
}

/** Adds `n` on every level, over the maximum if need be. */
export function pageCounterCharge(counter: PageCounter, n: number): void {
  for (let c: PageCounter | undefined = counter; c !== undefined; c = c.parent) {
    c.usage += n;
    if (c.usage > c.watermark) c.watermark = c.usage;
  }
}

export function pageCounterUncharge(counter: PageCounter, n: number): void {
  for (let c: PageCounter | undefined = counter; c !== undefined; c = c.parent) c.usage -= n;
}

/** `page_counter_set_max()`: false (EBUSY) while usage is above the new maximum. */
export function pageCounterSetMax(counter: PageCounter, pages: number): boolean {
  if (counter.usage > pages) return false;
  counter.max = pages;
  return true;
}

/** Whether a charge of `n` can succeed at all, however much is given back: a batch that cannot is not tried. */
export function couldEverFit(counter: PageCounter, n: number): boolean {
  for (let c: PageCounter | undefined = counter; c !== undefined; c = c.parent) if (n > c.max) return false;
  return true;
}
