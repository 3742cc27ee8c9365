/** Promise: with `--prove` an answer rests on searches that were run: a proof with the switch as it is here, a witness with it flipped. */
import { describe, expect, it } from "vitest";
import { type Answer, affected, machineOf, proveAnswers, readKernelName, type Search } from "../src/affected/index.ts";
import { searchHere, sizesOf } from "../src/affected/prove.ts";
import { incidents, memcgWritebackAbba, xfsPageLockOrder } from "../src/incidents/index.ts";

interface Given {
  readonly release: string;
  readonly cgroup?: "v1" | "v2";
  readonly boot?: string;
  readonly fs?: string;
}

function machine({ release, cgroup = "v1", boot = "", fs = "ext4,xfs" }: Given) {
  const kernel = readKernelName(release);
  if (!kernel.ok) throw new Error(kernel.hint);
  return machineOf({
    kernel: { value: kernel.kernel, from: "--release" },
    cgroup: { value: cgroup, from: "--cgroup" },
    boot: { value: boot, from: "--boot" },
    filesystems: { value: fs.split(","), from: "--fs" },
  }).machine;
}

async function proven(given: Given, id: string, search?: Search, known = incidents): Promise<Answer> {
  const on = machine(given);
  const asked = affected(on, known).filter((a) => a.id === id);
  const [answer] = await proveAnswers(asked, known, on, search === undefined ? {} : { search });
  if (answer === undefined) throw new Error(`no answer for ${id}`);
  return answer;
}
const summary = (a: Answer) => [
  a.status,
  ...a.experiments.map((e) => `${e.role} ${e.result?.outcome}${e.result?.complete ? ", complete" : ""}`),
];

describe("the searches behind an answer", () => {
  it.each([
    [{ release: "4.20.0" }, ["affected", "witness deadlock"]],
    [{ release: "4.20.0", cgroup: "v2" }, ["unreachable", "proof none, complete", "witness deadlock"]],
    [{ release: "4.20.0", boot: "cgroup.memory=nokmem" }, ["unreachable", "proof none, complete", "witness deadlock"]],
    [{ release: "4.7.4" }, ["unreachable", "proof none, complete", "witness deadlock"]],
    [{ release: "4.19.16" }, ["fixed", "proof none, complete", "witness deadlock"]],
    [{ release: "5.12.0" }, ["affected", "witness deadlock"]],
  ] as const)("memcg-writeback-abba, %j", async (given, expected) => {
    expect(summary(await proven(given, "memcg-writeback-abba"))).toEqual(expected);
  });

  it.each([
    ["xfs-page-lock-order", { release: "4.19.90" }, ["fixed", "proof none, complete", "witness deadlock"]],
    // 63f3655f9501 is in, but 5.12 forgot the preallocated table again
    ["xfs-page-lock-order", { release: "5.12.0" }, ["affected", "proof deadlock", "witness deadlock"]],
    // two sweeps of which one wraps take other parameters than the fault
    ["xfs-page-lock-order", { release: "4.19.50" }, ["unknown", "proof none, complete", "witness deadlock"]],
    ["wb-switch-irq-nesting", { release: "4.17" }, ["fixed", "proof none, complete", "witness deadlock"]],
  ] as const)("%s, %j", async (id, given, expected) => {
    expect(summary(await proven(given, id))).toEqual(expected);
  });

  it("the commands that are printed are what was run, at one size for both", async () => {
    const { experiments } = await proven({ release: "4.20.0", cgroup: "v2" }, "memcg-writeback-abba");
    const [proof, witness] = experiments;
    expect(proof?.command).toMatch(
      /^unwedge explore memcg-writeback-abba --cgroup v2 (--param \S+ )+--strategy prove$/,
    );
    expect(witness?.command).toBe(proof?.command.replace(" --cgroup v2", ""));
    for (const e of experiments) {
      const again = await searchHere(memcgWritebackAbba, e.choices, { strategy: "prove" });
      expect(again).toMatchObject({ outcome: e.result?.outcome, complete: e.result?.complete });
    }
  });
});

