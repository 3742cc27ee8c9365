import { describe, expect, test } from "vitest";
import { evidence } from "../../test/diagnose-worlds.ts";
import type { Sample } from "../evidence/types.ts";
import { progressOf } from "./progress.ts";

/** A series of samples of one source, a minute apart. */
const series = (source: Sample["source"], values: readonly Sample["values"][], key = "vda"): Sample[] =>
  values.map((v, i) => ({ source, input: 0, line: i + 1, time: i * 60, key, values: v }));
const of = (...samples: readonly Sample[][]) => progressOf(evidence({ samples: samples.flat() }));
const written = (...n: number[]) => n.map((sectors_written) => ({ sectors_written }));

describe("storage", () => {
  const storage = (...n: number[]) => of(series("diskstats", written(...n))).storage;
  test("unknown without two samples", () => {
    expect(storage()).toBe("unknown");
    expect(storage(5)).toBe("unknown");
  });
  test("advancing, still", () => {
    expect(storage(5, 6)).toBe("advancing");
    expect(storage(5, 5)).toBe("still");
  });
  test("the tail decides: a host that stalled after a good start is stuck", () => {
    expect(storage(1, 5, 9, 9, 9)).toBe("still");
    expect(storage(1, 1, 1, 9)).toBe("advancing");
    expect(storage(1, 5, 9, 9)).toBe("advancing");
  });
  test("a counter that falls is no progress: a new boot began to count", () => {
    expect(storage(900, 5)).toBe("unknown");
    expect(storage(900, 905, 5)).toBe("unknown");
    expect(storage(900, 5, 5)).toBe("still");
    expect(storage(900, 5, 6)).toBe("advancing");
    expect(of(series("diskstats", written(900, 5, 9))).facts[0]?.text).toContain("from 5 to 9 in 60 s");
    const both = [
      { sectors_written: 900, sectors_read: 3 },
      { sectors_written: 5, sectors_read: 400 },
    ];
    expect(of(series("diskstats", both)).storage).toBe("unknown");
  });
  test("any device that works is progress; each is a series of its own", () => {
    expect(of(series("diskstats", written(5, 5)), series("diskstats", written(7, 8), "vdb")).storage).toBe("advancing");
    expect(of(series("diskstats", written(7, 8), "vdb"), series("diskstats", written(5, 5))).storage).toBe("advancing");
    expect(of(series("diskstats", written(5)), series("diskstats", written(8), "vdb")).storage).toBe("unknown");
  });
  test.each(["sectors_read", "writes_completed", "reads_completed"])("%s is finished work", (key) => {
    expect(
      of(
        series("diskstats", [
          { [key]: 1, sectors_written: 3 },
          { [key]: 2, sectors_written: 3 },
        ]),
      ).storage,
    ).toBe("advancing");
  });
  test("time spent and requests in flight are not", () => {
    const v = (n: number) => ({ sectors_written: 3, ms_io: n, in_flight: n });
    expect(of(series("diskstats", [v(1), v(2)])).storage).toBe("still");
  });
  test("vmstat stands in for disks that were not sampled", () => {
    const vm = series("vmstat", [{ pgpgout: 1 }, { pgpgout: 2 }], "vmstat");
    expect(of(vm).storage).toBe("advancing");
    expect(of(vm, series("diskstats", written(5, 5))).storage).toBe("still");
    expect(of(series("vmstat", [{ nr_free_pages: 1 }, { nr_free_pages: 2 }])).storage).toBe("unknown");
  });
});

describe("memory", () => {
  test("faults and charges are progress; failcnt is not: retries raise it too", () => {
    expect(of(series("memory.stat", [{ pgfault: 1 }, { pgfault: 2 }])).memory).toBe("advancing");
    expect(
      of(
        series("memory.stat", [
          { pgpgin: 4, cache: 1 },
          { pgpgin: 4, cache: 2 },
        ]),
      ).memory,
    ).toBe("still");
    expect(of(series("memcg", [{ "memory.failcnt": 1 }, { "memory.failcnt": 900 }])).memory).toBe("unknown");
  });
  test("the group's counters say nothing of storage, nor the disk's of memory", () => {
    const p = of(series("memory.stat", [{ pgfault: 1 }, { pgfault: 2 }]));
    expect([p.storage, p.memory]).toEqual(["unknown", "advancing"]);
  });
  test("pages under writeback, as last sampled", () => {
    expect(of(series("memory.stat", [{ total_writeback: 0 }, { total_writeback: 3346432 }])).writebackPages).toBe(817);
    expect(of(series("memory.stat", [{ file_writeback: 4096 }, { file_writeback: 8192 }])).writebackPages).toBe(2);
    expect(of().writebackPages).toBeUndefined();
  });
});

describe("requests in flight", () => {
  const disk = (...v: readonly [flight: number, sectors: number][]) =>
    of(
      series(
        "diskstats",
        v.map(([in_flight, sectors_written]) => ({ in_flight, sectors_written })),
      ),
    ).ioStuck;
  test("and nothing completes, at the end", () => {
    expect(disk([2, 5], [2, 5])).toBe(true);
    expect(disk([2, 1], [2, 5], [2, 5])).toBe(true);
    expect(disk([2, 5], [2, 6])).toBe(false);
    expect(disk([2, 5], [0, 5])).toBe(false);
    expect(disk([2, 5])).toBe(false);
  });
});

test("facts name the counter, its values, the time between and the lines", () => {
  expect(of(series("diskstats", written(1, 5, 9, 9))).facts).toEqual([
    {
      text: "disk vda: sectors_written went from 5 to 9 in 120 s",
      lines: [
        { input: 0, line: 2 },
        { input: 0, line: 4 },
      ],
    },
  ]);
  expect(of(series("memory.stat", [{ pgfault: 7 }, { pgfault: 7 }], "/a")).facts[0]?.text).toBe(
    "/a: pgfault stayed at 7 in 60 s",
  );
  const clockless = series("diskstats", written(5, 5)).map(({ time: _, ...s }) => s);
  expect(of(clockless).facts[0]?.text).toBe("disk vda: sectors_written stayed at 5 over the last 2 samples");
});
