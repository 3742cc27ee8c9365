import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { collectEvidence } from "../collect.ts";
import { textInput } from "../inputs.ts";
import type { Evidence } from "../types.ts";
import { FORMATS } from "./index.ts";
import { lockdepLocks } from "./lockdep-locks.ts";
import { lockdepSplat } from "./lockdep-splat.ts";

/** Lockdep first: its report owns its stacks. */
const formats = [lockdepSplat, lockdepLocks, ...FORMATS.filter((f) => f !== lockdepSplat && f !== lockdepLocks)];

async function read(text: string): Promise<Evidence> {
  return await collectEvidence([textInput("log", text)], { formats });
}
function sample(name: string): string {
  return readFileSync(new URL(`./samples/${name}`, import.meta.url), "utf8");
}
/** `comm/pid: name@function, ...` per list. */
function lists(e: Evidence): string[] {
  return e.heldLocks.map(
    (l) => `${l.comm}/${l.pid}: ${l.locks.map((k) => `${k.index} ${k.name}@${k.at ?? "?"}`).join(", ")}`,
  );
}

describe("lists of held locks", () => {
  it("reads comms with slashes and names with parentheses", async () => {
    const e = await read(sample("locks-2020.txt"));
    expect(e.heldLocks).toHaveLength(9);
    expect(lists(e)).toContain(
      "fsstress/1356185: 0 sb_writers#15@mnt_want_write, 1 &type->i_mutex_dir_key#10@vfs_setxattr, 2 sb_internal#2@start_transaction",
    );
    expect(e.heldLocks[5]!.locks[1]).toEqual({
      index: 1,
      line: 16,
      name: "&type->i_mutex_dir_key#10",
      at: "vfs_setxattr",
      address: "ffff8f3d80a650b8",
    });
  });

  it("joins entries that a mailer wrapped", async () => {
    const e = await read(sample("locks-wrapped.txt"));
    expect(lists(e).slice(0, 4)).toEqual([
      "khungtaskd/214: 0 rcu_read_lock@debug_show_all_locks",
      "kworker/u65:5/288: 0 (wq_completion)writeback@process_one_work, 1 (work_completion)(&(&wb->dwork)->work)@process_one_work, 2 &type->s_umount_key#25@super_trylock_shared, 3 &sbi->s_writepages_rwsem@do_writepages, 4 &journal->j_checkpoint_mutex@jbd2_log_do_checkpoint",
      "sudo/6735: ",
      "cli-update-thre/177767: 0 &f->f_pos_lock@__fdget_pos, 1 sb_writers#8@ksys_write, 2 &sb->s_type->i_mutex_key#11@ext4_buffered_write_iter, 3 &journal->j_checkpoint_mutex@jbd2_log_do_checkpoint",
    ]);
  });

  it("keeps one entry per index when inlined callers repeat it", async () => {
    const e = await read(sample("locks-inline.txt"));
    expect(lists(e)).toContain(
      "syz-executor/15509: 0 &type->s_umount_key#50@deactivate_super, 1 nfsd_mutex@nfsd_shutdown_threads",
    );
    expect(lists(e)).toContain("kworker/u8:54/7298: ");
    expect(e.heldLocks.find((l) => l.pid === 15509)!.locks[0]!.line).toBe(15);
  });

  it("reads the forms of older kernels", async () => {
    expect(lists(await read(sample("locks-4x.txt")))).toContain(
      'kworker/1:2/2017: 0 (wq_completion)"events"@process_one_work, 1 (work_completion)(&m->wq)@process_one_work',
    );
    // kernel/locking/lockdep.c:print_lock before 4.2: no address of the lock, one of the code
    const e = await read(
      "2 locks held by dd/2210:\n #0:  (sb_writers#4){.+.+.+}, at: [<ffffffff811f1e80>] vfs_write+0x1c0/0x1f0\n #1:  (&type->i_mutex_dir_key/1){+.+.+.}, at: [<ffffffff811f1e80>] ext4_file_write.isra.3+0x40/0x3c0\n",
    );
    expect(lists(e)).toEqual(["dd/2210: 0 sb_writers#4@vfs_write, 1 &type->i_mutex_dir_key/1@ext4_file_write"]);
    expect(e.heldLocks[0]!.locks[0]!.address).toBeUndefined();
  });

  it("ends where something else begins, and keeps what a cut list has", async () => {
    const e = await read(
      "3 locks held by a/1:\n #0: ffff888101393538 (x){+.+.}-{3:3}, at: f+0x1/0x2\n #1: ffff888101393539 (y){+.+.}-{3:3}, at:\nINFO: task b:2 blocked for more than 120 seconds.\n #2: ffff888101393540 (z){+.+.}-{3:3}, at: g+0x1/0x2",
    );
    expect(lists(e)).toEqual(["a/1: 0 x@f, 1 y@?"]);
  });

  it("takes no crash frames and no prose", async () => {
    const e = await read(
      " #0 [ffff88] schedule at ffffffff\n #1 __schedule+0x1/0x2\n5 locks held by nobody\n#0: not in a list (x){..}, at: f+0x1",
    );
    expect(e.heldLocks).toEqual([]);
  });
});