describe("what only the explorer can tell", () => {
  const another = { ...memcgWritebackAbba, id: "another" };
  it.each([
    ["a release whose fixes may end it", { release: "6.1.192" }, "unreachable"],
    ["a release older than the incident's", { release: "4.7.4" }, "unreachable"],
    ["a release with one of two fixes", { release: "5.12.0" }, "affected"],
    ["the other cgroup version", { release: "4.20.0", cgroup: "v2" }, "unreachable"],
    ["somebody's own kernel", { release: "5.12.0-mine" }, "unknown"],
  ] as const)("%s: %j", async (_, given, expected) => {
    const on = machine({ ...given, fs: "ext4" });
    const [asked] = affected(on, [another]).filter((a) => a.id === "another");
    expect(asked?.status).toBe("unknown");
    expect((await proven({ ...given, fs: "ext4" }, "another", undefined, [another])).status).toBe(expected);
  });
});

describe("a claim that the searches do not bear out is withdrawn", () => {
  const fake =
    (on: string, off: string, complete: boolean): Search =>
    async (_, choices) => {
      const flipped = choices.cgroup === "v2";
      return { outcome: (flipped ? off : on) as "none" | "deadlock", complete, states: 1 };
    };
  const given = { release: "4.20.0", cgroup: "v2" } as const;
  it.each([
    ["a bound was reached", fake("deadlock", "none", false), "unknown", "not proven: a bound was reached"],
    [
      "no witness either",
      fake("none", "none", true),
      "unknown",
      "the model does not show it with the switch on either",
    ],
    [
      "it happens all the same",
      fake("deadlock", "deadlock", true),
      "affected",
      "the model shows it all the same: deadlock",
    ],
  ] as const)("%s", async (_, search, expected, because) => {
    const a = await proven(given, "memcg-writeback-abba", search);
    expect([a.status, a.reason]).toEqual([expected, expect.stringContaining(because)]);
  });
  it("affected without a witness is unknown", async () => {
    const a = await proven({ release: "4.20.0" }, "memcg-writeback-abba", fake("none", "none", true));
    expect([a.status, a.reason]).toEqual(["unknown", expect.stringContaining("the model shows nothing")]);
  });
  it.each([
    [{ release: "4.19.16" }, "affected", "the model shows it all the same: deadlock"],
    [{ release: "4.19.16-mine" }, "unknown", "the model shows it all the same: deadlock"],
    [{ release: "4.19.16", boot: "cgroup.memory=nokmem" }, "unreachable", "kernel memory is not accounted"],
  ] as const)("a fix that does not fix: %j", async (kernel, expected, because) => {
    const a = await proven(kernel, "memcg-pte-charge-writeback", fake("deadlock", "deadlock", false));
    expect([a.status, a.reason]).toEqual([expected, expect.stringContaining(because)]);
  });
  it("refused searches change nothing", async () => {
    const a = await proven(given, "memcg-writeback-abba", async () => ({ refused: "no" }));
    expect(summary(a)).toEqual(["unreachable", "proof undefined", "witness undefined"]);
  });
});

describe("sizes", () => {
  it("go from the smallest up to the default, and name only what differs from it", () => {
    for (const incident of incidents) {
      const sizes = sizesOf(incident);
      expect(sizes.length).toBeLessThanOrEqual(60);
      const sums = sizes.map((size) =>
        Object.entries(incident.parameters).reduce((sum, [name, p]) => sum + (size[name] ?? p.default) - p.min, 0),
      );
      expect(sums).toEqual([...sums].sort((a, b) => a - b));
      for (const size of sizes)
        for (const [name, value] of Object.entries(size)) expect(value).not.toBe(incident.parameters[name]?.default);
    }
    expect(sizesOf(xfsPageLockOrder)[0]).toEqual({ pages: 2, faulters: 0, room: 0 });
  });
});
