import { describe, expect, test } from "vitest";
import { type SubjectOptions, subject } from "../../test/diagnose-worlds.ts";
import { isKin } from "./kin.ts";

/** A task that flushes or stops something at frame 1, called from `callers`. */
const waiter = (...callers: string[]) => subject({ pid: 1, frames: ["schedule", "__flush_work", ...callers] });
const worker = (job: string, o: SubjectOptions = {}) =>
  subject({ pid: 2, comm: "kworker/0:1", frames: ["schedule", job, "process_one_work", "worker_thread"], ...o });
const kin = (callers: readonly string[], w: ReturnType<typeof subject>) => isKin(waiter(...callers), 1, w);

describe("kin of a work item", () => {
  test("of one module", () => {
    expect(kin(["stop_it [dummy]"], worker("do_it [dummy]"))).toBe(true);
    expect(kin(["stop_it [dummy]"], worker("do_it [other]"))).toBe(false);
    expect(kin(["stop_it"], worker("do_it"))).toBe(false);
  });
  test("of one family of names, underscores or not", () => {
    expect(kin(["__btrfs_stop"], worker("btrfs_work"))).toBe(true);
    expect(kin(["xfs_stop"], worker("btrfs_work"))).toBe(false);
  });
  test.each(["do", "vfs", "flush", "process", "work"])("`%s_` is no family", (word) => {
    expect(kin([`${word}_stop`], worker(`${word}_it`))).toBe(false);
  });
  test("a name of one word is no family, nor a single letter", () => {
    expect(kin(["btrfs"], worker("btrfs"))).toBe(false);
    expect(kin(["x_stop"], worker("x_it"))).toBe(false);
  });
  test("by the workqueue's name", () => {
    const w = worker("some_fn", { now: { workqueue: { name: "nvme-wq" } } });
    expect(kin(["nvme_stop"], w)).toBe(true);
    expect(kin(["scsi_stop"], w)).toBe(false);
  });
  test("the work item's function when the stack does not show it", () => {
    const w = subject({ pid: 2, frames: ["some_fn"], now: { workqueue: { name: "events", work: "nvme_scan" } } });
    expect(kin(["nvme_stop"], w)).toBe(true);
  });
  test("a context that runs no work item and is no thread has no kin", () => {
    expect(kin(["btrfs_stop"], subject({ pid: 2, frames: ["btrfs_sync_file", "vfs_fsync_range"] }))).toBe(false);
  });
  test("what the worker's loop called is its job, not what stands further in", () => {
    const w = subject({ pid: 2, frames: ["btrfs_inner", "nvme_scan", "process_one_work"] });
    expect(kin(["btrfs_stop"], w)).toBe(false);
    expect(kin(["nvme_stop"], w)).toBe(true);
  });
});

test("callers are looked at beyond the wait, four of them, unreliable ones aside", () => {
  const w = worker("btrfs_work");
  expect(kin(["a", "b", "c", "btrfs_stop"], w)).toBe(true);
  expect(kin(["a", "b", "c", "d", "btrfs_stop"], w)).toBe(false);
  expect(kin(["a", "? stale", "b", "c", "btrfs_stop"], w)).toBe(true);
  expect(kin(["? btrfs_stop"], w)).toBe(false);
  expect(isKin(subject({ frames: ["btrfs_inner", "__flush_work", "a"] }), 1, w)).toBe(false);
});

test("a kernel thread carries its subsystem's name", () => {
  const thread = (comm: string, ...frames: string[]) => subject({ pid: 2, comm, frames });
  expect(kin(["md_stop"], thread("md127_resync", "some_fn", "kthread", "ret_from_fork"))).toBe(true);
  expect(kin(["md_stop"], thread("other", "some_fn", "kthread", "ret_from_fork"))).toBe(false);
  expect(kin(["md_stop"], thread("md127_resync", "some_fn", "do_syscall_64"))).toBe(false);
});
