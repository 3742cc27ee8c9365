/** Promise: the laws hold in every state of small proofs of all incidents, and each is seen to fail where a state breaks it. */
import { describe, expect, it } from "vitest";
import { prove } from "../src/explore/index.ts";
import { RandomNumbers } from "../src/explore/random-numbers.ts";
import {
  type Choices,
  type Incident,
  memcgWritebackAbba,
  prepare,
  wbSwitchIrqNesting,
  xfsPageLockOrder,
} from "../src/incidents/index.ts";
import type { Bio } from "../src/kernel/block/bio.ts";
import type { Block } from "../src/kernel/block/blk-core.ts";
import { brokenLaw, laws } from "../src/kernel/invariants.ts";
import { statisticsAreExact } from "../src/kernel/invariants-pages.ts";
import { Mutex } from "../src/kernel/locking/mutex.ts";
import { RwSemaphore } from "../src/kernel/locking/rwsem.ts";
import { SpinLock } from "../src/kernel/locking/spinlock.ts";
import type { MemCgroup } from "../src/kernel/mm/memcg-types.ts";
import type { Mm } from "../src/kernel/mm/mm.ts";
import type { Page } from "../src/kernel/mm/page.ts";
import { lruDelete } from "../src/kernel/mm/swap.ts";
import type { Kernel } from "../src/kernel/sched/kernel.ts";
import type { Task } from "../src/kernel/sched/task.ts";
import type { Entity } from "../src/resumable/index.ts";
import { randomWorkload, silentWait } from "./random-workload-program.ts";

const kernelOf = (incident: Incident, choices: Choices): Kernel => {
  const result = prepare(incident, { ...choices, invariants: true });
  if (!result.ok) throw new Error(result.error.message);
  return result.prepared.kernel;
};

const small = { faulters: 1, writers: 0, pages: 2, cpus: 1 };
const hacks = ["switching", "moving"];
const SOME = 12_000;

describe("the laws hold", () => {
  const withWriter = { ...small, writers: 1 };
  const hidden: Choices = { fixes: ["prealloc-pte"], hacks: ["hidden-alloc"], parameters: withWriter };
  it.each<[string, Incident, Choices]>([
    ["abba with its fix", memcgWritebackAbba, { fixes: ["prealloc-pte"], parameters: small }],
    ["wb-switch with its fix", wbSwitchIrqNesting, { hacks, fixes: ["wb-lock-cookie"], parameters: { movers: 0 } }],
    ["xfs", xfsPageLockOrder, { parameters: small }],
  ])("in every state of %s", (_, incident, choices) => {
    const outcome = prove(kernelOf(incident, choices).start(), { maxStates: 100_000 });
    expect(outcome).toMatchObject({ finding: undefined, complete: true });
  });

  it.each<[string, Incident, Choices]>([
    ["abba, 6.1.192 and a writer", memcgWritebackAbba, { era: "6.1.192", parameters: withWriter }],
    ["abba on cgroup v2", memcgWritebackAbba, { cgroup: "v2", parameters: withWriter }],
    ["wb-switch, charges that move", wbSwitchIrqNesting, { parameters: { writers: 1 } }],
    ["xfs, hidden-alloc", xfsPageLockOrder, hidden],
  ])("in the first states of %s", (_, incident, choices) => {
    const outcome = prove(kernelOf(incident, choices).start(), { maxStates: SOME });
    expect(outcome.finding).toBeUndefined();
    expect(outcome.states).toBeGreaterThan(1000);
  });

  it("except the one that wb-switch-irq-nesting is about", () => {
    const { finding } = prove(kernelOf(wbSwitchIrqNesting, { hacks, parameters: { movers: 0 } }).start());
    expect(finding).toMatchObject({
      kind: "invariant",
      message: "truncate/1002 holds memcg_move_lock with interrupts on",
    });
  });

  it.each<[string, () => Kernel]>([
    ["abba", () => kernelOf(memcgWritebackAbba, { parameters: withWriter })],
    ["abba on cgroup v2", () => kernelOf(memcgWritebackAbba, { cgroup: "v2", parameters: withWriter })],
    ["wb-switch, charges that move", () => kernelOf(wbSwitchIrqNesting, { parameters: { writers: 1 } })],
    ["wb-switch with its fix", () => kernelOf(wbSwitchIrqNesting, { hacks, fixes: ["wb-lock-cookie"] })],
    ["xfs, hidden-alloc", () => kernelOf(xfsPageLockOrder, hidden)],
    ["a random workload", () => randomWorkload({ invariants: true })],
  ])("for the statistics, along runs of %s", (_, make) => {
    for (let seed = 1; seed <= 10; seed++) expect(alongOneRun(make(), seed)).toBeUndefined();
  });
});

