import { describe, expect, it } from "vitest";
import { create, Entity, fields, int, op, type Resumable } from "../../resumable/index.ts";
import type { Bio, RequestQueue } from "../block/bio.ts";
import { bioProviders } from "../block/bio-providers.ts";
import { type Block, bioAlloc, bioPut, bootBlock, submitBio } from "../block/blk-core.ts";
import { type Era, era, withFix } from "../era.ts";
import { PF_LESS_THROTTLE } from "../gfp.ts";
import { bootMm, type Mm } from "../mm/mm.ts";
import type { Page } from "../mm/page.ts";
import { takePageAtBoot } from "../mm/page-alloc.ts";
import { bootSwap } from "../mm/swap-state.ts";
import type { Kernel } from "../sched/kernel.ts";
import { obstacleOf } from "../sched/stuck.ts";
import type { Task } from "../sched/task.ts";
import { runAlone, runRandomly, runSteps, testKernel } from "../sched/testing.ts";
import { sleepOf } from "../sched/timeout.ts";
import { bootDmCrypt, type CryptOptions, cryptMetrics } from "./boot-dm-crypt.ts";
import type { CryptConfig } from "./dm-crypt-types.ts";

class Ended extends Entity {
  declare bios: number;
  static {
    fields(Ended, { bios: int }, "ended");
  }
}
interface World {
  readonly kernel: Kernel;
  readonly mm: Mm;
  readonly block: Block;
  readonly cc: CryptConfig;
  readonly ended: Ended;
  /** Pages that a bio can carry. */
  readonly data: readonly Page[];
  task(comm: string): Task;
}
interface Options extends Partial<Omit<CryptOptions, "queue" | "dev">> {
  /** Pages that are free besides the reserves. */
  readonly free?: number;
  readonly slabPages?: boolean;
  readonly hacks?: readonly string[];
  readonly swap?: boolean;
}

/** Two disks, the second encrypted onto the first; six pages of data. */
function world(release: string | Era, options: Options = {}): World {
  const { free = 0, slabPages = false, hacks = [], swap = false, ...rest } = options;
  const kernel = testKernel(release, {
    cpus: 1,
    hacks,
    capacities: { pages: 40, contexts: 16, bios: 40, inodes: 1, memcgs: 1, vmas: 1 },
  });
  const mm = bootMm(kernel, { priority: 0, slabPages });
  const data = Array.from({ length: 6 }, (_, index) => Object.assign(takePageAtBoot(mm), { index }));
  const block = bootBlock(kernel, [{ irqCpu: 0 }, { device: "253:0", irqCpu: 0 }]);
  const [dev, queue] = block.queues as [RequestQueue, RequestQueue];
  const cc = bootDmCrypt(kernel, { queue, dev, workers: 2, minPages: 1, minIos: 1, ...rest });
  if (swap) bootSwap(kernel, queue);
  for (const page of mm.pages.filter((p) => !p.allocated).slice(free)) page.allocated = true;
  const task = (comm: string): Task => kernel.tasks.find((t) => t.comm.startsWith(comm)) as Task;
  return { kernel, mm, block, cc, ended: create(Ended), data, task };
}

const note = op<Ended>("ended", {
  apply(ended) {
    ended.bios++;
  },
});
function* endBio(bio: Bio): Resumable {
  yield note(bio.object as Ended);
  bioPut(bio);
}
function* submits(queue: RequestQueue, write: boolean, pages: readonly Page[], ended: Ended): Resumable {
  const bio = yield* bioAlloc(queue, write, endBio);
  bio.object = ended;
  for (const page of pages) bio.pages.push(page);
  yield* submitBio(bio);
}
/** A task that submits one bio with these pages of data. */
const submitter = (w: World, write: boolean, ...pages: readonly number[]): Task =>
  w.kernel.spawn({ comm: "submitter" }, submits, [
    w.cc.queue,
    write,
    Object.freeze(pages.map((i) => w.data[i])),
    w.ended,
  ]);
