import { describe, expect, it } from "vitest";
import { bootBlock } from "./block/blk-core.ts";
import { brokenLaw } from "./invariants.ts";
import { bootMappedPage } from "./mm/boot-cache.ts";
import { bootPage } from "./mm/boot-pages.ts";
import { createMempool, type Mempool } from "./mm/mempool.ts";
import { bootMm } from "./mm/mm.ts";
import type { Vma } from "./mm/mm-types.ts";
import { createMm, createVma } from "./mm/mmap.ts";
import type { Page } from "./mm/page.ts";
import type { SwapSlot } from "./mm/swap-slots.ts";
import { bootSwap, swap } from "./mm/swap-state.ts";
import type { Kernel } from "./sched/kernel.ts";
import { testKernel } from "./sched/testing.ts";

interface World {
  readonly kernel: Kernel;
  readonly pool: Mempool;
  readonly page: Page;
  readonly vma: Vma;
  readonly slot: SwapSlot;
}
/** A pool of two pages, and a mapped page that is in the swap cache, with one slot. */
function world(): World {
  const kernel = testKernel("4.7.4");
  bootMm(kernel);
  const pool = createMempool(kernel, { poolName: "pool", minNr: 2, kind: "page", holders: () => [] });
  bootSwap(kernel, bootBlock(kernel).queues[0]!, 1);
  const vma = createVma(kernel, createMm(), { length: 2, populated: true });
  const page = bootPage(kernel, { anon: true });
  bootMappedPage(vma, page, true);
  const { space, slots } = swap()!;
  const slot = slots[0]!;
  Object.assign(page, { mapping: space });
  space.pages.push(page);
  slot.page = page;
  kernel.start();
  return { kernel, pool, page, vma, slot };
}

describe("pools and swap", () => {
  it.each<[string, (w: World) => void, RegExp | undefined]>([
    ["as they are", () => {}, undefined],
    ["more than the reserve holds", ({ pool }) => void (pool.minNr = 1), /pool keeps 2 elements and is full with 1/],
    ["a free page in it", ({ pool }) => void (pool.reserve.at(0)!.allocated = false), /in the reserve of pool and not/],
    [
      "a page of a cache in it",
      ({ pool, page }) => void (pool.reserve.at(0)!.lru = page.lru),
      /says .* and is not|not its own/,
    ],
    [
      "a page twice in it",
      ({ pool }) => {
        pool.reserve.pop();
        pool.reserve.unshift(pool.reserve.at(0)!);
      },
      /kept twice/,
    ],
    ["a cached page without a slot", ({ slot }) => void (slot.page = undefined), /in the swap cache and has 0 slots/],
    [
      "a slot of a page that is not cached",
      ({ page }) => {
        page.mapping?.pages.remove(page);
        page.mapping = undefined;
      },
      /which is not in the swap cache/,
    ],
    [
      "an entry where a page is mapped",
      ({ slot, vma }) => void Object.assign(slot, { vma, index: 0 }),
      /a page and a swap entry at 0/,
    ],
  ])("%s", (_, damage, said) => {
    const w = world();
    damage(w);
    const law = brokenLaw(w.kernel);
    if (said === undefined) expect(law).toBeUndefined();
    else expect(law).toMatch(said);
  });
});
