/** Giving charges back: `mem_cgroup_uncharge()`, and whom that wakes. */
import { op, type Resumable } from "../../resumable/index.ts";
import { kernel } from "../sched/current.ts";
import type { MemCgroup } from "./memcg-types.ts";
import type { Page } from "./page.ts";
import { pageCounterUncharge } from "./page-counter.ts";

/** Subtracts `n` pages from the group and its ancestors; the root carries no charges. */
export function uncharge(memcg: MemCgroup, n: number): void {
  if (memcg.parent === undefined || n === 0) return;
  pageCounterUncharge(memcg.memory, n);
  if (kernel().config.cgroup === "v1") pageCounterUncharge(memcg.memsw, n);
}

/** A page gives its charge back. Part of the caller's step. */
export function unchargePage(page: Page): void {
  const memcg = page.memcg;
  if (memcg === undefined) return;
  page.memcg = undefined;
  uncharge(memcg, 1);
}

const giveBack = op<Page>("uncharge", {
  apply: unchargePage,
  describe: (page) => `uncharge ${page}`,
});

/** `mem_cgroup_uncharge()` as a step of its own. */
export function* memCgroupUncharge(page: Page): Resumable {
  yield giveBack(page);
}
