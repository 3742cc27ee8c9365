import { describe, expect, it } from "vitest";
import { create, Entity, fields, type Resumable, value } from "../../resumable/index.ts";
import { GFP_KERNEL, GFP_NOFS, PF_MEMALLOC_NOFS } from "../gfp.ts";
import { SpinLock } from "../locking/spinlock.ts";
import type { Kernel, KernelConfig } from "../sched/kernel.ts";
import { obstacleOf } from "../sched/stuck.ts";
import type { Task } from "../sched/task.ts";
import { runAlone, runRandomly, testKernel } from "../sched/testing.ts";
import { type BootPage, bootPage } from "./boot-pages.ts";
import { folioTrylock, folioUnlock } from "./filemap.ts";
import type { MemCgroup } from "./memcg-types.ts";
import { bootMm, createMemcg, type MmOptions } from "./mm.ts";
import { AddressSpace, type Page } from "./page.ts";
import { folioGet } from "./page-alloc.ts";
import { tryToFreeMemCgroupPages } from "./vmscan.ts";

class Note extends Entity {
  declare said: unknown;
  static {
    fields(Note, { said: value });
  }
}

interface Small {
  readonly kernel: Kernel;
  readonly memcg: MemCgroup;
  readonly pages: readonly Page[];
  readonly note: Note;
  readonly mapping: AddressSpace;
}

function small(
  release: string,
  pages: readonly BootPage[],
  config: Partial<Omit<KernelConfig, "era">> = {},
  options: MmOptions = {},
): Small {
  const kernel = testKernel(release, config);
  bootMm(kernel, options);
  const memcg = createMemcg(kernel, "/a", undefined, { max: 8 });
  const mapping = create(AddressSpace, { treeLock: create(SpinLock, { lockClass: "i_pages" }) });
  const made = pages.map((given, index) => bootPage(kernel, { memcg, mapping, index, ...given }));
  return { kernel, memcg, pages: made, note: create(Note), mapping };
}

function* reclaim(memcg: MemCgroup, gfp: number, note: Note): Resumable {
  note.said = yield* tryToFreeMemCgroupPages(memcg, 1, gfp, true);
}
function* lockAndKeep(page: Page): Resumable {
  yield* folioTrylock(page);
}
function* lockAWhile(page: Page): Resumable {
  if (yield* folioTrylock(page)) yield* folioUnlock(page);
}

const reclaimer = (s: Small, gfp = GFP_KERNEL, flags = 0): Task =>
  s.kernel.spawn({ comm: "reclaimer", flags, memcg: s.memcg }, reclaim, [s.memcg, gfp, s.note]);
const listOf = (page: Page): string | undefined => page.lru?.kind;

