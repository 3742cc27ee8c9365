import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { collectEvidence } from "../collect.ts";
import { type EvidenceInput, textInput } from "../inputs.ts";
import type { Format } from "../reader.ts";
import type { Evidence } from "../types.ts";
import { deviceTrouble } from "./device-trouble.ts";
import { diskstats } from "./diskstats.ts";
import { lockdepLocks } from "./lockdep-locks.ts";
import { lockdepSplat } from "./lockdep-splat.ts";
import { lockup } from "./lockup.ts";
import { meminfo } from "./meminfo.ts";
import { memoryStat } from "./memory-stat.ts";
import { oom } from "./oom.ts";
import { pageCounter } from "./page-counter.ts";
import { pressure } from "./pressure.ts";
import { ps } from "./ps.ts";
import { scanControl } from "./scan-control.ts";
import { sched } from "./sched.ts";
import { vmstat } from "./vmstat.ts";
import { workqueue } from "./workqueue.ts";

const ALL: readonly Format[] = [
  lockdepSplat,
  lockdepLocks,
  oom,
  lockup,
  workqueue,
  deviceTrouble,
  scanControl,
  pageCounter,
  ps,
  diskstats,
  memoryStat,
  meminfo,
  vmstat,
  pressure,
  sched,
];
const OOM = [
  "stress invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0",
  "memory: usage 30720kB, limit 30720kB, failcnt 36",
  "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/a,task_memcg=/a/b,task=stress,pid=77,uid=0",
  "Memory cgroup out of memory: Killed process 77 (stress) total-vm:53248kB, anon-rss:29000kB",
].join("\n");

function sample(name: string): string {
  const text = readFileSync(new URL(`./samples/${name}`, import.meta.url), "utf8");
  return text.slice(text.indexOf("\n\n") + 2);
}
const LOGS = ["locks-2020", "locks-4x", "locks-inline", "splat-inconsistent", "trouble-sd", "lockup", "workqueue"].map(
  (n) => [n, sample(`${n}.txt`)] as const,
);
const FILES = ["memcg-v1", "rates", "ctxt", "meminfo", "vmstat", "debugger-values"].map(
  (n) => [n, sample(`${n}.txt`)] as const,
);
const EVERY = [...LOGS, ...FILES, ["oom", OOM] as const];

async function read(input: EvidenceInput): Promise<Evidence> {
  return await collectEvidence([input], { formats: ALL });
}

/** What was found, without line numbers and times, one line each. */
function found(e: Evidence): string[] {
  const { heldLocks, ooms, samples, troubles, lockups, workqueues, scanControls, splats } = e;
  return [heldLocks, ooms, samples, troubles, lockups, workqueues, scanControls, splats]
    .flatMap((list) => list as readonly unknown[])
    .map((x) => JSON.stringify(x, (k, v: unknown) => (k === "line" || k === "time" || k === "input" ? undefined : v)))
    .sort();
}
const plain = (text: string): string => text.replace(/^ *\[ *\d+\.\d+\](?:\[ *[TC]\d+\])? ?/gm, "");

