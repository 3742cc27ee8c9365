import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { collectEvidence } from "../collect.ts";
import { textInput } from "../inputs.ts";
import type { Format } from "../reader.ts";
import type { Sample } from "../types.ts";
import { diskstats } from "./diskstats.ts";
import { meminfo } from "./meminfo.ts";
import { memoryStat } from "./memory-stat.ts";
import { pressure } from "./pressure.ts";
import { sched } from "./sched.ts";
import { vmstat } from "./vmstat.ts";

const COUNTERS = [diskstats, memoryStat, meminfo, vmstat, pressure, sched];

function sampleFile(name: string): string {
  return readFileSync(new URL(`./samples/${name}`, import.meta.url), "utf8");
}

async function read(text: string, formats: readonly Format[] = COUNTERS): Promise<readonly Sample[]> {
  const e = await collectEvidence([textInput("log", text)], { formats });
  return [...e.samples].sort((a, b) => a.line - b.line);
}

describe("diskstats", () => {
  it("reads 14, 18 and 20 field lines", async () => {
    const samples = await read(
      [
        "   8       0 sda 1 2 3 4 5 6 7 8 9 10 11",
        " 259       0 nvme0n1 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15",
        " 254       0 vda 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17",
      ].join("\n"),
    );
    expect(samples.map((s) => [s.key, Object.keys(s.values).length])).toEqual([
      ["sda", 11],
      ["nvme0n1", 15],
      ["vda", 17],
    ]);
    expect(samples[0]!.values).toEqual({
      reads_completed: 1,
      reads_merged: 2,
      sectors_read: 3,
      ms_reading: 4,
      writes_completed: 5,
      writes_merged: 6,
      sectors_written: 7,
      ms_writing: 8,
      in_flight: 9,
      ms_io: 10,
      ms_weighted: 11,
    });
    expect(samples[2]!.values).toMatchObject({
      discards_completed: 12,
      ms_discarding: 15,
      flushes_completed: 16,
      ms_flushing: 17,
    });
  });

  it("does not take other lines of words and numbers", async () => {
    const lines = [
      "254 0 vda 1 2 3",
      "254 0 123 1 2 3 4 5 6 7 8 9 10 11",
      "vda 254 0 1 2 3 4 5 6 7 8 9 10 11 12",
      "1 init 1962921061 128994841 965 1 2 3 4 5 6 7 8",
      "254 0 vda 1 2 3 4 5 6 7 8 9 10 NaN",
      "254 0 vda 1 2 3 4 5 6 7 8 9 10 11 rw",
      "254 0 vda 1.5 2 3 4 5 6 7 8 9 10 11 12",
    ];
    expect(await read(lines.join("\n"), [diskstats])).toEqual([]);
  });

  it("keeps negative and huge numbers finite", async () => {
    const [s] = await read(`8 0 sda 1 2 3 4 5 6 7 8 -1 ${"9".repeat(25)} 11`);
    expect(s!.values.in_flight).toBe(-1);
    expect(Number.isFinite(s!.values.ms_io)).toBe(true);
    expect(await read(`8 0 sda 1 2 3 4 5 6 7 8 9 ${"9".repeat(400)} 11`)).toEqual([]);
  });
});

