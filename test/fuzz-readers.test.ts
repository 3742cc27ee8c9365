/**
 * Promise: no input crashes the readers, hangs them, or makes them work more than its size allows.
 *
 * 20,000 inputs made from real logs: mutated, truncated, spliced, binary, very long lines. Input n depends on its seed
 * alone; `FUZZ_SEED=n FUZZ_COUNT=1` runs one again.
 */
import { writeSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { diagnoseEvidence } from "../src/diagnose/index.ts";
import { collectEvidence, type Evidence, FORMATS, type Format } from "../src/evidence/index.ts";
import { toContract, toText } from "../src/report/index.ts";
import { makeInput, splitInto } from "./fuzz-inputs.ts";

const first = Number(process.env.FUZZ_SEED ?? 1);
const total = Number(process.env.FUZZ_COUNT ?? 20_000);
const batches = 10;

/** The readers, counting how often and with how much text they are asked. */
function counting(): { readonly formats: readonly Format[]; readonly work: { calls: number; characters: number } } {
  const work = { calls: 0, characters: 0 };
  const formats = FORMATS.map(
    (f): Format => ({
      ...f,
      open(sink) {
        const reader = f.open(sink);
        return {
          line(l) {
            work.calls++;
            work.characters += l.text.length;
            return reader.line(l);
          },
          end: () => reader.end(),
        };
      },
    }),
  );
  return { formats, work };
}

const occurs = (bytes: Uint8Array, byte: number): number => bytes.reduce((n, b) => n + (b === byte ? 1 : 0), 0);

/** Counts and places that any evidence of `bytes` of input must keep; `pieces`: how many lines a reader may see. */
function checkEvidence(e: Evidence, bytes: Uint8Array, pieces: number): void {
  const info = e.inputs[0]!;
  if (info.compression === undefined) {
    expect(info.bytes).toBe(bytes.length);
    expect(info.lines).toBeGreaterThanOrEqual(occurs(bytes, 10));
  }
  const places = [
    e.tasks,
    e.ooms,
    e.samples,
    e.troubles,
    e.lockups,
    e.workqueues,
    e.scanControls,
    e.splats,
    e.heldLocks,
    e.snapshots,
  ].flat();
  for (const p of places) {
    expect(p.input).toBe(0);
    expect(p.line).toBeGreaterThanOrEqual(1);
    expect(p.line).toBeLessThanOrEqual(info.lines);
  }
  // no reader may make records out of nothing
  expect(places.length).toBeLessThanOrEqual(4 * pieces);
  for (const t of e.tasks) {
    expect(t.lastLine).toBeLessThanOrEqual(info.lines);
    expect(t.snapshot).toBeLessThan(e.snapshots.length);
    expect(t.stack.frames.length).toBeLessThanOrEqual(info.bytes);
  }
}

async function readOne(seed: number): Promise<void> {
  const { bytes, kind } = makeInput(seed);
  try {
    const { formats, work } = counting();
    const e = await collectEvidence([{ name: "fuzz", chunks: splitInto(bytes, seed) }], { formats });
    const info = e.inputs[0]!;
    // a lone carriage return ends a line too (progress bars on a console), but counts none
    const pieces = info.compression === undefined ? occurs(bytes, 10) + occurs(bytes, 13) + 1 : info.bytes + 1;
    checkEvidence(e, bytes, pieces);
    expect(work.calls).toBeLessThanOrEqual(pieces * formats.length);
    // joined lines are handed on once; entities only shrink
    expect(work.characters).toBeLessThanOrEqual((info.bytes + pieces) * formats.length);
    if (seed % 10 === 0) {
      const d = diagnoseEvidence(e);
      expect(JSON.stringify(toContract(d, { version: "0" }))).toContain("unwedge.diagnosis/1");
      expect(toText(d)).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f]/);
    }
  } catch (cause) {
    throw new Error(`input ${seed} (${kind}); run it again with FUZZ_SEED=${seed} FUZZ_COUNT=1`, { cause });
  }
}