/** What the laws of states and of statistics say at the first step of a random run where one does not hold. */
function alongOneRun(kernel: Kernel, seed: number): string | undefined {
  const numbers = new RandomNumbers(seed);
  const machine = kernel.start();
  for (let step = 0; step < 400; step++) {
    const able = kernel.tasks.map((task) => task.context).filter((context) => machine.ways(context) > 0);
    const context = able[numbers.below(Math.max(1, able.length))];
    if (context === undefined) return undefined;
    machine.step(context, numbers.below(machine.ways(context)));
    const said = machine.brokenInvariant?.() ?? statisticsAreExact(kernel);
    if (said !== undefined) return said;
  }
  return undefined;
}

/** The things that cases damage. */
class Parts {
  readonly mm: Mm;
  readonly page: Page;
  readonly group: MemCgroup;
  readonly kernel: Kernel;
  constructor(kernel: Kernel) {
    this.kernel = kernel;
    this.mm = kernel.subsystem<Mm>("mm");
    this.page = this.mm.pages.find((page) => page.mapping !== undefined)!;
    this.group = this.page.memcg!;
  }
  first<T extends Entity>(cls: abstract new () => T, fits: (object: T) => boolean = () => true): T {
    return this.kernel.world.objects.find((object): object is T => object instanceof cls && fits(object))!;
  }
  task(comm: string): Task {
    return this.kernel.tasks.find((task) => task.comm === comm)!;
  }
  /** A task that has ended. */
  get ended(): Task {
    return this.task("sleep");
  }
  get bio(): Bio {
    return this.kernel.subsystem<Block>("block").bios[0]!;
  }
}

