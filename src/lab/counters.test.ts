import { expect, test } from "vitest";
import { diskSamples, groupCounters, namedNumbers, samplesOf, standstill } from "./counters.ts";

const disk = (rows: readonly (readonly [seconds: number, writes: number, sectors: number])[]): string =>
  rows.map(([t, w, s]) => `== t=${t}\n254 0 vda 10 1 82 12 ${w} 148 ${s} 5021 0 820 5046 0 0 0 0 7 13\n`).join("");

test("samples are what stands below a title", () => {
  expect(samplesOf("before\n== t=7.89\na 1\n\nb 2\n== t=9\nc 3\n")).toEqual([
    { seconds: 7.89, lines: ["a 1", "b 2"] },
    { seconds: 9, lines: ["c 3"] },
  ]);
});

test("counters of a group: single numbers, named numbers, no texts", () => {
  const lines = [
    ...["-- memory.usage_in_bytes", "12128256", "-- memory.high", "max", "-- memory.oom_control"],
    ...["oom_kill_disable 0", "under_oom 0", "-- memory.stat", "cache 4096", "anon_thp 0"],
    "-- memory.pressure",
    "some avg10=0.00 avg60=0.00 avg300=0.00 total=0",
  ];
  expect(groupCounters(lines)).toEqual({
    "memory.usage_in_bytes": 12128256,
    "memory.oom_control.oom_kill_disable": 0,
    "memory.oom_control.under_oom": 0,
    "memory.stat.cache": 4096,
    "memory.stat.anon_thp": 0,
  });
});

test("lines that are no name and whole number are left out", () => {
  expect(namedNumbers(["a 1", "b", "c 1 2", "d 1.5", "e -3", " "])).toEqual({ a: 1, e: -3 });
});

test("disk samples; a row cut off is none", () => {
  expect(diskSamples(`${disk([[1.5, 28, 2248]])}== t=2\n254 0 vda 10\n`)).toEqual([
    { seconds: 1.5, writes: 28, sectorsWritten: 2248 },
  ]);
});

test("a standstill begins with the last write done", () => {
  const rows = diskSamples(
    disk([
      [1, 1, 8],
      [5, 3, 24],
      [6, 4, 32],
      [7, 4, 32],
      [20, 4, 32],
    ]),
  );
  expect(standstill(rows, 12)).toEqual({ lastWriteSeconds: 6, quietSeconds: 14 });
  expect(standstill(rows, 15)).toBeUndefined();
});

test("no standstill while something is written, nor when nothing ever was", () => {
  expect(
    standstill(
      diskSamples(
        disk([
          [1, 1, 8],
          [20, 1, 8],
          [21, 2, 16],
        ]),
      ),
      12,
    ),
  ).toBeUndefined();
  expect(
    standstill(
      diskSamples(
        disk([
          [1, 0, 0],
          [60, 0, 0],
        ]),
      ),
      12,
    ),
  ).toBeUndefined();
  expect(standstill([], 0)).toBeUndefined();
});
