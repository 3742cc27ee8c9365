import { describe, expect, it } from "vitest";
import type { Resumable } from "../../resumable/index.ts";
import { era, withFix } from "../era.ts";
import { bootCachedPage } from "../mm/boot-cache.ts";
import { folioLock, folioUnlock } from "../mm/filemap.ts";
import { createMemcg } from "../mm/mm.ts";
import type { Page } from "../mm/page.ts";
import { folioCancelDirty, folioMarkDirty } from "../mm/page-writeback.ts";
import { fileWorld } from "../mm/testing.ts";
import type { KernelConfig } from "../sched/kernel.ts";
import { deadSubset, obstacleOf } from "../sched/stuck.ts";
import { runAlone, runRandomly } from "../sched/testing.ts";
import { inodeSwitchWbs, unlockedInodeToWbBegin, unlockedInodeToWbEnd } from "./fs-writeback.ts";
import { I_WB_SWITCH, type Inode } from "./inode.ts";
import { vfsFsyncRange } from "./sync.ts";
import { wbOfMemcg } from "./wb.ts";

const CAPACITIES = { pages: 8, contexts: 16, bios: 8, inodes: 4, memcgs: 4, vmas: 4 };
const config = (given: Partial<Omit<KernelConfig, "era">>): Partial<Omit<KernelConfig, "era">> => ({
  cpus: 2,
  capacities: CAPACITIES,
  ...given,
});

function* section(inode: Inode): Resumable {
  const cookie = yield* unlockedInodeToWbBegin(inode);
  yield* unlockedInodeToWbEnd(inode, cookie);
}
/** A section that lasts, as one that is preempted does. */
function* longSection(inode: Inode): Resumable {
  const cookie = yield* unlockedInodeToWbBegin(inode);
  yield undefined;
  yield* unlockedInodeToWbEnd(inode, cookie);
}

describe("inode switch", () => {
  it("moves a dirty inode with its counters to the domain of another group, in any schedule", () => {
    for (let seed = 0; seed < 40; seed++) {
      const { kernel, inode, memcg, bdi } = fileWorld("6.1", { config: config({ cgroup: "v2" }) });
      const pages = [0, 1].map((i) => bootCachedPage(kernel, inode, i, { memcg, dirty: true }));
      const to = bdi.wb;
      const from = wbOfMemcg(bdi, memcg);
      expect(from).not.toBe(to);
      const root = memcg.parent;
      kernel.spawn({ comm: "switch" }, inodeSwitchWbs, [inode, root]);
      kernel.spawn({ comm: "sections" }, section, [inode]);
      if (seed % 2 === 1) kernel.spawn({ comm: "fsync" }, vfsFsyncRange, [inode]);
      runRandomly(kernel, Math.imul(seed, 0x9e3779b1));
      expect(deadSubset(kernel)).toEqual([]);
      expect(inode.wb).toBe(to);
      expect(inode.state & I_WB_SWITCH).toBe(0);
      const dirty = pages.filter((p) => p.dirty).length;
      expect([from.nrReclaimable, from.nrWriteback, to.nrReclaimable, to.nrWriteback]).toEqual([0, 0, dirty, 0]);
      expect([from.bDirty.includes(inode), to.bDirty.includes(inode)]).toEqual([false, true]);
    }
  });

  it("waits for sections that began without seeing it", () => {
    const { kernel, inode, memcg, bdi } = fileWorld("6.1", { config: config({ cgroup: "v2" }) });
    bootCachedPage(kernel, inode, 0, { memcg, dirty: true });
    const reader = kernel.spawn({ comm: "section", cpu: 0 }, longSection, [inode]);
    const switcher = kernel.spawn({ comm: "switch", cpu: 1 }, inodeSwitchWbs, [inode, memcg.parent]);
    const machine = kernel.start();
    machine.step(reader.context, 0);
    runAlone(kernel, switcher);
    const worker = kernel.tasks.find((t) => machine.ways(t.context) > 0 && t.kind === "kworker");
    if (worker === undefined) throw new Error("nobody switches");
    runAlone(kernel, worker);
    const obstacle = obstacleOf(kernel, worker);
    expect(obstacle?.kind === "wait" && [obstacle.wait.resource.class, ...obstacle.wait.providers]).toEqual([
      "rcu_grace_period",
      reader,
    ]);
    expect(inode.wb).not.toBe(bdi.wb);
    runRandomly(kernel, 1);
    expect(inode.wb).toBe(bdi.wb);
  });

  it("is set off by passes in which pages of another group prevail", () => {
    const passes = (foreignSlots: number): number => {
      const { kernel, inode, memcg, bdi } = fileWorld("6.1", {
        config: config({ cgroup: "v2" }),
        writeback: { foreignSlots },
      });
      const other = createMemcg(kernel, "/b", undefined);
      const pages = [0, 1, 2].map((i) =>
        bootCachedPage(kernel, inode, i, { memcg: i === 0 ? memcg : other, dirty: true }),
      );
      expect(inode.wb).toBe(wbOfMemcg(bdi, memcg));
      const writer = kernel.spawn({ comm: "fsync" }, fsyncOften, [inode, pages[1], pages[2]]);
      runRandomly(kernel, 5);
      expect(kernel.machine.finished(writer.context)).toBe(true);
      return inode.wb === bdi.wb ? inode.wbForeign : -1;
    };
    // five slots a pass: the second foreign pass makes ten of sixteen; one slot a pass: four passes are too few
    expect(passes(5)).toBeGreaterThanOrEqual(0);
    expect(passes(1)).toBe(-1);
  });

  it("never happens where groups have no domains", () => {
    const { kernel, inode, memcg, bdi } = fileWorld("6.1", { config: config({ cgroup: "v1" }) });
    const page = bootCachedPage(kernel, inode, 0, { memcg, dirty: true });
    kernel.spawn({ comm: "fsync" }, fsyncOften, [inode, page, page]);
    runRandomly(kernel, 5);
    expect(inode.wb).toBe(bdi.wb);
    expect(inode.wbForeign).toBe(0);
  });
});