/** A reader that never returns blocks this thread; another one watches and ends the run with the seed. */
const progress = new Int32Array(new SharedArrayBuffer(8));
let watchdog: Worker;
beforeAll(() => {
  const watch = `
    const { workerData } = require("node:worker_threads");
    let seen = -1, since = Date.now();
    setInterval(() => {
      const now = workerData[0];
      if (now !== seen) { seen = now; since = Date.now(); }
      else if (now > 0 && Date.now() - since > 60000) {
        require("node:fs").writeSync(2, "fuzz: input " + now + " hangs; run it again with FUZZ_SEED=" + now + " FUZZ_COUNT=1\\n");
        process.kill(process.pid, "SIGKILL");
      }
    }, 1000);`;
  watchdog = new Worker(watch, { eval: true, workerData: progress });
  watchdog.unref();
});
afterAll(async () => {
  await watchdog.terminate();
});

describe(`${total} inputs`, () => {
  const size = Math.ceil(total / batches);
  const starts = Array.from({ length: batches }, (_, b) => first + b * size).filter((s) => s < first + total);
  it.each(starts)("no crash, no hang, work in bounds, from seed %i", { timeout: 300_000 }, async (start) => {
    for (let seed = start; seed < Math.min(start + size, first + total); seed++) {
      progress[0] = seed;
      try {
        await readOne(seed);
      } catch (e) {
        writeSync(2, `fuzz: ${(e as Error).message}\n`);
        throw e;
      }
    }
    progress[0] = 0;
  });
});

describe("lines on which a careless pattern is quadratic", () => {
  const header = "[  100.000000] ";
  const families: readonly (readonly [string, (n: number) => string])[] = [
    ["blanks", (n) => `${header}INFO: task ${" ".repeat(n)}x`],
    ["tabs at the end", (n) => `${header} folio_wait_bit${"\t ".repeat(n / 2)}x`],
    ["brackets", (n) => `${"[".repeat(n)}`],
    ["closed brackets", (n) => "[<0>] ".repeat(n / 6)],
    ["question marks", (n) => `${header} ${"? ".repeat(n / 2)}`],
    ["hexadecimal digits", (n) => `[<${"f".repeat(n)}>] x+0x1/0x2`],
    ["decimal digits", (n) => `[${"9".repeat(n)}.${"0".repeat(6)}] INFO: task x:1 blocked`],
    ["a long symbol", (n) => `${header} ${"a_".repeat(n / 2)}+0x1/0x2`],
    ["dots", (n) => `${header} a${".isra".repeat(n / 5)}+0x1/0x2`],
    ["plus signs", (n) => `${header} ${"a+0x1/".repeat(n / 6)}`],
    ["colons", (n) => `${header}INFO: task ${"a:1:".repeat(n / 4)} blocked for more than`],
    ["words", (n) => `${header}task:${"a state:D ".repeat(n / 10)}`],
    ["key=value", (n) => `oom-kill:${"a=b,".repeat(n / 4)}`],
    ["commas", (n) => `${header}${"a,".repeat(n / 2)}`],
    ["numbers", (n) => "1 ".repeat(n / 2)],
    ["quote marks", (n) => "> ".repeat(n / 2)],
    ["entities", (n) => "&lt;&amp;".repeat(n / 9)],
    ["quoted printable", (n) => "=3D=20".repeat(n / 6)],
    ["escapes", (n) => "\u001b[1;31m".repeat(n / 7)],
    ["pids", (n) => `PID: 1 TASK: ${"ffff ".repeat(n / 5)}COMMAND: "x`],
    ["crash frames", (n) => `#0 [${"a".repeat(n / 2)}] ${"b ".repeat(n / 4)}at`],
    ["locks", (n) => `#0: ${"(&(".repeat(n / 3)}`],
    ["dates", (n) => "Nov 21 13:00:00 ".repeat(n / 16)],
    ["ISO dates", (n) => `2026-11-21T13:00:00${".0".repeat(n / 2)}`],
  ];
  const spent = async (line: string): Promise<number> => {
    const text = Buffer.from(`${line}\n`.repeat(4));
    let best = Number.POSITIVE_INFINITY;
    for (let run = 0; run < 3; run++) {
      const from = process.cpuUsage();
      await collectEvidence([{ name: "line", chunks: [text] }]);
      const used = process.cpuUsage(from);
      best = Math.min(best, used.user + used.system);
    }
    return best / 1000;
  };
  // Processor time of 8 times the text: linear work costs 8 times as much, quadratic 64 times. The floor of 4 ms
  // keeps small numbers from being compared.
  it.each(families)("%s", async (_name, make) => {
    const small = await spent(make(7_800));
    const large = await spent(make(62_400));
    expect(large).toBeLessThan(30 * Math.max(small, 4));
  });
});