describe("a round of mixed counters", () => {
  it("gives each reader its lines and all of them the section's time", async () => {
    const samples = await read(sampleFile("rates.txt"));
    expect(samples.map((s) => `${s.time} ${s.source} ${s.key}`)).toEqual(
      ["31.63", "37.86", "42.91"].flatMap((t) => [
        `${t} diskstats vda`,
        `${t} diskstats dm-0`,
        `${t} vmstat vmstat`,
        `${t} pressure pressure.1`,
        `${t} pressure pressure.2`,
      ]),
    );
    expect(samples.filter((s) => s.key === "dm-0").map((s) => s.values.sectors_read)).toEqual([4960, 18272, 30576]);
    expect(samples[2]!.values).toEqual({ nr_writeback: 0, nr_vmscan_write: 42040, nr_dirtied: 1, nr_written: 42041 });
    expect(samples[3]!.values).toMatchObject({ some_avg10: 72.75, some_total: 24360128, full_total: 20360334 });
  });

  it("does not lend a time to another input", async () => {
    const e = await collectEvidence([textInput("a", "== t=31.63\nnr_dirtied 1"), textInput("b", "nr_dirtied 2")], {
      formats: COUNTERS,
    });
    expect(e.samples.map((s) => s.time)).toEqual([31.63, undefined]);
  });

  it("prefers the printk time of the line itself", async () => {
    const [s] = await read("== t=31.63\n[   12.500000]  254       0 vda 1 2 3 4 5 6 7 8 9 10 11");
    expect(s!.time).toBe(12.5);
  });

  it("leaves other lines of equal signs alone", async () => {
    const e = await collectEvidence([textInput("a", "== 62 fsyncer0 folio_wait_bit_common\n======\n== t=x")], {
      formats: COUNTERS,
    });
    expect(e.unparsed.count).toBe(3);
  });
});

describe("memory cgroup files", () => {
  it("reads the lab's v1 collection", async () => {
    const samples = await read(sampleFile("memcg-v1.txt"));
    expect(samples.map((s) => [s.source, s.key, s.time])).toEqual([
      ["memcg", "memory", 7.89],
      ["memory.stat", "memory.stat", 7.89],
      ["memcg", "memory", 13.07],
      ["memory.stat", "memory.stat", 13.07],
    ]);
    expect(samples[0]!.values).toEqual({
      "memory.usage_in_bytes": 12128256,
      "memory.limit_in_bytes": 12582912,
      "memory.failcnt": 41,
      "memory.max_usage_in_bytes": 12582912,
      "memory.kmem.usage_in_bytes": 2416640,
      "memory.oom_control.oom_kill_disable": 0,
      "memory.oom_control.under_oom": 0,
      "memory.oom_control.oom_kill": 0,
    });
    expect(samples[1]!.values).toMatchObject({
      dirty: 8957952,
      total_writeback: 0,
      pgpgin: 2477,
      total_unevictable: 0,
    });
    expect(samples[1]!.values.hierarchical_memsw_limit).toBeGreaterThan(9e18);
  });

  it.each([
    [
      "head",
      "==> /sys/fs/cgroup/a/memory.current <==\n31166464\n\n==> /sys/fs/cgroup/a/memory.max <==\nmax\n\n==> /sys/fs/cgroup/a/memory.events <==\nlow 0\nhigh 69\nmax 36\noom 1\noom_kill 1",
    ],
    [
      "grep .",
      "/sys/fs/cgroup/a/memory.current:31166464\n/sys/fs/cgroup/a/memory.max:max\n/sys/fs/cgroup/a/memory.events:low 0\n/sys/fs/cgroup/a/memory.events:high 69\n/sys/fs/cgroup/a/memory.events:max 36\n/sys/fs/cgroup/a/memory.events:oom 1\n/sys/fs/cgroup/a/memory.events:oom_kill 1",
    ],
    [
      "cat",
      "# cat /sys/fs/cgroup/a/memory.current\n31166464\n# cat /sys/fs/cgroup/a/memory.max\nmax\n# cat /sys/fs/cgroup/a/memory.events\nlow 0\nhigh 69\nmax 36\noom 1\noom_kill 1",
    ],
  ])("reads v2 files as %s prints them", async (_, text) => {
    const samples = await read(text);
    expect(samples).toHaveLength(1);
    expect(samples[0]!.key).toBe("/sys/fs/cgroup/a");
    expect(samples[0]!.values).toEqual({
      "memory.current": 31166464,
      "memory.events.low": 0,
      "memory.events.high": 69,
      "memory.events.max": 36,
      "memory.events.oom": 1,
      "memory.events.oom_kill": 1,
    });
  });

  it("knows a bare memory.stat by its first line", async () => {
    const samples = await read(
      "anon 4096\nfile 30978048\nkernel 184320\nfile_dirty 0\nfile_writeback 3346432\npgscan 5238\n\ntext\n",
    );
    expect(samples).toHaveLength(1);
    expect(samples[0]).toMatchObject({
      source: "memory.stat",
      line: 1,
      values: { file_writeback: 3346432, pgscan: 5238 },
    });
  });

  it("takes no running text and no lone key", async () => {
    const e = await collectEvidence(
      [
        textInput(
          "a",
          "the memory.max of the group was 5\nwe set memory.high to 10G\npgfault 3\nfoo 12\nmemory.c:123 warn",
        ),
      ],
      { formats: COUNTERS },
    );
    expect(e.samples).toEqual([]);
    expect(e.unparsed.count).toBe(5);
  });

  it("survives a key named like the prototype", async () => {
    const [s] = await read("anon 1\nfile 2\nconstructor 3\n__proto__ 4");
    expect(s!.values.constructor).toBe(3);
    expect(Object.keys(s!.values)).toEqual(["anon", "file", "constructor"]);
  });
});