describe.each(EVERY)("%s", (_, text) => {
  it("is the same in pieces, with CR line ends and under a printk time", async () => {
    const whole = found(await read(textInput("log", text)));
    expect(whole.length).toBeGreaterThan(0);
    const bytes = Buffer.from(text);
    for (const size of [1, 7, 1000]) {
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
        bytes.subarray(i * size, (i + 1) * size),
      );
      expect(found(await read({ name: "log", chunks }))).toEqual(whole);
    }
    expect(found(await read(textInput("log", text.replaceAll("\n", "\r\n"))))).toEqual(whole);
    expect(found(await read(textInput("log", `some text\n\n${text}\n\nmore text\n`)))).toEqual(whole);
  });

  it("gives a part of itself when it is cut", async () => {
    const whole = new Set(found(await read(textInput("log", text))));
    const lines = text.split("\n");
    const step = Math.max(1, Math.floor(lines.length / 6));
    for (let n = 0; n < lines.length; n += step) {
      const part = found(await read(textInput("log", lines.slice(0, n).join("\n"))));
      // The last record may be cut itself; all before it are complete.
      expect(part.filter((x) => !whole.has(x)).length).toBeLessThanOrEqual(2);
    }
  });

  it("never breaks, whatever happens to it", async () => {
    const hostile = [
      "9".repeat(400),
      "-1",
      "NaN",
      "1e308",
      "0x",
      "\0",
      "{",
      "}",
      "){",
      "#0:",
      "\n",
      "\u2028",
      "<script>",
      "(((((",
    ];
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(text.length), fc.constantFrom(...hostile), fc.nat(40)), {
          minLength: 1,
          maxLength: 12,
        }),
        async (edits) => {
          let t = text;
          for (const [at, put, drop] of edits) t = t.slice(0, at) + put + t.slice(at + drop);
          const e = await read(textInput("log", t));
          for (const s of e.samples) for (const v of Object.values(s.values)) expect(Number.isFinite(v)).toBe(true);
          for (const s of e.scanControls)
            for (const v of Object.values(s.values)) expect(Number.isFinite(v)).toBe(true);
          for (const l of e.lockups) expect(Number.isFinite(l.cpu ?? 0) && Number.isFinite(l.pid ?? 0)).toBe(true);
        },
      ),
      { numRuns: 40, seed: 20261121 },
    );
  });
});

describe("log prefixes", () => {
  it.each(LOGS)("do not matter: %s", async (name, text) => {
    // Mailers wrapped these: without their prefixes nobody can tell where a line goes on.
    if (name === "trouble-sd") return;
    expect(found(await read(textInput("log", plain(text))))).toEqual(found(await read(textInput("log", text))));
  });
});

describe("each format's own sample", () => {
  it.each(ALL.map((f) => [f.name, f] as const))("%s is known to its reader", async (_, format) => {
    const e = await collectEvidence([textInput("log", format.sample)], { formats: [format] });
    expect(e.unparsed.count).toBe(0);
    expect(new Set(ALL.map((f) => f.name)).size).toBe(ALL.length);
  });
});

describe("foreign lines", () => {
  it("stay foreign", async () => {
    const e = await read(
      textInput(
        "log",
        [
          "task:kworker/u8:1 state:D stack:0 pid:5 ppid:2 flags:0x00004000",
          "Call Trace:",
          " <TASK>",
          " __schedule+0x3b6/0x1690",
          " ? folio_wait_bit_common+0x124/0x2d0",
          "[<0>] folio_wait_bit_common+0x124/0x2d0",
          " #1 [ffff8813dedfb9b0] schedule_timeout at ffffffff81742fec",
          "INFO: task a:5 blocked for more than 120 seconds.",
          "RAX: 0000000000000001 RBX: 0000000000000000 RCX: 00000000ffffffff",
          "CPU: 42 PID: 52508 Comm: kworker/42:0 Tainted: G S           L    5.17.0-rc8 #5",
          " S      oom_reaper    24        37.088245         2   120         0.000000         0.223746",
          "cfs_rq[0]:/",
          "1234 5678",
          "12",
        ].join("\n"),
      ),
    );
    expect(found(e)).toEqual([]);
    expect(e.unparsed.count).toBe(14);
  });

  it("cost no quadratic time", async () => {
    // 3 MB of lines that almost match; a reader that rescans what it holds would take minutes.
    const almost = [
      "1 lock held by a/1:",
      " #0: ffff888101393538 (x",
      "struct scan_control {",
      "  a = {",
      "memory.stat",
      "cache 1",
      "nr_dirty 1",
      "workqueue a: flags=0x0",
      "    pending: a,",
      "a,",
      "some avg10=1.0",
      "  PID STAT COMMAND",
    ];
    const text = Array.from({ length: 200_000 }, (_, i) => almost[(i * 7) % almost.length]).join("\n");
    const e = await read(textInput("log", text));
    expect(e.inputs[0]!.lines).toBe(200_000);
  });
});