const workers = (w: World): readonly Task[] => [...w.cc.cryptQueue.workers];
const handler = (w: World): Task => w.task("hardirq");
const names = (tasks: readonly Task[]): string[] => tasks.map((t) => t.comm.replace(/\/.*/, ""));
/** The bio of the encrypted device that is under way. */
const baseBio = (w: World): Bio => w.block.bios.find((bio) => bio.queue === w.cc.queue) as Bio;
const allocated = (w: World): number => w.mm.pages.filter((page) => page.allocated).length;
/** Runs a task until it is about to do this. */
function runUntil(w: World, task: Task, name: string): void {
  const machine = w.kernel.start();
  while (machine.ways(task.context) > 0 && machine.pending(task.context).op !== name) machine.step(task.context, 0);
  expect(machine.pending(task.context).op).toBe(name);
}
/** Runs a task up to this and over it. */
function does(w: World, task: Task, name: string): void {
  runUntil(w, task, name);
  runSteps(w.kernel, task, 1);
}
const fixed = (id: string): Era => {
  const r = withFix(era("4.7.4"), id);
  if (!r.ok) throw new Error(r.error);
  return r.era;
};

describe("a write to an encrypted device", () => {
  it("goes from a worker to the write thread to the device below, and is ended by that one's interrupt", () => {
    const w = world("4.7.4", { free: 1 });
    const before = allocated(w);
    runAlone(w.kernel, submitter(w, true, 0));
    expect(names(bioProviders(baseBio(w)))).toEqual(["kworker", "kworker"]);
    runAlone(w.kernel, workers(w)[1]!);
    expect([baseBio(w).below?.pages.length, allocated(w)]).toEqual([1, before + 1]);
    expect(names(bioProviders(baseBio(w)))).toEqual(["dmcrypt_write"]);
    runAlone(w.kernel, w.task("dmcrypt_write"));
    expect([w.cc.dev.inFlight.length, w.cc.queue.inFlight.length]).toEqual([1, 0]);
    expect(names(bioProviders(baseBio(w)))).toEqual(["hardirq"]);
    runAlone(w.kernel, handler(w));
    expect([w.ended.bios, allocated(w), w.block.bios.every((bio) => bio.state === "free")]).toEqual([1, before, true]);
    expect(cryptMetrics(w.cc, 3, 2)).toMatchObject({ requestsPerSecond: 0.5, throttleSleepsPerRequest: 3 });
  });

  it("is submitted by sector, in one plug", () => {
    const w = world("4.7.4", { free: 3 });
    const tasks = [4, 1, 3].map((page) => submitter(w, true, page));
    for (const task of tasks) runAlone(w.kernel, task);
    runAlone(w.kernel, workers(w)[0]!);
    expect([...w.cc.writeTree].map((io) => io.sector)).toEqual([1, 3, 4]);
    runUntil(w, w.task("dmcrypt_write"), "flush plug");
    const plugged = [...w.task("dmcrypt_write").plug].map((clone) => (clone.object as { sector: number }).sector);
    expect(plugged).toEqual([1, 3, 4]);
  });

  it("is submitted by the worker itself with submit_from_crypt_cpus", () => {
    const w = world("4.7.4", { free: 1, noOffload: true });
    runAlone(w.kernel, submitter(w, true, 0));
    runAlone(w.kernel, workers(w)[0]!);
    expect(w.cc.dev.inFlight.length).toBe(1);
  });

  it("takes its page from the reserve when none is free, and gives it back there", () => {
    const w = world("4.7.4");
    runAlone(w.kernel, submitter(w, true, 0));
    runAlone(w.kernel, workers(w)[0]!);
    expect([w.cc.pagePool.reserve.length, w.cc.pagePool.foundEmpty]).toEqual([0, 0]);
    runRandomly(w.kernel, 1);
    expect([w.cc.pagePool.reserve.length, w.ended.bios]).toEqual([1, 1]);
  });
});

