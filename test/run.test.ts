/** Promise: `unwedge run` gives the figures of the contract, the same every time, and refuses what it cannot do in one line. */
import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { type RunFlags, runRun } from "../src/cli/commands/run.ts";
import { CliError } from "../src/cli/messages.ts";
import type { Terminal } from "../src/cli/terminal.ts";
import { dmCryptThrottleRun } from "../src/incidents/runs/dm-crypt-throttle.ts";
import { type RunOptions, type RunResult, runIncident } from "../src/simulate/index.ts";

const ran = (fixes: readonly string[] = [], parameters = {}, options: RunOptions = {}): RunResult => {
  const outcome = runIncident(dmCryptThrottleRun, { fixes, parameters }, { seconds: 1, ...options });
  if (!outcome.ok) throw new Error(outcome.error.message);
  return outcome.result;
};
const metric = (result: RunResult, name: string): number => result.metrics[`dm_crypt.${name}`] ?? Number.NaN;

async function run(flags: Partial<RunFlags>, incident = "dm-crypt-throttle") {
  let [out, err] = ["", ""];
  const t: Terminal = {
    out: async (text) => void (out += text),
    err: (line) => void (err += `${line}\n`),
    stdin: Readable.from([]),
    stdinPiped: false,
    stdinTty: false,
    outTty: false,
    columns: 80,
    rows: 40,
    env: {},
    interrupted: new AbortController().signal,
  };
  try {
    const code = await runRun(t, incident, { pager: false, color: "auto", ...flags } as RunFlags);
    return { code, out, err };
  } catch (error) {
    if (error instanceof CliError) return { code: 2, out, err: error.message };
    throw error;
  }
}

describe("dm-crypt-throttle against a clock", () => {
  it("is the same every time, and another seed is another run", () => {
    expect(ran([], {}, { seconds: 0.3 })).toEqual(ran([], {}, { seconds: 0.3 }));
  });

  it("the flag alone changes nothing, honoured it ends the workers' sleeps, and what was merged all sleeps", () => {
    const asIs = ran();
    expect(metric(asIs, "throttle_sleeps_per_request")).toBeGreaterThan(0.05);
    for (const flag of ["less-throttle-dm-crypt", "less-throttle-mempool"]) {
      expect(ran([flag]).metrics).toEqual(asIs.metrics);
      expect(ran([flag, "throttle-honours-less-throttle"]).metrics["throttle.worker_sleeps"]).toBe(0);
    }
    const merged = ran(["no-throttle-vm-writeout"], {}, { seconds: 0.3 });
    expect(merged.metrics["throttle.sleeps"]).toBe(0);
    expect(metric(merged, "requests_per_second")).toBeGreaterThan(10 * metric(asIs, "requests_per_second"));
  });

  it("the smaller the reserve, the more sleeps for each request", () => {
    const [one, many] = [1, 64].map((reserve) => ran([], { reserve }));
    expect(metric(one!, "throttle_sleeps_per_request")).toBeGreaterThan(metric(many!, "throttle_sleeps_per_request"));
    expect(metric(one!, "requests_per_second")).toBeLessThan(metric(many!, "requests_per_second"));
  });

  it("6.1.192 throttles nobody", () => {
    const outcome = runIncident(dmCryptThrottleRun, { era: "6.1.192" }, { seconds: 0.2 });
    expect(outcome.ok && outcome.result.metrics["throttle.sleeps"]).toBe(0);
  });

  it("has a series for each gauge, over the whole run", () => {
    const { series, virtualSeconds } = ran([], {}, { scale: "small" });
    expect(virtualSeconds).toBe(1);
    for (const { t, v } of series) {
      expect(t.length).toBe(v.length);
      expect(t.length).toBeLessThanOrEqual(200);
      expect(t.at(-1)).toBeGreaterThan(0.98);
    }
    expect(series.map((s) => s.name)).toContain("memory.writeback");
  });
});

describe("unwedge run", () => {
  it("prints the document of the contract", async () => {
    const { code, out } = await run({ json: true, seconds: "1", scale: "small" });
    const document = JSON.parse(out);
    expect(code).toBe(0);
    expect(document).toMatchObject({ schema: "unwedge.run/1", incident: "dm-crypt-throttle", outcome: "completed" });
    expect(Object.keys(document.metrics)).toEqual(
      expect.arrayContaining([
        "dm_crypt.requests_per_second",
        "dm_crypt.throttle_sleeps_per_request",
        "dm_crypt.reserve_empty_share",
      ]),
    );
    for (const name of ["virtualSeconds", "wallSeconds", "peakRssBytes", "hungTasks"])
      expect(document[name]).toEqual(expect.any(Number));
    expect(document.core).toBe(null);
  });

  it("compares all fixes in one table", async () => {
    const { code, out } = await run({ compare: "all", seconds: "0", scale: "small" });
    expect(code).toBe(0);
    for (const name of ["(as it is)", "--fix no-throttle-vm-writeout", "--fix less-throttle-mempool --fix throttle"])
      expect(out).toContain(name);
    for (const line of out.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
    const json = await run({ compare: "all", seconds: "0", scale: "small", json: true });
    const document = JSON.parse(json.out);
    expect(document).toMatchObject({ schema: "unwedge.compare/1", incident: "dm-crypt-throttle" });
    expect(document.rows.length).toBeGreaterThan(8);
  });

  it.each([
    [{ device: "tape" }, 'no device "tape"'],
    [{ scale: "huge" }, "--scale huge"],
    [{ hz: "0" }, "--hz 0"],
    [{ seconds: "soon" }, "--seconds soon"],
    [{ param: ["memory=1"] }, "memory"],
    [{ fix: ["nofs-pte"] }, "nofs-pte"],
  ] as const)("refuses %o", async (flags, said) => {
    const { code, err } = await run(flags as Partial<RunFlags>);
    expect([code, err]).toEqual([2, expect.stringContaining(said)]);
  });

  it("says which incidents can be run", async () => {
    expect((await run({}, "memcg-writeback-abba")).err).toContain("dm-crypt-throttle");
  });
});
