import { expect, test } from "vitest";
import { readSteps, stepCounters } from "./steps.ts";

const v2 = `== step s1_anon50_max30_noswap
what: 50M anon, memory.max 30M, no swap
rc: 137
began: 10.20
ended: 11.23
-- memory.current
12288
-- memory.max
31457280
-- memory.high
max
-- memory.swap.current
0
-- memory.events
low 0
high 0
max 36
oom 1
oom_kill 1
-- memory.stat
anon 0
pgfault 7672
-- memory.pressure
some avg10=0.00 avg60=0.00 avg300=0.00 total=0
`;
const v1 = `== step v1_oomdis_after
what: OOM killer disabled
rc: running
began: 1.00
ended: 6.02
-- memory.usage_in_bytes
31457280
-- memory.failcnt
43
-- memory.kmem.usage_in_bytes
114688
-- memory.oom_control
oom_kill_disable 1
under_oom 1
`;

test("steps of both versions", () => {
  expect(readSteps(`noise\n${v2}${v1}`)).toEqual([
    {
      step: "s1_anon50_max30_noswap",
      what: "50M anon, memory.max 30M, no swap",
      rc: "137",
      seconds: 1.03,
      "memory.current": 12288,
      "memory.max": "31457280",
      "memory.high": "max",
      "memory.swap.current": 0,
      events: { low: 0, high: 0, max: 36, oom: 1, oom_kill: 1 },
      stat: { anon: 0, pgfault: 7672 },
    },
    {
      step: "v1_oomdis_after",
      what: "OOM killer disabled",
      rc: "running",
      seconds: 5.02,
      usage_in_bytes: 31457280,
      failcnt: 43,
      "kmem.usage_in_bytes": 114688,
      oom_control: "oom_kill_disable 1 under_oom 1",
    },
  ]);
});

test("their numbers, flat, for the spread", () => {
  const counters = stepCounters(readSteps(v1));
  expect(counters["v1_oomdis_after.failcnt"]).toBe(43);
  expect(stepCounters(readSteps(v2))["s1_anon50_max30_noswap.events.max"]).toBe(36);
  expect(counters["v1_oomdis_after.seconds"]).toBe(5.02);
  expect(Object.keys(counters).some((k) => k.endsWith(".rc"))).toBe(false);
});

test("no steps, nothing", () => {
  expect(readSteps("")).toEqual([]);
});