describe("crypt_alloc_buffer", () => {
  it("reclaims and sleeps under bio_alloc_lock once the reserve is empty; a third worker waits for the lock", () => {
    const w = world("4.7.4", { workers: 3 });
    for (const task of [0, 1, 2].map((page) => submitter(w, true, page))) runAlone(w.kernel, task);
    const [first, second, third] = workers(w) as [Task, Task, Task];
    does(w, first, "insert into write_tree");
    runUntil(w, second, "mempool_alloc");
    expect(w.cc.bioAllocLock.owner).toBe(second);
    const { object } = w.kernel.machine.pending(second.context);
    expect(sleepOf("mempool_alloc", object, undefined)).toMatchObject({ woken: false });
    runAlone(w.kernel, third);
    expect(obstacleOf(w.kernel, third)).toMatchObject({
      kind: "wait",
      wait: { resource: { class: "mutex", id: "bio_alloc_lock" }, providers: [second] },
    });
    expect(names(w.cc.pagePool.holders(w.cc.pagePool))).toEqual(["dmcrypt_write"]);
    runAlone(w.kernel, w.task("dmcrypt_write"));
    expect(names(w.cc.pagePool.holders(w.cc.pagePool))).toEqual(["hardirq"]);
    runAlone(w.kernel, handler(w));
    expect(sleepOf("mempool_alloc", object, undefined)).toMatchObject({ woken: true });
    runRandomly(w.kernel, 2);
    expect([w.ended.bios, w.cc.pagePool.reserve.length]).toEqual([3, 1]);
  });

  /** Two workers, each with a bio of two pages, and a reserve of two, of which each takes one, in the pass that may not sleep. */
  const half = (hacks: readonly string[]): World => {
    const w = world("4.7.4", { minPages: 2, hacks });
    for (const task of [submitter(w, true, 0, 1), submitter(w, true, 2, 3)]) runAlone(w.kernel, task);
    for (const worker of workers(w)) does(w, worker, "remove_element");
    expect(w.cc.pagePool.reserve.length).toBe(0);
    // and neither finds a second one
    for (const worker of workers(w)) does(w, worker, "remove_element");
    return w;
  };

  it("gives back a bio that it can fill half, so that two of them do not wait for each other's pages", () => {
    const w = half([]);
    const [first, second] = workers(w) as [Task, Task];
    for (const worker of [first, second]) does(w, worker, "add_element");
    expect(w.cc.pagePool.reserve.length).toBe(2);
    does(w, first, "remove_element");
    runUntil(w, second, "mutex_lock");
    expect([w.cc.bioAllocLock.owner, obstacleOf(w.kernel, second)?.kind]).toEqual([first, "wait"]);
    runRandomly(w.kernel, 3);
    expect([w.ended.bios, w.cc.pagePool.reserve.length]).toEqual([2, 2]);
  });

  it("would leave two half-filled bios for ever without the lock", () => {
    const w = half(["unserialised"]);
    const all = workers(w);
    for (const worker of all) does(w, worker, "add_element");
    for (const worker of all) does(w, worker, "remove_element");
    for (const worker of all) runUntil(w, worker, "mempool_alloc");
    const held = [...w.cc.ios].flatMap(({ clone }) => (clone?.write ? [clone.pages.length] : []));
    expect([held, w.cc.pagePool.reserve.length]).toEqual([[1, 1], 0]);
    // who could end it are the two that wait for it
    expect(new Set(w.cc.pagePool.holders(w.cc.pagePool))).toEqual(new Set(all));
    for (let i = 0; i < 50; i++) for (const worker of all) runSteps(w.kernel, worker, 20);
    expect(w.ended.bios).toBe(0);
  });

  it("runs with PF_LESS_THROTTLE with less-throttle-dm-crypt, and only it", () => {
    for (const [of, inside] of [
      [era("4.7.4"), false],
      [fixed("less-throttle-dm-crypt"), true],
    ] as const) {
      const w = world(of);
      runAlone(w.kernel, submitter(w, true, 0));
      const worker = workers(w)[0]!;
      runUntil(w, worker, "remove_element");
      expect((worker.flags & PF_LESS_THROTTLE) !== 0).toBe(inside);
      runAlone(w.kernel, worker);
      expect(worker.flags & PF_LESS_THROTTLE).toBe(0);
    }
  });

  it("takes no more pages than its share where releases limit it", () => {
    const taken = (release: string): number => {
      const w = world(release, { free: 20 });
      w.cc.pagesPerClient = 3;
      for (const task of [0, 1, 2, 3, 4].map((page) => submitter(w, true, page))) runAlone(w.kernel, task);
      const worker = workers(w)[0]!;
      runSteps(w.kernel, worker, 60);
      return [...w.cc.ios].filter(({ clone }) => (clone?.pages.length ?? 0) > 0).length;
    };
    expect([taken("4.7.4"), taken("6.1.192")]).toEqual([5, 3]);
  });
});