describe("reclaim of a memcg", () => {
  it.each(["4.4", "4.20", "5.4", "5.15", "6.1", "6.18"])("frees clean pages and their charges in %s", (release) => {
    const s = small(release, [{}, {}, {}]);
    runAlone(s.kernel, reclaimer(s));
    expect(s.note.said).toBe(3);
    expect([s.memcg.memory.usage, s.memcg.memsw.usage, s.mapping.pages.length]).toEqual([0, 0, 0]);
    expect(s.pages.map((p) => [p.allocated, p.refs, p.memcg])).toEqual(Array(3).fill([false, 0, undefined]));
  });

  it("walks the subtree, and nothing above it", () => {
    const s = small("6.1", [{}]);
    const child = createMemcg(s.kernel, "/a/b", s.memcg);
    const other = createMemcg(s.kernel, "/c");
    const [below, aside] = [
      bootPage(s.kernel, { memcg: child, mapping: s.mapping, index: 8 }),
      bootPage(s.kernel, { memcg: other, mapping: s.mapping, index: 9 }),
    ];
    runAlone(s.kernel, reclaimer(s));
    expect([s.note.said, below.allocated, aside.allocated]).toEqual([2, false, true]);
    expect([s.memcg.memory.usage, other.memory.usage]).toEqual([0, 1]);
  });

  it("keeps what somebody has locked, references or waits for", () => {
    const s = small("6.1", [{}, {}, {}]);
    const [locked, referenced, free] = s.pages as [Page, Page, Page];
    const holder = s.kernel.spawn({ comm: "holder" }, lockAndKeep, [locked]);
    folioGet(referenced);
    const task = reclaimer(s);
    runAlone(s.kernel, holder);
    runAlone(s.kernel, task);
    expect(s.note.said).toBe(1);
    expect([locked.allocated, referenced.allocated, free.allocated]).toEqual([true, true, false]);
    expect([locked.refs, referenced.refs, referenced.lockedBy]).toEqual([0, 1, undefined]);
    expect([listOf(locked), listOf(referenced)]).toEqual(["inactive_file", "inactive_file"]);
  });

  it("marks dirty pages and leaves them where they are up to 4.10, activates them from 4.11 on", () => {
    const where = (release: string): unknown[] => {
      const s = small(release, [{}, {}]);
      s.pages[0]!.dirty = true;
      runAlone(s.kernel, reclaimer(s));
      return [s.note.said, s.pages[0]!.reclaim, s.pages[0]!.active];
    };
    expect(where("4.10")).toEqual([1, true, false]);
    expect(where("4.11")).toEqual([1, true, true]);
    expect(where("6.1")).toEqual([1, true, true]);
  });

  it("gives the last priorities only what size >> priority leaves, but scans all of a small memcg up to 4.11", () => {
    const steps = (release: string): number => {
      const s = small(release, [{}, {}]);
      for (const page of s.pages) page.dirty = true;
      return runAlone(s.kernel, reclaimer(s));
    };
    expect(steps("4.11")).toBeGreaterThan(3 * steps("4.12"));
  });

  it("deactivates while inactive pages are the fewer, and frees in the passes that follow", () => {
    for (const release of ["5.4", "5.5", "6.1"]) {
      const s = small(release, [{ active: true }, { active: true }]);
      runAlone(s.kernel, reclaimer(s));
      // priority 1 deactivates one, priority 0 frees it
      expect([release, s.note.said, s.memcg.memory.usage]).toEqual([release, 1, 1]);
    }
  });

  it("gives up the balance of lists in a second round when the first found nothing (5.5)", () => {
    const lists = (release: string): unknown[] => {
      const s = small(release, [{ active: true }, {}], {}, { priority: 0 });
      s.pages[1]!.dirty = true;
      runAlone(s.kernel, reclaimer(s));
      return [s.note.said, listOf(s.pages[0]!), s.pages[0]!.allocated];
    };
    // 5.4 looks at the list itself, which the activation of the dirty page has emptied
    expect(lists("5.4")).toEqual([0, "inactive_file", true]);
    expect(lists("6.1")).toEqual([0, "inactive_file", true]);
  });

  it("keeps a page that a page table used, once", () => {
    const s = small("6.1", [{}]);
    const page = s.pages[0]!;
    page.pteYoung = true;
    page.mapCount = 1;
    runAlone(s.kernel, reclaimer(s));
    expect([page.allocated, page.pteYoung, page.referenced]).toEqual([true, false, true]);
  });

  it("leaves anonymous pages alone: there is no swap", () => {
    const s = small("6.1", [{ anon: true }, {}]);
    runAlone(s.kernel, reclaimer(s));
    expect([s.note.said, s.pages[0]!.allocated, s.memcg.memory.usage]).toEqual([1, true, 1]);
  });

  it("works with many at once, and conserves charges, lists and references", () => {
    for (const release of ["4.7", "4.20", "6.1"]) {
      for (let seed = 0; seed < 30; seed++) {
        const s = small(release, [{}, {}, {}, {}]);
        s.pages[1]!.dirty = true;
        reclaimer(s);
        const other = create(Note);
        s.kernel.spawn({ comm: "second", memcg: s.memcg }, reclaim, [s.memcg, GFP_KERNEL, other]);
        s.kernel.spawn({ comm: "locker" }, lockAWhile, [s.pages[2]]);
        runRandomly(s.kernel, seed);
        const left = s.pages.filter((p) => p.allocated);
        expect((s.note.said as number) + (other.said as number)).toBe(4 - left.length);
        expect(s.memcg.memory.usage).toBe(left.length);
        expect([...s.mapping.pages]).toEqual(left);
        for (const page of left)
          expect([page.refs, page.lockedBy, page.lru?.pages.includes(page)]).toEqual([0, undefined, true]);
        expect(left).toContain(s.pages[1]);
      }
    }
  });
});

