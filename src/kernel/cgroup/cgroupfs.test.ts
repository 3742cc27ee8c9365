import { describe, expect, it } from "vitest";
import { create, Entity, fields, type Resumable, value } from "../../resumable/index.ts";
import { SpinLock } from "../locking/spinlock.ts";
import { bootPage } from "../mm/boot-pages.ts";
import { PAGE_COUNTER_MAX } from "../mm/memcg-types.ts";
import { bootMm } from "../mm/mm.ts";
import { AddressSpace } from "../mm/page.ts";
import type { Kernel, KernelConfig } from "../sched/kernel.ts";
import { runAlone, testKernel } from "../sched/testing.ts";
import { mkdir, readFile, writeFile } from "./cgroupfs.ts";
import { pageCounterMemparse } from "./errno.ts";

class Note extends Entity {
  declare said: unknown;
  static {
    fields(Note, { said: value });
  }
}
function* shell(commands: readonly (readonly [path: string, text: string])[], note: Note, path: string): Resumable {
  for (const [file, text] of commands) note.said = yield* writeFile(file, text);
  if (path !== "") note.said = yield* readFile(path);
}

function boot(release: string, config: Partial<Omit<KernelConfig, "era">> = {}): Kernel {
  const kernel = testKernel(release, config);
  bootMm(kernel, {});
  return kernel;
}
/** Runs `echo text > file` for each, then `cat path`; what it said last. */
function sh(kernel: Kernel, commands: readonly (readonly [string, string])[], path = ""): unknown {
  const note = create(Note);
  const frozen = Object.freeze(commands.map((c) => Object.freeze([...c])));
  runAlone(kernel, kernel.spawn({ comm: "sh" }, shell, [frozen, note, path]));
  return note.said;
}
function cache(kernel: Kernel, path: string, pages: number, dirty = false): void {
  const memcg = mkdir(kernel, path);
  const mapping = create(AddressSpace, { treeLock: create(SpinLock, { lockClass: "i_pages" }) });
  for (let index = 0; index < pages; index++) bootPage(kernel, { memcg, mapping, index }).dirty = dirty;
}

describe("sizes", () => {
  it.each([
    ["max", PAGE_COUNTER_MAX],
    ["-1", undefined],
    ["0x1000", 1],
    ["010000", 1],
    ["1T", 268435456],
    ["1P", PAGE_COUNTER_MAX],
    ["K", 0],
    ["4Kb", undefined],
    ["0", 0],
    ["4096", 1],
    ["8191", 1],
    ["64K", 16],
    ["1m\n", 256],
    ["1G", 262144],
    ["9223372036854771712", PAGE_COUNTER_MAX],
    ["4 pages", undefined],
    ["", 0],
    ["-2", undefined],
  ])("%j is %s pages", (text, pages) => {
    expect(pageCounterMemparse(text, "max")).toBe(pages);
  });

  it("knows one word for no limit", () => {
    expect([pageCounterMemparse("-1", "-1"), pageCounterMemparse("max", "-1")]).toEqual([PAGE_COUNTER_MAX, undefined]);
  });
});

