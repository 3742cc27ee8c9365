import { describe, expect, test } from "vitest";
import { diagnose } from "./index.ts";

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
