import { describe, expect, test } from "vitest";
import { abba, evidence, lockList, noProgress, parties, record, snapshot, world } from "../../test/diagnose-worlds.ts";
import type { Evidence, Snapshot } from "../evidence/types.ts";
import type { ProviderHint } from "../knowledge/types.ts";
import { missingFacts } from "./missing.ts";
import type { Progress } from "./progress.ts";
import { decide } from "./verdict.ts";
import type { Party, Want } from "./wants.ts";

const TASKS = [record({ frames: ["f"] })];
/** First words of the facts that are missing. */
function missing(all: readonly Party[], e: Partial<Evidence> = {}, p: Partial<Progress> = {}): string[] {
  const ev = evidence({ tasks: TASKS, snapshots: [], ...e });
  const progress = { ...noProgress, ...p };
  return missingFacts(decide(ev, world(all), progress), ev, progress).map((m) => m.command.split(/[;|]/)[0]!.trim());
}
const dump = (kind: Snapshot["kind"], complete = true) => ({ snapshots: [snapshot({ kind, complete })] });
const waits = (provider: ProviderHint, w: Partial<Want> = {}) =>
  parties({ want: { id: "x", providers: [provider], ...w } });
const [W, T, L, D] = ["w", "t", "l", "d"].map((c) => `echo ${c} > /proc/sysrq-trigger`) as [
  string,
  string,
  string,
  string,
];
const DISK = "for i in 1 2 3";

describe("what to collect next", () => {
  test("nothing for a deadlock", () => {
    expect(missing(abba())).toEqual([]);
  });
  test("without any stack: all blocked tasks, and the disk", () => {
    expect(missing([], { tasks: [] })).toEqual([W, DISK]);
  });
  test("the holder of a lock: blocked tasks, all tasks, lock lists", () => {
    expect(missing(waits("holder"))).toEqual([W, T, D]);
    expect(missing(waits("holder"), dump("sysrq-w"))).toEqual([T, D]);
    expect(missing(waits("holder"), dump("sysrq-t"))).toEqual([L, D]);
    expect(missing(waits("holder"), dump("crash-bt"))).toEqual([L, D]);
    expect(missing(waits("holder"), dump("crash-bt", false))).toEqual([W, T, D]);
    expect(missing(waits("holder"), { heldLocks: [lockList(9, [])] })).toEqual([W, T]);
    expect(missing(waits("holder", { class: "PG_locked" }))).toEqual([W, T]);
  });
  test.each(["jbd2", "flusher", "kthread"] as const)("%s is a task that was not printed", (role) => {
    expect(missing(waits(role, { class: "x" }))).toEqual([W, T]);
  });
  test("a work item: the workqueues", () => {
    expect(missing(waits("worker"))).toEqual([T]);
    const busy = { workqueues: [{ input: 0, line: 1, name: "events", inFlight: [], pending: [] }] };
    expect(missing(waits("worker"), busy)).toEqual([W]);
  });
  test("the device: its counters, unless they are there", () => {
    expect(missing(waits("device"))).toEqual([DISK]);
    expect(missing(waits("device"), {}, { storage: "still" })).toEqual([W]);
  });
  test("a server, of the kind that is waited for", () => {
    expect(missing(waits("server"))[0]).toContain("rpc_clnt");
    expect(missing(waits("server", { class: "fuse_request" }))[0]).toContain("fuse");
  });
  test("a group's counters for who waits for its memory", () => {
    const charge = waits("admin", { class: "memcg_charge" });
    expect(missing(charge)).toEqual(["cat /proc/PID/cgroup"]);
    expect(missing(charge, {}, { memory: "still" })).toEqual([]);
  });
  test("not for what somebody wants who is not blocked", () => {
    const all = parties(
      { want: { id: "x", providers: ["admin"] } },
      { blocked: false, want: { class: "memcg_charge" } },
    );
    expect(missing(all)).toEqual([]);
  });
  test("unknown with all stacks there: the same dump again", () => {
    const device = waits("device");
    expect(missing(device, dump("sysrq-w"), { storage: "still" })).toEqual([W]);
    const ev = evidence({ tasks: TASKS });
    const progress = { ...noProgress, storage: "still" as const };
    expect(missingFacts(decide(ev, world(device), progress), ev, progress)[0]?.command).toContain("sleep 60");
  });
  test("a slow host needs nothing more than what would prove it", () => {
    expect(missing(waits("admin"))).toEqual([]);
  });
});