describe("vmstat and meminfo", () => {
  it("reads whole files", async () => {
    const [v, ...moreV] = await read(sampleFile("vmstat.txt"));
    expect(moreV).toEqual([]);
    expect(v).toMatchObject({
      source: "vmstat",
      line: 3,
      values: { nr_free_pages: 238469, nr_zone_write_pending: 3699 },
    });
    const [m, ...moreM] = await read(sampleFile("meminfo.txt"));
    expect(moreM).toEqual([]);
    expect(m).toMatchObject({
      source: "meminfo",
      values: { MemTotal: 1005332, Dirty: 12004, Writeback: 2792, "Active(anon)": 1712 },
    });
  });

  it("begins a second sample when a counter comes again", async () => {
    const samples = await read("nr_dirtied 1\nnr_written 2\nnr_dirtied 5\nnr_written 6");
    expect(samples.map((s) => s.values)).toEqual([
      { nr_dirtied: 1, nr_written: 2 },
      { nr_dirtied: 5, nr_written: 6 },
    ]);
  });

  it("refuses values that are no numbers", async () => {
    expect(await read("nr_dirtied NaN\nnr_written 0x10\nnr_dirty 1e9\nMemTotal: many kB\nMemFree: -1 kB")).toEqual([]);
  });
});

describe("pressure", () => {
  it("names the resource where the collection does", async () => {
    const some = "some avg10=1.00 avg60=2.00 avg300=3.00 total=4";
    const full = "full avg10=0.50 avg60=0.40 avg300=0.30 total=2";
    const samples = await read(
      `== /proc/pressure/io\n${some}\n${full}\n-- memory.pressure\n${some}\n/proc/pressure/cpu:${some}`,
    );
    expect(samples.map((s) => [s.key, Object.keys(s.values).length])).toEqual([
      ["io", 8],
      ["memory", 4],
      ["cpu", 4],
    ]);
  });
});

describe("sched", () => {
  it("reads names with blanks, colons and slashes", async () => {
    const samples = await read(
      `${sampleFile("ctxt.txt")}\n77 CPU 0/KVM x 1 2 3 voluntary_ctxt_switches: 4 nonvoluntary_ctxt_switches: 5`,
    );
    expect(samples.map((s) => s.key)).toEqual(["1", "14", "23", "58", "62", "63", "77"]);
    expect(samples[0]!.values).toEqual({
      run_ns: 1962921061,
      wait_ns: 128994841,
      timeslices: 965,
      voluntary_ctxt_switches: 296,
      nonvoluntary_ctxt_switches: 672,
    });
    expect(samples.at(-1)!.values.voluntary_ctxt_switches).toBe(4);
  });
});
