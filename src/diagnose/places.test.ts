import { describe, expect, test } from "vitest";
import { evidence, type SubjectOptions, subject } from "../../test/diagnose-worlds.ts";
import type { Scope } from "../knowledge/types.ts";
import { agree, deviceNames, type Place, placeOf } from "./places.ts";

const disk = (key: string, major: number | undefined, minor: number) => ({
  source: "diskstats" as const,
  input: 0,
  line: 1,
  key,
  values: { ...(major !== undefined && { major }), minor },
});
const NAMES = deviceNames(evidence({ samples: [disk("vda", 254, 0), disk("loop0", 7, 0)] }));
const place = (o: SubjectOptions): Place => placeOf(subject(o), NAMES);
const kworker = (name: string, description?: string): Place =>
  place({
    comm: "kworker/u4:0",
    now: { workqueue: { name, work: "w", ...(description !== undefined && { description }) } },
  });

test("device numbers are named by disk statistics, and by nothing else", () => {
  expect([...NAMES]).toEqual([
    ["254:0", "vda"],
    ["7:0", "loop0"],
  ]);
  const vm = { ...disk("nr", 1, 2), source: "vmstat" as const };
  expect([...deviceNames(evidence({ samples: [vm, disk("sda", undefined, 0)] }))]).toEqual([]);
});

describe("device", () => {
  test("of a flusher, from its description or its name", () => {
    expect(kworker("writeback", "flush-254:0").device).toBe("vda");
    expect(kworker("writeback", "flush-8:16").device).toBe("8:16");
    expect(kworker("writeback", "flush-btrfs-1").device).toBe("btrfs-1");
    expect(place({ comm: "x", now: { comm: "kworker/u4:0+flush-254:0" } }).device).toBe("vda");
  });
  test("of a workqueue that is made per device", () => {
    expect(kworker("xfs-conv/vdb1").device).toBe("vdb1");
    // the workqueue's own number behind the device's
    expect(kworker("kcryptd-254:0-1").device).toBe("vda");
    expect(kworker("kcryptd/253:0").device).toBe("253:0");
    expect(kworker("kcryptd_io/254:0").device).toBe("vda");
    expect(kworker("xfs-sync/sda1").device).toBe("sda1");
    expect(kworker("events_unbound").device).toBeUndefined();
    // ext4-rsv-conversion names no device
    expect(kworker("ext4-rsv-conversion").device).toBeUndefined();
  });
  test("of a kernel thread's name", () => {
    expect(place({ comm: "xfsaild/dm-4" }).device).toBe("dm-4");
    expect(place({ comm: "dmcrypt_write/253:1" }).device).toBe("253:1");
    expect(place({ comm: "loop0", now: { comm: "loop0" } }).device).toBe("loop0");
    expect(place({ comm: "u10:0", now: { comm: "u10:0+loop0" } }).device).toBe("loop0");
    expect(place({ comm: "bash", now: { comm: "bash" } }).device).toBeUndefined();
  });
  test("of a journal thread, from the journal's name", () => {
    expect(place({ comm: "jbd2/vda-8" })).toMatchObject({ journal: "vda-8", device: "vda" });
    expect(place({ comm: "jbd2/dm-0-8" })).toMatchObject({ journal: "dm-0-8", device: "dm-0" });
    expect(place({ comm: "jbd/sda1-8" }).journal).toBe("sda1-8");
    expect(place({ comm: "jbd2ish" }).journal).toBeUndefined();
  });
});

describe("file system", () => {
  const fs = (...frames: string[]) => place({ frames }).fs;
  test("the innermost one: reclaim may have entered another than the system call", () => {
    expect(fs("__schedule", "xfs_log_force", "shrink_slab", "ext4_create", "vfs_create")).toBe("xfs");
  });
  test.each([
    ["jbd2_journal_start", "ext4"],
    ["__ext4_new_inode", "ext4"],
    ["nfs4_proc_open", "nfs"],
    ["smb2_open", "cifs"],
    ["btrfs_sync_file", "btrfs"],
  ])("%s is %s", (frame, expected) => {
    expect(fs("schedule", frame)).toBe(expected);
  });
  test("not from an unreliable frame, nor from a name that only contains one", () => {
    expect(fs("? ext4_create", "vfs_create")).toBeUndefined();
    expect(fs("do_xfs_thing", "ext4")).toBeUndefined();
  });
});

test("process and name", () => {
  expect(place({ comm: "java", now: { tgid: 44 } })).toEqual({ tgid: 44, comm: "java" });
});

describe("agreement", () => {
  const all: readonly Scope[] = [
    ...(["global", "mm", "sb", "journal", "device", "inode", "page", "buffer"] as const),
    ...(["memcg", "work", "task", "request", "server", "lock"] as const),
  ];
  const table = (a: Place, b: Place) =>
    Object.fromEntries(
      (["same", "different"] as const).map((x) => [x, all.filter((s) => agree(s, a, b) === x && agree(s, b, a) === x)]),
    );

  test("nothing known: only global is the same, nothing is different", () => {
    expect(table({}, {})).toEqual({ same: ["global"], different: [] });
  });
  test("processes decide for mm only", () => {
    expect(table({ tgid: 1 }, { tgid: 1 })).toEqual({ same: ["global", "mm"], different: [] });
    expect(table({ tgid: 1 }, { tgid: 2 })).toEqual({ same: ["global"], different: ["mm"] });
    expect(table({ tgid: 1 }, {})).toEqual({ same: ["global"], different: [] });
  });
  test("file systems that differ part everything of theirs; a page or a device may be shared", () => {
    expect(table({ fs: "ext4" }, { fs: "xfs" })).toEqual({
      same: ["global"],
      different: ["sb", "journal", "inode", "buffer", "request"],
    });
    expect(table({ fs: "ext4" }, { fs: "ext4" })).toEqual({ same: ["global"], different: [] });
  });
  test("one device: the same journal, super block and device, but not surely the same inode or page", () => {
    expect(table({ device: "vda" }, { device: "vda" })).toEqual({
      same: ["global", "sb", "journal", "device"],
      different: [],
    });
  });
  test("two devices of one naming part all that lives on a device", () => {
    const parted = ["sb", "journal", "device", "inode", "page", "buffer", "request"];
    expect(table({ device: "vda" }, { device: "vdb" }).different).toEqual(parted);
    expect(table({ device: "dm-1" }, { device: "dm-2" }).different).toEqual(parted);
    expect(table({ device: "254:0" }, { device: "254:16" }).different).toEqual(parted);
    expect(table({ journal: "vda-8" }, {}).different).toEqual([]);
    expect(table({ journal: "vda-8" }, { journal: "vdb-8" }).different).toEqual(parted);
  });
  test.each([
    ["vda", "vda1"],
    ["254:0", "vda"],
    ["dm-0", "sda"],
    ["sda", "vda"],
    ["dm-1", "dm-10"],
  ])("%s and %s: names of different kinds, or one within the other, prove nothing", (a, b) => {
    expect(table({ device: a }, { device: b })).toEqual({ same: ["global"], different: [] });
  });
});
