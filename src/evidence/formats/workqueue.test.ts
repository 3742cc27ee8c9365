import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { collectEvidence } from "../collect.ts";
import { textInput } from "../inputs.ts";
import type { Evidence } from "../types.ts";
import { workqueue } from "./workqueue.ts";

async function read(text: string): Promise<Evidence> {
  return await collectEvidence([textInput("log", text)], { formats: [workqueue] });
}

describe("workqueue", () => {
  it("reads real dumps", async () => {
    const e = await read(readFileSync(new URL("./samples/workqueue.txt", import.meta.url), "utf8"));
    expect(e.workqueues).toHaveLength(2);
    const [xfs, usb] = e.workqueues;
    expect(xfs).toMatchObject({ name: "xfs-conv/dm-0", line: 12, active: 58, maxActive: 256, inFlight: [] });
    expect(new Set(xfs!.pending)).toEqual(new Set(["xfs_end_io"]));
    expect(xfs!.pending).toHaveLength(58);
    expect(usb).toMatchObject({ name: "usb_hub_wq", active: 2 });
    expect(usb!.inFlight).toEqual([
      { pid: 980, fn: "hub_event" },
      { pid: 980, fn: "hub_event" },
    ]);
  });

  it("reads counts, rescuers, barriers, several pools and waiting works", async () => {
    // kernel/workqueue.c:show_pwq (6.12)
    const e = await read(
      [
        "Showing busy workqueues and worker pools:",
        "workqueue events: flags=0x0",
        "  pwq 0: cpus=0 node=0 flags=0x0 nice=0 active=3 refcnt=4",
        "    in-flight: 24(RESCUER):wb_workfn.isra.0 BAR(12), 25:foo_fn",
        "    pending: 2*vmstat_shepherd, bar_fn BAR(7)",
        "    inactive: 3*drain_fn",
        "  pwq 4: cpus=0-1 flags=0x4 nice=0 active=1/256 refcnt=3 MAYDAY",
        "    pending: free_work",
        "pool 4: cpus=0-1 flags=0x4 nice=0 hung=0s workers=3 idle: 26 8",
        "workqueue mm_percpu_wq: flags=0x8",
        "    delayed: vmstat_update",
      ].join("\n"),
    );
    expect(e.unparsed.count).toBe(0);
    expect(e.workqueues.map(({ input: _, ...w }) => w)).toEqual([
      {
        line: 3,
        name: "events",
        active: 3,
        inFlight: [
          { pid: 24, fn: "wb_workfn" },
          { pid: 24, fn: "BAR(12)" },
          { pid: 25, fn: "foo_fn" },
        ],
        pending: ["vmstat_shepherd", "vmstat_shepherd", "bar_fn", "BAR(7)", "drain_fn", "drain_fn", "drain_fn"],
      },
      { line: 7, name: "events", active: 1, maxActive: 256, inFlight: [], pending: ["free_work"] },
      { line: 11, name: "mm_percpu_wq", inFlight: [], pending: ["vmstat_update"] },
    ]);
  });

  it("reads a list that was wrapped after a comma", async () => {
    const e = await read(
      "workqueue a: flags=0x0\n  pwq 0: cpus=0 flags=0x0 nice=0 active=4/256\n    pending: a_fn, b_fn,\nc_fn, d_fn\nother text",
    );
    expect(e.workqueues[0]!.pending).toEqual(["a_fn", "b_fn", "c_fn", "d_fn"]);
  });

  it("does not unfold hostile counts", async () => {
    const e = await read(
      "workqueue a: flags=0x0\n  pwq 0: cpus=0 flags=0x0 nice=0 active=999999999/256\n    pending: 999999999*a_fn, -5*b_fn, NaN*c_fn",
    );
    expect(e.workqueues[0]!.pending.length).toBeLessThan(5000);
  });

  it("takes no lists outside a dump", async () => {
    const e = await read("    pending: a_fn\n    in-flight: 5:b\nworkqueue of the year: flags\nthe workqueue is busy");
    expect(e.workqueues).toEqual([]);
    expect(e.unparsed.count).toBe(4);
  });
});