describe("lockdep reports", () => {
  it("own their stacks up to the last frame of the backtrace", async () => {
    const e = await read(sample("splat-circular.txt"));
    expect(e.tasks).toEqual([]);
    expect(e.heldLocks).toEqual([]);
    expect(e.splats).toEqual([
      {
        input: 0,
        line: 4,
        title: "possible circular locking dependency detected",
        locks: ["cgroup_mutex", "cpuhp_state-down", "cpu_hotplug_lock"],
      },
    ]);
  });

  it("read inline frames", async () => {
    const e = await read(sample("splat-inconsistent.txt"));
    expect(e.splats.map((s) => [s.title, s.locks])).toEqual([
      ["inconsistent lock state", ["fs_reclaim", "&fsnotify_mark_srcu"]],
    ]);
    expect(e.tasks).toEqual([]);
  });

  it("read the titles of other reports and kernels", async () => {
    const titles = [
      "[ INFO: possible circular locking dependency detected ]",
      "[ BUG: Invalid wait context ]",
      "WARNING: possible recursive locking detected",
      "WARNING: SOFTIRQ-safe -> SOFTIRQ-unsafe lock order detected",
      "WARNING: bad unlock balance detected!",
      "WARNING: possible irq lock inversion dependency detected",
      "WARNING: fsstress/4440 still has locks held!",
    ];
    for (const title of titles) expect((await read(`${title}\nstuff`)).splats, title).toHaveLength(1);
    expect((await read("WARNING: possible circular motion\n[ INFO: all fine ]")).splats).toEqual([]);
  });

  it("give way to the report that follows a cut one", async () => {
    const cut = sample("splat-circular.txt").split("\n").slice(0, 40).join("\n");
    const e = await read(
      `${cut}\nINFO: task b:2 blocked for more than 120 seconds.\ntask:b               state:D stack:0     pid:2     ppid:1      flags:0x00004000\nCall Trace:\n <TASK>\n __schedule+0x3b6/0x1690\n schedule+0x5e/0xd0\n __mutex_lock+0x1/0x2\n </TASK>\n`,
    );
    expect(e.splats).toHaveLength(1);
    expect(e.tasks.map((t) => t.pid)).toEqual([2]);
  });

  it("leave the lines of another CPU to others", async () => {
    const e = await read(
      "[   10.000000][   T15] WARNING: possible recursive locking detected\n[   10.000001][   T99] 1 lock held by x/99:\n[   10.000002][   T99]  #0: ffff888101393538 (x){+.+.}-{3:3}, at: f+0x1/0x2\n[   10.000003][   T15] ffff888101393538 (y){+.+.}-{3:3}, at: f+0x1/0x2\n",
    );
    expect(e.splats[0]!.locks).toEqual(["y"]);
    expect(lists(e)).toEqual(["x/99: 0 x@f"]);
  });

  it("do not swallow a log after a lost report", async () => {
    const noise = Array.from({ length: 6000 }, (_, i) => `usb 1-1: line ${i}`).join("\n");
    const e = await read(`WARNING: inconsistent lock state\n${noise}\n`);
    expect(e.splats).toHaveLength(1);
    expect(e.unparsed.count).toBeGreaterThan(1500);
  });
});