describe("a read from an encrypted device", () => {
  it("is read by a clone without pages and decrypted by a worker", () => {
    const w = world("4.7.4");
    runAlone(w.kernel, submitter(w, false, 0));
    expect([w.cc.dev.inFlight.length, baseBio(w).below?.pages.length]).toEqual([1, 0]);
    runAlone(w.kernel, handler(w));
    expect(names(bioProviders(baseBio(w)))).toEqual(["kworker", "kworker"]);
    expect(w.ended.bios).toBe(0);
    runAlone(w.kernel, workers(w)[0]!);
    expect(w.ended.bios).toBe(1);
  });

  it("is left to kcryptd_io where there is no memory for the clone", () => {
    const w = world("4.7.4", { slabPages: true, minIos: 2 });
    for (const task of [0, 1].map((page) => submitter(w, false, page))) runAlone(w.kernel, task);
    expect([w.cc.bs.reserve.length, w.cc.dev.inFlight.length]).toEqual([0, 2]);
    const short = world("4.7.4", { slabPages: true, minIos: 1 });
    short.cc.bs.reserve.clear();
    runAlone(short.kernel, submitter(short, false, 0));
    expect([short.cc.dev.inFlight.length, short.cc.ioQueue?.works.length]).toEqual([0, 1]);
  });
});

describe("swap bios", () => {
  it("are let in up to a number from 5.12 on", () => {
    const waiting = (release: string): readonly string[] => {
      const w = world(release, { free: 2, swap: true, swapBios: 1 });
      const [first, second] = [submitter(w, true, 0), submitter(w, true, 1)];
      runAlone(w.kernel, first);
      runAlone(w.kernel, second);
      const obstacle = obstacleOf(w.kernel, second);
      if (obstacle?.kind !== "wait") return [];
      const said = [obstacle.wait.resource.id ?? "", ...names(obstacle.wait.providers as Task[])];
      runRandomly(w.kernel, 4);
      expect(w.ended.bios).toBe(2);
      return said;
    };
    expect(waiting("5.11.0")).toEqual([]);
    expect(waiting("6.1.192")).toEqual(["swap_bios", "kworker", "kworker"]);
  });
});

describe("encrypted devices", () => {
  it.each([
    ["4.7.0", false],
    ["4.7.4", false],
    ["4.7.4", true],
    ["6.1.192", true],
  ])(
    "%s, objects that need pages %s: every bio ends and every page comes back, whatever the schedule",
    (release, slabPages) => {
      for (let seed = 0; seed < 40; seed++) {
        const w = world(release, { free: seed % 3, slabPages, minPages: 2, minIos: 1, swap: true, swapBios: 2 });
        const before = allocated(w);
        const reserves = [w.cc.pagePool, w.cc.bs, w.cc.ioPool].map((pool) => pool.reserve.length);
        submitter(w, true, 0, 1);
        submitter(w, true, 2, 3);
        submitter(w, false, 4);
        submitter(w, true, 5);
        runRandomly(w.kernel, seed);
        expect([w.ended.bios, allocated(w), w.cc.requests]).toEqual([4, before, 4]);
        expect([w.cc.pagePool, w.cc.bs, w.cc.ioPool].map((pool) => pool.reserve.length)).toEqual(reserves);
        expect(w.block.bios.every((bio) => bio.state === "free")).toBe(true);
      }
    },
  );
});