function* fsyncOften(inode: Inode, first: Page, second: Page): Resumable {
  for (let i = 0; i < 4; i++) {
    yield* vfsFsyncRange(inode);
    yield* dirtyAgain(first);
    yield* dirtyAgain(second);
  }
}
function* dirtyAgain(page: Page): Resumable {
  yield* folioLock(page);
  yield* folioMarkDirty(page);
  yield* folioUnlock(page);
}

function* cancel(page: Page): Resumable {
  yield* folioLock(page);
  yield* folioCancelDirty(page);
  yield* folioUnlock(page);
}

describe("irq state under lock_page_memcg", () => {
  /** fsync of one page, whose completion comes while another one's dirty bit is cancelled. */
  function lockups(release: Parameters<typeof fileWorld>[0], hacks: readonly string[], irqCpu: number): number {
    let dead = 0;
    for (let seed = 0; seed < 150; seed++) {
      const { kernel, inode, memcg, bdi } = fileWorld(release, { config: config({ hacks }) });
      bdi.queue.irqCpu = kernel.cpus[irqCpu];
      const [, page] = [0, 1].map((i) => bootCachedPage(kernel, inode, i, { memcg, dirty: true }));
      const truncating = kernel.spawn({ comm: "truncate", cpu: 0 }, cancel, [page]);
      kernel.spawn({ comm: "fsync", cpu: 1 }, vfsFsyncRange, [inode, 0, 0]);
      runRandomly(kernel, Math.imul(seed, 0x9e3779b1));
      const subset = deadSubset(kernel);
      if (subset.length === 0) {
        expect(kernel.machine.finished(truncating.context)).toBe(true);
        expect(kernel.cpus.every((cpu) => !cpu.irqsOff && cpu.pinned === undefined)).toBe(true);
        continue;
      }
      dead++;
      expect(subset).toContain(truncating.context);
      const stack = kernel.machine.stack(kernel.cpus[0]?.irqStack.at(-1)?.context ?? -1).map((f) => f.name);
      expect(stack.slice(0, 5)).toEqual([
        "spinLockIrqsave",
        "folioMemcgLock",
        "__folioEndWriteback",
        "folioEndWriteback",
        "ext4FinishBio",
      ]);
    }
    return dead;
  }

  it.each(["4.16.0", "4.4.1"])("%s: both hacks, and the completion on the same CPU", (release) => {
    const both = ["switching", "moving"];
    expect(lockups(release, both, 0)).toBeGreaterThan(0);
    expect(lockups(release, both, 1)).toBe(0);
    expect(lockups(release, ["moving"], 0)).toBe(0);
    expect(lockups(release, ["switching"], 0)).toBe(0);
    expect(lockups(release, [], 0)).toBe(0);
    const fixed = withFix(era(release), "wb-lock-cookie");
    if (!fixed.ok) throw new Error(fixed.error);
    expect(lockups(fixed.era, both, 0)).toBe(0);
  });
});