describe("pages under writeback", () => {
  const written = (reclaimMark: boolean): readonly BootPage[] => [{ reclaim: reclaimMark }];
  const run = (
    release: string,
    mark: boolean,
    given: { gfp?: number; flags?: number; config?: Partial<Omit<KernelConfig, "era">> } = {},
  ): { readonly waits: string | undefined; readonly s: Small; readonly task: Task } => {
    const s = small(release, written(mark), given.config, { priority: 0 });
    s.pages[0]!.writeback = true;
    const task = reclaimer(s, given.gfp, given.flags);
    runAlone(s.kernel, task);
    const obstacle = obstacleOf(s.kernel, task);
    return {
      waits: obstacle?.kind === "wait" ? `${obstacle.wait.verb} ${obstacle.wait.resource.class}` : undefined,
      s,
      task,
    };
  };

  it.each(["4.4", "4.7", "4.20", "5.15", "6.1", "6.12"])(
    "are waited for in %s: a v1 group, FS, seen before",
    (release) => {
      const { waits, s, task } = run(release, true);
      expect(waits).toBe("end_writeback PG_writeback");
      expect(s.pages[0]!.lockedBy).toBeUndefined();
      expect(s.pages[0]!.refs).toBe(1);
      s.pages[0]!.writeback = false;
      runAlone(s.kernel, task);
      expect([s.note.said, s.memcg.memory.usage]).toEqual([1, 0]);
    },
  );

  it("are marked at the first meeting, and not waited for", () => {
    const { waits, s } = run("4.20", false);
    expect([waits, s.pages[0]!.reclaim, s.note.said]).toEqual([undefined, true, 0]);
  });

  it("are not waited for without FS: by the mask, or by a scope from 4.12 on", () => {
    expect(run("4.20", true, { gfp: GFP_NOFS }).waits).toBeUndefined();
    expect(run("4.20", true, { flags: PF_MEMALLOC_NOFS }).waits).toBeUndefined();
    expect(run("4.11", true, { flags: PF_MEMALLOC_NOFS }).waits).toBeDefined();
  });

  it("are not waited for in v2, which throttles who dirties", () => {
    expect(run("4.20", true, { config: { cgroup: "v2" } }).waits).toBeUndefined();
  });

  it("are not waited for where the mapping says that it may deadlock (6.16)", () => {
    const waits = (release: string): unknown => {
      const s = small(release, [{ reclaim: true }], {}, { priority: 0 });
      s.mapping.writebackMayDeadlock = true;
      s.pages[0]!.writeback = true;
      const task = reclaimer(s);
      runAlone(s.kernel, task);
      return obstacleOf(s.kernel, task)?.kind;
    };
    expect([waits("6.12"), waits("6.16")]).toEqual(["wait", undefined]);
  });

  it("depend on each of three steps, as an experiment shows", () => {
    const hack = (name: string) => ({ config: { hacks: [name] } });
    expect(run("4.20", true, { gfp: GFP_NOFS, ...hack("no-fs-test") }).waits).toBeDefined();
    expect(run("4.20", true, hack("no-legacy-test")).waits).toBeUndefined();
    expect(run("4.20", false, hack("no-set-page-reclaim")).s.pages[0]!.reclaim).toBe(false);
  });

  it("hold up a reclaimer with everything it has freed and isolated in its hands", () => {
    const s = small("4.20", [{}, { reclaim: true }, {}], {}, { priority: 0 });
    s.pages[1]!.writeback = true;
    const task = reclaimer(s);
    runAlone(s.kernel, task);
    expect(obstacleOf(s.kernel, task)?.kind).toBe("wait");
    // the first is out of the cache but still charged; the third is on no list
    expect([s.mapping.pages.length, s.memcg.memory.usage, s.pages[2]!.lru]).toEqual([2, 3, undefined]);
  });
});

describe("protection in v2", () => {
  it("spares memory.min always and memory.low in a first round", () => {
    const left = (limits: { min?: number; low?: number }): number => {
      const kernel = testKernel("6.1", { cgroup: "v2" });
      bootMm(kernel);
      const parent = createMemcg(kernel, "/a", undefined, { max: 8 });
      const child = createMemcg(kernel, "/a/b", parent, limits);
      const mapping = create(AddressSpace, { treeLock: create(SpinLock, { lockClass: "i_pages" }) });
      const note = create(Note);
      for (const index of [0, 1]) bootPage(kernel, { memcg: child, mapping, index });
      const task = kernel.spawn({ comm: "reclaimer", memcg: parent }, reclaim, [parent, GFP_KERNEL, note]);
      runAlone(kernel, task);
      return child.memory.usage;
    };
    expect([left({}), left({ min: 2 }), left({ low: 2 })]).toEqual([0, 2, 0]);
  });
});
