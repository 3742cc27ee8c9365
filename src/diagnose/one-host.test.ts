import { describe, expect, test } from "vitest";
import { evidence, lockList, record, snapshot } from "../../test/diagnose-worlds.ts";
import type { Sample } from "../evidence/types.ts";
import { diagnose } from "./index.ts";
import { lastBoot } from "./one-host.ts";

const report = (prefix: string, time: number, task: string, frames: readonly string[], extra = "") =>
  [
    `INFO: task ${task} blocked for more than 120 seconds.`,
    "      Not tainted 4.20.0 #1",
    `task:${task.slice(0, task.lastIndexOf(":")).padEnd(15)} state:D stack:0     pid:${task.slice(task.lastIndexOf(":") + 1)}    ppid:2      flags:0x00004000`,
    ...(extra ? [extra] : []),
    "Call Trace:",
    ...frames.map((f) => ` ${f}+0x10/0x200`),
  ]
    .map((l) => `${prefix}[${String(time).padStart(5)}.000001] ${l}`)
    .join("\n");

const FLUSHER = [
  "__schedule",
  "schedule",
  "io_schedule",
  "__lock_page",
  "mpage_prepare_extent_to_map",
  "ext4_writepages",
  "do_writepages",
  "__writeback_single_inode",
  "writeback_sb_inodes",
  "wb_writeback",
  "wb_workfn",
  "process_one_work",
  "worker_thread",
  "kthread",
  "ret_from_fork",
];
const FAULT = [
  "__schedule",
  "schedule",
  "io_schedule",
  "wait_on_page_bit",
  "shrink_page_list",
  "shrink_inactive_list",
  "shrink_node_memcg",
  "shrink_node",
  "do_try_to_free_pages",
  "try_to_free_mem_cgroup_pages",
  "try_charge",
  "memcg_kmem_charge_memcg",
  "memcg_kmem_charge",
  "__alloc_pages_nodemask",
  "alloc_pages_current",
  "pte_alloc_one",
  "__pte_alloc",
  "alloc_set_pte",
  "finish_fault",
  "do_fault",
  "__handle_mm_fault",
  "handle_mm_fault",
  "__do_page_fault",
  "do_page_fault",
  "page_fault",
];
const WORK = "Workqueue: writeback wb_workfn (flush-8:0)";

describe("tasks of different boots never wait for each other", () => {
  test("one boot: the two tasks are a deadlock", async () => {
    const d = await diagnose(
      `${report("", 700, "kworker/u4:1:24", FLUSHER, WORK)}\n${report("", 701, "mapper:69", FAULT)}\n`,
    );
    expect(d.verdict).toBe("deadlock");
  });

  test("two boots in one log: only the last is diagnosed, and that is said", async () => {
    const log = `${report("", 700, "kworker/u4:1:24", FLUSHER, WORK)}\n[    0.000000] Linux version 4.20.0 (gcc) #1\n${report("", 701, "mapper:69", FAULT)}\n`;
    const d = await diagnose(log);
    expect(d.verdict).toBe("unknown");
    expect(d.contexts).toBe(1);
    expect(d.answers[0]?.answer).toMatch(/2 boots.*1 of 2 printings/);
  });

  test("two hosts in one log", async () => {
    const a = report("Nov 18 08:10:27 alpha kernel: ", 700, "kworker/u4:1:24", FLUSHER, WORK);
    const b = report("Nov 18 08:10:28 beta kernel: ", 701, "mapper:69", FAULT);
    const d = await diagnose(`${a}\n${b}\n`);
    expect(d.verdict).toBe("unknown");
    expect(d.answers[0]?.answer).toMatch(/2 hosts/);
  });
});

describe("records of another boot are left out", () => {
  const at = (line: number, origin?: number) => ({ input: 0, line, ...(origin !== undefined && { origin }) });
  const sample = (line: number, origin?: number): Sample => ({
    source: "diskstats",
    key: "vda",
    values: { in_flight: 1 },
    ...at(line, origin),
  });
  const origins = [
    { boot: 0, line: 1, input: 0 },
    { boot: 1, line: 50, input: 0 },
  ];
  const tasks = [
    record({ pid: 1, snapshot: 0 }),
    record({ pid: 1, snapshot: 2, origin: 1 }),
    record({ pid: 2, snapshot: 3, origin: 1 }),
  ];
  const of = (rest: Parameters<typeof evidence>[0]) => lastBoot(evidence({ origins, tasks, ...rest })).evidence;
  const lines = (list: readonly { readonly line: number }[]) => list.map((r) => r.line);

  test("counters, unless nothing says of which boot they are", () => {
    expect(lines(of({ samples: [sample(1, 0), sample(60, 1), sample(3)] }).samples)).toEqual([60, 3]);
    const scanControls = [0, 1, undefined].map((o, i) => ({ ...at(i, o), values: {} }));
    expect(lines(of({ scanControls }).scanControls)).toEqual([1, 2]);
  });
  test("lockdep's reports and workqueues", () => {
    const splats = [0, 1, undefined].map((o, i) => ({ ...at(i, o), title: "t", locks: [] }));
    expect(lines(of({ splats }).splats)).toEqual([1, 2]);
    const workqueues = [undefined, 1].map((o, i) => ({ ...at(i, o), name: "q", inFlight: [], pending: [] }));
    expect(lines(of({ workqueues }).workqueues)).toEqual([1]);
  });
  test("snapshots; tasks and lists of locks keep theirs", () => {
    const e = of({
      snapshots: [
        snapshot({ line: 1 }),
        snapshot({ line: 2 }),
        snapshot({ line: 60, origin: 1 }),
        snapshot({ line: 70, origin: 1 }),
      ],
      heldLocks: [lockList(2, [["a"]], { origin: 1, snapshot: 3 }), lockList(2, [["a"]], { origin: 1 })],
    });
    expect(lines(e.snapshots)).toEqual([60, 70]);
    expect(e.tasks.map((t) => e.snapshots[t.snapshot]?.line)).toEqual([60, 70]);
    expect(e.heldLocks.map((l) => l.snapshot)).toEqual([1, undefined]);
  });
});

test("the disk of the boot before says nothing of this one", async () => {
  const disk = (sectors: number) => `   8       0 sda 1 0 8 1 1 0 ${sectors} 1 0 1 1 0 0 0 0\n`;
  const log = [
    report("", 700, "kworker/u4:1:24", FLUSHER, WORK),
    disk(1),
    disk(2),
    "[    0.000000] Linux version 4.20.0 (gcc) #1",
    report("", 701, "mapper:69", FAULT),
    disk(7),
    disk(7),
  ].join("\n");
  const d = await diagnose(`${log}\n`);
  expect(d.answers.find((a) => a.question.includes("progress"))?.answer).toMatch(/^disk sda: \w+ stayed at \d+/);
});
