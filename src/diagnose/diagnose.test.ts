import { describe, expect, test } from "vitest";
import { diagnose } from "./index.ts";

/** Sleeps killably in the OOM handler while it holds the inode's mutex that the OOM victim wants (3.12 and before). */
const CHARGE = [
  "mem_cgroup_handle_oom",
  "mem_cgroup_cache_charge",
  "add_to_page_cache_locked",
  "add_to_page_cache_lru",
  "grab_cache_page_write_begin",
  "ext3_write_begin",
  "generic_file_buffered_write",
  "__generic_file_aio_write",
  "generic_file_aio_write",
  "do_sync_write",
  "vfs_write",
  "sys_write",
  "system_call_fastpath",
];
const VICTIM = [
  "do_truncate",
  "do_last",
  "path_openat",
  "do_filp_open",
  "do_sys_open",
  "sys_open",
  "system_call_fastpath",
];
const proc = (title: string, frames: readonly string[]) => [
  `${title}:`,
  ...frames.map((f) => `[<ffffffff8110a9c1>] ${f}+0x241/0x3b0`),
  "[<ffffffffffffffff>] 0xffffffffffffffff",
];

describe("a member of the circle that waits killably", () => {
  const why = ": it waits killably, so a fatal signal ends the circle";
  test("is killed by its pid", async () => {
    const killed = "Killed process 42 (victim) total-vm:4096kB, anon-rss:1024kB, file-rss:0kB";
    const log = [killed, "", ...proc("41 (writer)", CHARGE), "", ...proc("42 (victim)", VICTIM), ""].join("\n");
    const d = await diagnose(log);
    expect(d.verdict).toBe("deadlock");
    expect(d.advice[0]).toBe(`kill -9 41${why}`);
  });
  test("without a pid, its stack says which process it is", async () => {
    const log = [...proc("OOM invoking task", CHARGE), "", ...proc("OOM kill victim", VICTIM), ""].join("\n");
    const d = await diagnose(log);
    expect(d.verdict).toBe("deadlock");
    expect(d.advice[0]).toBe(`kill the process whose stack is at line 2 with SIGKILL${why}`);
  });
});