describe("cgroup v1", () => {
  it("makes directories with their parents, once", () => {
    const kernel = boot("4.16");
    const b = mkdir(kernel, "/a/b", { max: 3 });
    expect([b.path, b.parent?.path, b.parent?.parent?.path]).toEqual(["/a/b", "/a", "/"]);
    expect(mkdir(kernel, "/a/b")).toBe(b);
    expect(mkdir(kernel, "/a")).toBe(b.parent);
  });

  it("reads what it wrote, in the kernel's form", () => {
    const limit = "/sys/fs/cgroup/memory/a/memory.limit_in_bytes";
    const kernel = boot("4.16");
    mkdir(kernel, "/a");
    expect(sh(kernel, [[limit, "64K"]], limit)).toBe("65536\n");
    const unlimited = boot("4.16");
    mkdir(unlimited, "/a");
    expect(sh(unlimited, [], limit)).toBe("9223372036854771712\n");
  });

  it("reclaims what a lower limit needs, one page at a time", () => {
    const kernel = boot("4.16");
    cache(kernel, "/a", 3);
    expect(sh(kernel, [["/a/memory.limit_in_bytes", "4096"]], "/a/memory.usage_in_bytes")).toBe("0\n");
    const dirty = boot("4.16");
    cache(dirty, "/a", 3, true);
    expect(sh(dirty, [["/a/memory.limit_in_bytes", "4096"]])).toBe("EBUSY");
    expect(mkdir(dirty, "/a").memory.max).toBe(PAGE_COUNTER_MAX);
  });

  it("keeps memory below memory and swap", () => {
    const kernel = boot("4.16");
    mkdir(kernel, "/a", { max: 4, memswMax: 8 });
    expect(sh(kernel, [["/a/memory.limit_in_bytes", "64K"]])).toBe("EINVAL");
    const other = boot("4.16");
    mkdir(other, "/a", { max: 4, memswMax: 8 });
    expect(sh(other, [["/a/memory.memsw.limit_in_bytes", "4096"]])).toBe("EINVAL");
  });

  it("moves a task, and knows who is where", () => {
    const kernel = boot("4.16");
    const a = mkdir(kernel, "/a");
    mkdir(kernel, "/b");
    const task = kernel.spawn({ comm: "sleep", memcg: a }, shell, [Object.freeze([]), create(Note), ""]);
    expect(sh(kernel, [["/b/cgroup.procs", String(task.pid)]], "/b/cgroup.procs")).toBe(`${task.pid}\n`);
    expect([task.memcg?.path, [...a.tasks]]).toEqual(["/b", []]);
  });

  it("turns charge moving on, unless the release has none any more", () => {
    const knob = "/a/memory.move_charge_at_immigrate";
    const write = (release: string, text: string): unknown => {
      const kernel = boot(release);
      mkdir(kernel, "/a");
      return [sh(kernel, [[knob, text]]), mkdir(kernel, "/a").moveChargeAtImmigrate];
    };
    expect([write("4.16", "3"), write("4.16", "4"), write("6.18", "1"), write("6.18", "0")]).toEqual([
      ["ok", 3],
      ["EINVAL", 0],
      ["EINVAL", 0],
      ["ok", 0],
    ]);
  });

  it("shows pages by state", () => {
    const kernel = boot("4.16");
    cache(kernel, "/a/b", 2, true);
    bootPage(kernel, { memcg: mkdir(kernel, "/a"), anon: true });
    const text = sh(kernel, [], "/a/memory.stat");
    for (const line of ["cache 0", "rss 4096", "dirty 0", "inactive_anon 4096", "total_cache 8192", "total_rss 4096"])
      expect(String(text).split("\n")).toContain(line);
    for (const line of ["total_dirty 8192", "total_writeback 0", "total_inactive_file 8192", "total_active_file 0"])
      expect(String(text).split("\n")).toContain(line);
  });

  it("says no to what is not there", () => {
    const kernel = boot("4.16");
    mkdir(kernel, "/a");
    expect(sh(kernel, [["/x/memory.limit_in_bytes", "1"]])).toBe("ENOENT");
    const more = boot("4.16");
    mkdir(more, "/a");
    expect(sh(more, [["/a/memory.max", "1"]])).toBe("ENOENT");
    const procs = boot("4.16");
    mkdir(procs, "/a");
    expect(sh(procs, [["/a/cgroup.procs", "1"]])).toBe("ESRCH");
  });

  it("empties a group by force", () => {
    const kernel = boot("4.16");
    cache(kernel, "/a", 3);
    expect(sh(kernel, [["/a/memory.force_empty", "0"]], "/a/memory.usage_in_bytes")).toBe("0\n");
  });
});

describe("cgroup v2", () => {
  const v2 = { cgroup: "v2" } as const;

  it("has the same under other names", () => {
    const kernel = boot("6.1", v2);
    cache(kernel, "/a", 2);
    const limits: readonly (readonly [string, string])[] = [
      ["/a/memory.min", "4K"],
      ["/a/memory.low", "8K"],
      ["/a/memory.high", "1M"],
    ];
    expect(sh(kernel, limits, "/a/memory.current")).toBe("8192\n");
    const a = mkdir(kernel, "/a");
    expect([a.memory.min, a.memory.low, a.memory.high, a.memory.max]).toEqual([1, 2, 256, PAGE_COUNTER_MAX]);
  });

  it("brings usage below memory.max by reclaim, then by killing, and counts it", () => {
    const kernel = boot("6.1", v2);
    cache(kernel, "/a", 3);
    expect(sh(kernel, [["/a/memory.max", "4096"]], "/a/memory.current")).toBe("0\n");
    const dirty = boot("6.1", v2);
    cache(dirty, "/a", 3, true);
    expect(sh(dirty, [["/a/memory.max", "4096"]], "/a/memory.events")).toBe(
      "low 0\nhigh 0\nmax 0\noom 1\noom_kill 0\noom_group_kill 0\n",
    );
    expect(mkdir(dirty, "/a").memory.max).toBe(1);
  });

  it("prints max for no limit", () => {
    const kernel = boot("6.1", v2);
    mkdir(kernel, "/a");
    expect(sh(kernel, [], "/a/memory.max")).toBe("max\n");
  });
});
