import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { collectEvidence } from "../collect.ts";
import { textInput } from "../inputs.ts";
import type { LockupReport } from "../types.ts";
import { lockup } from "./lockup.ts";

async function read(text: string): Promise<readonly Omit<LockupReport, "input">[]> {
  const e = await collectEvidence([textInput("log", text)], { formats: [lockup] });
  return e.lockups.map(({ input: _, ...r }) => r);
}

describe("lockup", () => {
  it("reads soft lockups with any comm", async () => {
    expect(await read(readFileSync(new URL("./samples/lockup.txt", import.meta.url), "utf8"))).toEqual([
      { kind: "soft-lockup", line: 3, cpu: 42, seconds: 208, comm: "kworker/42:0", pid: 52508 },
      { kind: "soft-lockup", line: 10, cpu: 2, seconds: 23, comm: "VM Thread", pid: 1503066 },
    ]);
    expect(await read("BUG: soft lockup - CPU#0 stuck for 61s! [a [b]: c:7]")).toEqual([
      { kind: "soft-lockup", line: 1, cpu: 0, seconds: 61, comm: "a [b]: c", pid: 7 },
    ]);
  });

  it("reads hard lockups of x86 and powerpc", async () => {
    expect(
      await read(
        "NMI watchdog: Watchdog detected hard LOCKUP on cpu 3\nwatchdog: CPU 12 self-detected hard LOCKUP @ plpar_hcall_norets+0x1c/0x28\nwatchdog: CPU 5 detected hard LOCKUP on other CPUs 4\nwatchdog: CPU 7 Hard LOCKUP",
      ),
    ).toMatchObject([{ cpu: 3 }, { cpu: 4 }, { cpu: 7 }].map((c) => ({ kind: "hard-lockup", ...c })));
  });

  it("reads RCU stalls, one report per stalled CPU or task", async () => {
    // kernel/rcu/tree_stall.h:print_other_cpu_stall (6.1)
    const text = [
      "[  100.5] rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:",
      "[  100.5] rcu: \t1-...!: (0 ticks this GP) idle=1e4/0/0x0 softirq=10/10 fqs=0 (false positive?)",
      "[  100.5] rcu: \t3-....: (2 ticks this GP) idle=4ba/1/0x4000000000000002 softirq=1/1 fqs=5248",
      "[  100.5] rcu: \tTasks blocked on level-0 rcu_node (CPUs 0-7): P4711/1:b..l P4712",
      "[  100.5] \t(detected by 0, t=5252 jiffies, g=4157, q=19)",
      "[  100.5] rcu: \t9-....: (not part of it)",
    ].join("\n");
    expect((await read(text)).map((r) => [r.kind, r.line, r.cpu, r.pid])).toEqual([
      ["rcu-stall", 1, 1, undefined],
      ["rcu-stall", 1, 3, undefined],
      ["rcu-stall", 1, undefined, 4711],
      ["rcu-stall", 1, undefined, 4712],
    ]);
  });

  it("reads older and expedited stalls", async () => {
    expect(
      (
        await read(
          "INFO: rcu_sched self-detected stall on CPU { 2}  (t=60000 jiffies g=1 c=0 q=3)\nINFO: rcu_sched_state detected stall on CPU 4 (t=60000 jiffies)\nINFO: rcu_preempt detected expedited stalls on CPUs/tasks: { 3-...D P77 } 21025 jiffies s: 345 root: 0x8/.\nrcu: INFO: rcu_sched self-detected stall on CPU",
        )
      ).map((r) => [r.line, r.cpu, r.pid]),
    ).toEqual([
      [1, 2, undefined],
      [2, 4, undefined],
      [3, 3, undefined],
      [3, undefined, 77],
      [4, undefined, undefined],
    ]);
  });

  it("reads workqueue lockups", async () => {
    expect(
      await read(
        "BUG: workqueue lockup - pool cpus=5 node=0 flags=0x0 nice=-20 stuck for 32s!\nBUG: workqueue lockup - pool cpus=0-1 flags=0x4 nice=0 stuck for 40s!",
      ),
    ).toEqual([
      { kind: "workqueue-lockup", line: 1, cpu: 5, seconds: 32 },
      { kind: "workqueue-lockup", line: 2, seconds: 40 },
    ]);
  });

  it("takes no frames and no settings", async () => {
    expect(
      await read(
        " ? __bpf_trace_rcu_stall_warning+0x10/0x10\n softlockup_fn+0x1/0x2\nkernel.softlockup_panic = 0\nwatchdog: BUG: soft lockup - CPU#x stuck for NaNs! [a:b]\n\t3-....: (2 ticks this GP)\nINFO: task a:5 blocked for more than 120 seconds.",
      ),
    ).toEqual([]);
  });
});
