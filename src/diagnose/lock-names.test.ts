import { describe, expect, test } from "vitest";
import { lockList, waitMeaning } from "../../test/diagnose-worlds.ts";
import { isLockWait, nameLock, splitLocks } from "./lock-names.ts";

const named = (name: string) => nameLock({ index: 0, name, line: 4 });

describe("lockdep's class names", () => {
  test.each([
    ["&mm->mmap_lock", "mmap_lock", "mmap_lock"],
    ["&mm->mmap_sem", "mmap_lock", "mmap_sem"],
    ["&type->s_umount_key#25", "s_umount", "s_umount_key"],
    ["&type->s_umount_key#25/1", "s_umount", "s_umount_key"],
    ["&type->i_mutex_dir_key#10", "i_rwsem", "i_mutex_dir_key"],
    ["&sb->s_type->i_mutex_key#9", "i_rwsem", "i_mutex_key"],
    ["sb_writers#15", "sb_writers", "sb_writers"],
    ["sb_internal#2", "sb_writers", "sb_internal"],
    ["sb_pagefaults", "sb_writers", "sb_pagefaults"],
    ["jbd2_handle", "jbd2_handle", "jbd2_handle"],
    ["&xfs_nondir_ilock_class", "xfs_ilock", "xfs_nondir_ilock_class"],
    ["cgroup_mutex", "cgroup_mutex", "cgroup_mutex"],
    ["cpu_hotplug_lock", "cpu_hotplug_lock", "cpu_hotplug_lock"],
    ["&cgroup_threadgroup_rwsem", "percpu_rwsem", "cgroup_threadgroup_rwsem"],
    ["&ei->i_data_sem", "rwsem", "i_data_sem"],
    ["shrinker_rwsem", "rwsem", "shrinker_rwsem"],
    ["&sbi->s_writepages_rwsem", "rwsem", "s_writepages_rwsem"],
    ["&fs_info->transaction_kthread_mutex", "mutex", "transaction_kthread_mutex"],
    ["&f->f_pos_lock", "mutex", "f_pos_lock"],
    // only whole words: a semicolon's namesake is no semaphore
    ["&s->assembly_lock", "mutex", "assembly_lock"],
  ])("%s is %s %s", (name, cls, id) => {
    expect(named(name)).toEqual({ class: cls, id, line: 4 });
  });

  test("keeps the address", () => {
    expect(nameLock({ index: 0, name: "m", address: "ffff8880", line: 1 }).address).toBe("ffff8880");
  });
});

test("lock waits: sleeps inside a function that lockdep tracks", () => {
  expect(isLockWait(waitMeaning({ class: "mutex" }))).toBe(true);
  expect(isLockWait(waitMeaning({ class: "s_umount" }))).toBe(true);
  expect(isLockWait(waitMeaning({ class: "PG_locked" }))).toBe(false);
  expect(isLockWait(waitMeaning({ class: "sb_freeze", event: "thaw" }))).toBe(false);
  expect(isLockWait(undefined)).toBe(false);
});

describe("what is held and what is awaited", () => {
  const LOCKS = lockList(7, [["sb_writers#3"], ["&type->i_mutex_dir_key#2"], ["&ei->i_data_sem"]]);
  const split = (w: Parameters<typeof waitMeaning>[0] | undefined, list = LOCKS) => {
    const s = splitLocks(list, w && waitMeaning(w));
    return [s.held.map((l) => l.id), s.awaited?.id];
  };
  const ALL = ["sb_writers", "i_mutex_dir_key", "i_data_sem"];

  test("lockdep records before it succeeds: the last entry of who sleeps in a lock function is awaited", () => {
    expect(split({ class: "rwsem" })).toEqual([ALL.slice(0, 2), "i_data_sem"]);
    expect(split({ class: "mutex" })).toEqual([ALL.slice(0, 2), "i_data_sem"]);
  });
  test("who waits for no lock holds them all", () => {
    expect(split({ class: "PG_writeback", event: "end_writeback" })).toEqual([ALL, undefined]);
    expect(split(undefined)).toEqual([ALL, undefined]);
  });
  test("a wait whose lock the stack names is for that lock only", () => {
    expect(split({ class: "rwsem", id: "i_data_sem" })).toEqual([ALL.slice(0, 2), "i_data_sem"]);
    expect(split({ class: "rwsem", id: "data_sem" })).toEqual([ALL.slice(0, 2), "i_data_sem"]);
    expect(split({ class: "rwsem", id: "shrinker_rwsem" })).toEqual([ALL, undefined]);
    expect(split({ class: "s_umount" })).toEqual([ALL, undefined]);
    expect(split({ class: "mutex", id: "oom_lock" })).toEqual([ALL, undefined]);
  });
  test("a class of its own needs no name", () => {
    const dir = lockList(7, [["sb_writers#3"], ["&type->i_mutex_dir_key#2"]]);
    expect(split({ class: "i_rwsem", id: "dir" }, dir)).toEqual([["sb_writers"], "i_mutex_dir_key"]);
  });
  test("marks of RCU, work items and workqueues are no locks", () => {
    const marks = lockList(7, [
      ["(wq_completion)events"],
      ["(work_completion)(&w->work)"],
      ["&m->lock"],
      ["rcu_read_lock"],
      ["rcu_callback"],
    ]);
    expect(split({ class: "mutex" }, marks)).toEqual([[], "lock"]);
    expect(split(undefined, marks)).toEqual([["lock"], undefined]);
  });
  test("an empty list", () => {
    expect(split({ class: "mutex" }, lockList(7, []))).toEqual([[], undefined]);
  });
});