type Damage = readonly [damage: (parts: Parts) => void, said: RegExp];
const damages: Readonly<Record<keyof typeof laws, readonly Damage[]>> = {
  lruMembership: [
    [({ page }) => void (page.lru = undefined), /page 0 is on .* and says undefined/],
    [({ page }) => page.lru?.pages.remove(page), /page 0 says .* and is not there/],
  ],
  offListsInHands: [
    [({ page }) => void (page.refs = -1), /page 0 has -1 references/],
    [({ page }) => lruDelete(page), /on no list and in nobody's hands/],
  ],
  isolatedPagesAreCounted: [
    [({ mm }) => void (mm.node.nrIsolated = 1), /1 pages are counted as isolated and nobody reclaims/],
    [({ mm, page }) => mm.scanControls[0]?.isolated.push(page), /page 0 is isolated and on/],
    [
      ({ mm, page }) => {
        lruDelete(page);
        for (const sc of mm.scanControls.slice(0, 2)) sc.putback.push(page);
      },
      /page 0 is isolated twice/,
    ],
    [
      ({ mm, page }) => {
        page.lru = undefined;
        mm.scanControls[0]?.isolated.push(page);
      },
      /0 pages are counted as isolated, 1 are/,
    ],
  ],
  mappingsAreCounted: [[({ page }) => void page.mapCount++, /page 0 counts 1 of 0 mappings/]],
  writebackHasBio: [
    [({ page }) => void (page.writeback = true), /page 0 is under writeback and nobody is to end it/],
    [
      ({ page, bio }) => {
        page.writeback = true;
        page.writebackBio = bio;
        bio.write = true;
        bio.pages.push(page);
      },
      /page 0 is under writeback in bio 0 \(free\), which cannot end it/,
    ],
    [
      ({ page, bio, ended }) => {
        page.writeback = true;
        page.writebackBio = bio;
        bio.write = true;
        bio.state = "building";
        bio.owner = ended;
        bio.pages.push(page);
      },
      /page 0 is under writeback in bio 0 \(building\), which cannot end it/,
    ],
    [
      ({ page, bio }) => {
        bio.write = true;
        bio.state = "in_flight";
        bio.pages.push(page);
      },
      /page 0 is in bio 0 \(in_flight\), and nobody is to end its writeback/,
    ],
  ],
  pageLockHolderLives: [
    [({ page, ended }) => void (page.lockedBy = ended), /page 0 is locked by sleep.*, which has ended/],
    [({ page, bio }) => void (page.lockedBy = bio), /page 0 is locked by bio 0, which does not read it/],
  ],
  freePagesAreClean: [[({ page }) => void (page.allocated = false), /page 0 is free and still in use/]],
  cacheInOrder: [
    [({ page }) => page.mapping?.pages.remove(page), /page 0 is not in the mapping it names/],
    [
      ({ mm }) => {
        const big = mm.pages.filter((page) => page.mapping?.pages.length === 2);
        big[0]!.index = 7;
      },
      /page 1 and page 2 are out of order/,
    ],
  ],
  chargesAreConserved: [
    [({ group }) => void group.memory.usage++, /\/a has 4 pages charged, 3 are in use/],
    [({ group }) => void group.memory.usage--, /\/a has 2 pages charged, 3 are in use/],
    [({ group }) => void (group.memory.usage = -1), /\/a has a negative charge/],
    [(p) => void (p.task("sync").preallocPte = p.group), /\/a has 3 pages charged, 4 are in use/],
    [
      ({ group, mm: { mc } }) => void Object.assign(mc, { from: group, movedCharge: 2 }),
      /\/a has 3 pages charged, 5 are in use/,
    ],
  ],
  swapCounterIsNotBelow: [
    [({ group }) => void group.memsw.usage--, /\/a has 3 pages of memory and 2 of memory and swap/],
  ],
  kernelMemoryIsCounted: [[({ group }) => void group.kmem.usage++, /\/a has 1 pages of kernel memory charged, 0 are/]],
  irqSafeLocksKeepIrqsOff: [
    [
      (p) => void (p.first(SpinLock, (lock) => lock.lockClass === "i_pages").owner = p.task("bash")),
      /bash.* holds i_pages with interrupts on/,
    ],
  ],
  readersOrWriter: [
    [
      (p) => {
        const sem = p.first(RwSemaphore);
        sem.writer = p.task("bash");
        sem.readers.push(p.task("sync"));
      },
      /is held by bash.* and by readers/,
    ],
    [
      (p) => {
        const sem = p.first(RwSemaphore);
        sem.readers.push(p.task("bash"));
        sem.queue.push(p.task("bash"));
      },
      /bash.* holds .* and queues for it/,
    ],
  ],
  lockHoldersLive: [
    [(p) => void (p.first(Mutex).owner = p.ended), /sleep.* has ended and holds mutex 0/],
    [(p) => p.first(RwSemaphore).readers.push(p.ended), /sleep.* has ended and holds rwsemaphore 0/],
    [(p) => void (p.first(SpinLock).owner = p.task("bash")), /bash.* holds spinlock 0 and can be preempted/],
  ],
  waitersSayForWhat: [],
};

describe("a law fails where a state breaks it", () => {
  const cases = Object.entries(damages).flatMap(([name, list]) => list.map((damage) => [name, ...damage] as const));
  it.each(cases)("%s %#", (name, damage, said) => {
    const kernel = kernelOf(wbSwitchIrqNesting, { parameters: { pages: 2 } });
    kernel.start();
    const law = laws[name as keyof typeof laws];
    expect([law(kernel), brokenLaw(kernel)]).toEqual([undefined, undefined]);
    damage(new Parts(kernel));
    expect(law(kernel)).toMatch(said);
    expect(brokenLaw(kernel)).toBeDefined();
  });

  it("waitersSayForWhat", () => {
    const kernel = silentWait();
    expect(kernel.start().brokenInvariant?.()).toMatch(/silent.* cannot go on at silent:1 .*does not say/);
  });

  it("the statistics", () => {
    const kernel = kernelOf(wbSwitchIrqNesting, {});
    kernel.start();
    const { group, page } = new Parts(kernel);
    const { wb } = page.mapping!.host!;
    const say = (): string | undefined => statisticsAreExact(kernel);
    expect(say()).toBeUndefined();
    group.nrFileDirty++;
    expect(say()).toBe("/a counts 3 dirty pages, there are 2");
    group.nrFileDirty--;
    group.nrWriteback++;
    expect(say()).toBe("/a counts 1 pages under writeback, there are 0");
    group.nrWriteback--;
    wb!.nrReclaimable--;
    expect(say()).toBe("wb 0 counts 1 dirty pages, there are 2");
  });
});
