import { describe, expect, test } from "vitest";
import { lockList, type PartyOptions, parties } from "../../test/diagnose-worlds.ts";
import { holdersOf, indexHolds, type Join, queuedWriters } from "./joins.ts";

/** Who can end the wait of the first party. */
function joins(waiter: PartyOptions, ...others: readonly PartyOptions[]): Join[] {
  const all = parties(waiter, ...others);
  return holdersOf(all[0]!.want!, 0, all, indexHolds(all));
}
const text = (js: readonly Join[]) =>
  js.map((j) => `${j.subject} ${j.confidence}${j.exact ? " exact" : ""}${j.self ? " self" : ""}`);

describe("by address", () => {
  test("proven and exact, whatever the classes are called", () => {
    expect(
      text(
        joins(
          { want: { class: "rwsem", address: "aa" } },
          { haves: [{ class: "mutex", address: "aa", confidence: "likely" }] },
        ),
      ),
    ).toEqual(["1 proven exact"]);
  });
  test("another address is another lock, even of one name", () => {
    const j = joins(
      { want: { class: "mutex", id: "m", scope: "global", address: "aa" } },
      { haves: [{ id: "m", scope: "global", address: "bb" }] },
    );
    expect(text(j)).toEqual([]);
  });
  test("where lockdep lists what a task holds, a guess from its stack does not count", () => {
    const guess = { id: "m", scope: "global" } as const;
    const waiter = { want: { id: "m", scope: "global", address: "aa" } } as const;
    expect(text(joins(waiter, { haves: [guess], locks: lockList(2, [["x"]]) }))).toEqual([]);
    expect(text(joins(waiter, { haves: [guess] }))).toEqual(["1 proven exact"]);
    // without an address of the waiter there is nothing better than the guess
    expect(
      text(joins({ want: { id: "m", scope: "global" } }, { haves: [guess], locks: lockList(2, [["x"]]) })),
    ).toEqual(["1 proven exact"]);
  });
  test("held by itself only where the list says so", () => {
    const own = (frame: number) => joins({ want: { address: "aa", frame: 0 }, haves: [{ address: "aa", frame }] });
    expect(text(own(-1))).toEqual(["0 proven exact self"]);
    expect(text(own(3))).toEqual([]);
  });
});

describe("by the owner that the kernel names", () => {
  test("overrides everything else", () => {
    const j = joins({ want: { ownerPid: 3, address: "aa" } }, { haves: [{ address: "aa" }] }, {});
    expect(text(j)).toEqual(["2 likely exact"]);
  });
  test("and no surer than the kernel is", () => {
    const [j] = joins({ want: { ownerPid: 2 } }, {});
    expect(j?.have).toMatchObject({ subject: 1, class: "mutex", confidence: "likely", frame: -1 });
  });
  test("an owner that is not in the evidence leaves the other joins", () => {
    expect(text(joins({ want: { ownerPid: 99, address: "aa" } }, { haves: [{ address: "aa" }] }))).toEqual([
      "1 proven exact",
    ]);
  });
  test("itself", () => {
    expect(text(joins({ want: { ownerPid: 1 } }))).toEqual(["0 likely exact self"]);
  });
});

describe("by name", () => {
  test("a global lock is one: exact, as sure as the hold", () => {
    const global = { id: "oom_lock", scope: "global" } as const;
    expect(text(joins({ want: global }, { haves: [global] }))).toEqual(["1 proven exact"]);
    expect(text(joins({ want: global }, { haves: [{ ...global, confidence: "likely" }] }))).toEqual(["1 likely exact"]);
    expect(text(joins({ want: global }, { haves: [{ ...global, id: "other" }] }))).toEqual([]);
    expect(text(joins({ want: global }, { haves: [{ ...global, class: "rwsem" }] }))).toEqual([]);
  });
  test("some mutex is nobody's in particular", () => {
    expect(text(joins({ want: {} }, { haves: [{}] }))).toEqual([]);
    expect(text(joins({ want: { id: "a" } }, { haves: [{}] }))).toEqual([]);
    expect(text(joins({ want: {} }, { haves: [{ id: "a" }] }))).toEqual([]);
    expect(text(joins({ want: { id: "a" } }, { haves: [{ id: "a" }] }))).toEqual(["1 likely"]);
  });
  test("a wait known only by class may be for an inode that a stack holds", () => {
    const inode = { class: "i_rwsem", scope: "inode" } as const;
    expect(text(joins({ want: inode }, { haves: [inode] }))).toEqual(["1 likely"]);
    expect(text(joins({ want: { class: "i_rwsem" } }, { haves: [inode] }))).toEqual([]);
    // a primitive's class says nothing, whatever its scope
    const mutex = { class: "mutex", scope: "inode" } as const;
    expect(text(joins({ want: mutex }, { haves: [mutex] }))).toEqual([]);
    expect(text(joins({ want: { ...mutex, id: "m" } }, { haves: [mutex] }))).toEqual([]);
    expect(text(joins({ want: { ...mutex, id: "m" } }, { haves: [{ ...mutex, id: "m" }] }))).toEqual(["1 likely"]);
    expect(text(joins({ want: inode }, { haves: [{ ...inode, confidence: "possible" }] }))).toEqual(["1 possible"]);
  });
  test("places decide: the same journal is exact, another file system is another inode", () => {
    const w = { class: "jbd2_commit", scope: "journal" } as const;
    const at = (device: string, fs: string) => ({ place: { device, fs } });
    expect(text(joins({ want: w, ...at("vda", "ext4") }, { haves: [w], ...at("vda", "ext4") }))).toEqual([
      "1 proven exact",
    ]);
    expect(text(joins({ want: w, ...at("vda", "ext4") }, { haves: [w], ...at("vdb", "ext4") }))).toEqual([]);
    const inode = { class: "i_rwsem", scope: "inode" } as const;
    expect(text(joins({ want: inode, place: { fs: "ext4" } }, { haves: [inode], place: { fs: "xfs" } }))).toEqual([]);
  });
  test("of two holds of one task, the exact one", () => {
    const w = { class: "jbd2_commit", scope: "lock", id: "x" } as const;
    for (const scopes of [
      ["lock", "global"],
      ["global", "lock"],
    ] as const)
      expect(text(joins({ want: w }, { haves: scopes.map((scope) => ({ ...w, scope })) }))).toEqual(["1 proven exact"]);
  });
  test("holders of that very name leave those without one aside", () => {
    const w = { class: "i_rwsem", scope: "inode" } as const;
    const [unnamed, named] = [{ haves: [w] }, { haves: [{ ...w, id: "dir" }] }];
    expect(text(joins({ want: { ...w, id: "dir" } }, unnamed, named))).toEqual(["2 likely"]);
    expect(text(joins({ want: { ...w, id: "dir" } }, unnamed))).toEqual(["1 likely"]);
    expect(text(joins({ want: w }, unnamed, named))).toEqual(["1 likely", "2 likely"]);
  });
});

describe("modes", () => {
  const lock = { class: "rwsem", id: "x", scope: "global" } as const;
  test("a reader does not wait for a reader", () => {
    expect(text(joins({ want: { ...lock, mode: "read" } }, { haves: [{ ...lock, mode: "read" }] }))).toEqual([]);
    expect(text(joins({ want: { ...lock, mode: "read" } }, { haves: [{ ...lock, mode: "write" }] }))).toHaveLength(1);
    expect(text(joins({ want: { ...lock, mode: "write" } }, { haves: [{ ...lock, mode: "read" }] }))).toHaveLength(1);
    expect(text(joins({ want: { ...lock, mode: "read" } }, { haves: [lock] }))).toHaveLength(1);
  });
  test("nor for itself as a reader", () => {
    const self = (want: "read" | "write", have: "read" | "write") =>
      joins({ want: { ...lock, mode: want, frame: 0 }, haves: [{ ...lock, mode: have, frame: 2 }] });
    expect(text(self("read", "read"))).toEqual([]);
    expect(text(self("write", "read"))).toEqual(["0 likely exact self"]);
  });
});

describe("itself", () => {
  const self = (
    scope: "global" | "lock" | "journal" | "inode" | "device",
    id: string | undefined,
    o: PartyOptions = {},
  ) =>
    joins({
      frames: ["w", "x", "y", "h"],
      ...o,
      want: { class: "xfs_buf", scope, id, frame: 0, ...o.want },
      haves: [{ class: "xfs_buf", scope, id, frame: 3, ...o.haves?.[0] }],
    });
  test("one global lock, one journal, one named lock found twice in a stack", () => {
    for (const [scope, id] of [
      ["global", undefined],
      ["journal", undefined],
      ["lock", "m"],
      ["device", "m"],
    ] as const)
      expect([scope, ...text(self(scope, id))]).toEqual([scope, "0 likely exact self"]);
  });
  test("some mutex is not another one, even a global one", () => {
    const mutex = (id: string | undefined) =>
      joins({
        frames: ["w", "h"],
        want: { scope: "global", id, frame: 0 },
        haves: [{ scope: "global", id, frame: 1 }],
      });
    expect(text(mutex(undefined))).toEqual([]);
    expect(text(mutex("m"))).toEqual(["0 likely exact self"]);
  });
  test("two locks without a name may be two", () => {
    for (const [scope, id] of [
      ["inode", undefined],
      ["inode", "m"],
      ["lock", undefined],
      ["device", undefined],
    ] as const)
      expect([scope, ...text(self(scope, id))]).toEqual([scope]);
  });
  test("of one name only", () => {
    expect(text(self("global", "m", { haves: [{ id: "n" }] }))).toEqual([]);
  });
  test("not what was taken further in than the wait, nor what no frame shows", () => {
    expect(text(self("global", "m", { want: { frame: 3 } }))).toEqual([]);
    expect(text(self("global", "m", { haves: [{ frame: -1 }] }))).toEqual([]);
    expect(text(self("global", "m", { want: { frame: -1 } }))).toEqual([]);
  });
  test("never surer than likely, and no surer than the hold", () => {
    expect(text(self("global", "m", { haves: [{ confidence: "possible" }] }))).toEqual(["0 possible exact self"]);
  });
  test("bits of the inode it is busy with, but not across the shrinkers: they choose their own", () => {
    const sync = (...between: string[]) =>
      joins({
        frames: ["w", ...between, "h"],
        want: { class: "inode_sync", scope: "inode", frame: 0 },
        haves: [{ class: "inode_sync", scope: "inode", frame: between.length + 1 }],
      });
    expect(text(sync("evict", "iput"))).toEqual(["0 likely exact self"]);
    expect(text(sync("evict", "super_cache_scan"))).toEqual([]);
  });
});

describe("work items and threads", () => {
  const flush = (id?: string): PartyOptions => ({
    frames: ["schedule", "__flush_work", "nvme_stop"],
    want: { class: "work_flush", scope: "work", frame: 1, id },
  });
  const worker = (job: string, id?: string): PartyOptions => ({
    frames: ["schedule", job, "process_one_work"],
    haves: [{ class: "work_flush", scope: "work", id }],
  });
  test("which one is meant, only kinship or a name tells", () => {
    expect(text(joins(flush(), worker("nvme_scan")))).toEqual(["1 likely"]);
    expect(text(joins(flush(), worker("scsi_scan")))).toEqual([]);
    expect(text(joins(flush("drain"), worker("scsi_scan", "drain")))).toEqual(["1 likely"]);
    expect(text(joins(flush("drain"), worker("nvme_scan", "other")))).toEqual([]);
  });
});

describe("insiders: a lock known only by the function that takes it", () => {
  const waiter: PartyOptions = {
    frames: ["schedule", "__mutex_lock", "taker", "f"],
    want: { class: "mutex", caller: "taker", frame: 1 },
  };
  const inside: PartyOptions = {
    frames: ["schedule", "deeper", "taker", "g"],
    want: { class: "PG_locked", scope: "page" },
  };

  test("somebody past the lock in that function is the likely holder, not an exact one", () => {
    const [j, ...rest] = joins(waiter, inside);
    expect(rest).toEqual([]);
    expect(j).toMatchObject({ subject: 1, confidence: "likely", exact: false, self: false });
    expect(j?.have).toMatchObject({ class: "mutex", frame: 2 });
    expect(j?.have.because).toContain("taker");
  });
  test("not who waits in it for the lock too, nor who has only just entered it", () => {
    expect(text(joins(waiter, waiter))).toEqual([]);
    expect(text(joins(waiter, { frames: ["taker", "g"] }))).toEqual([]);
  });
  test("not for readers, global locks, addresses, classes with their own rows, or entry code", () => {
    const but = (want: PartyOptions["want"]) => text(joins({ ...waiter, want: { ...waiter.want, ...want } }, inside));
    expect(but({})).toEqual(["1 likely"]);
    expect(but({ mode: "read", class: "rwsem" })).toEqual([]);
    expect(but({ mode: "write", class: "rwsem" })).toEqual(["1 likely"]);
    expect(but({ scope: "global" })).toEqual([]);
    expect(but({ address: "aa" })).toEqual([]);
    expect(but({ class: "i_rwsem" })).toEqual([]);
    expect(but({ caller: undefined })).toEqual([]);
    const entry = { frames: ["schedule", "x", "do_syscall_64"], want: { class: "PG_locked" } };
    expect(text(joins({ ...waiter, want: { ...waiter.want, caller: "do_syscall_64" } }, entry))).toEqual([]);
  });
  test("not on another file system", () => {
    expect(text(joins({ ...waiter, place: { fs: "ext4" } }, { ...inside, place: { fs: "xfs" } }))).toEqual([]);
    expect(text(joins({ ...waiter, place: { fs: "ext4" } }, { ...inside, place: { fs: "ext4" } }))).toEqual([
      "1 likely",
    ]);
  });
  test("a known holder comes first", () => {
    const named: PartyOptions = { haves: [{ id: "m", scope: "global" }] };
    const want = { ...waiter.want, id: "m" };
    expect(text(joins({ ...waiter, want }, inside, named))).toEqual(["2 proven exact"]);
  });
});

describe("queued writers", () => {
  const lock = { class: "rwsem", id: "x", scope: "global" } as const;
  const queued = (reader: PartyOptions, ...others: PartyOptions[]) => {
    const all = parties(reader, ...others);
    return queuedWriters(all[0]!.want!, 0, all, indexHolds(all));
  };
  const read = { want: { ...lock, mode: "read" } } as const;
  const write = { want: { ...lock, mode: "write" } } as const;

  test("block a later reader of the same lock", () => {
    expect(queued(read, write, { want: lock }, write)).toEqual([1, 3]);
  });
  test("block no writer, and none waits behind itself", () => {
    expect(queued(write, write)).toEqual([]);
  });
  test("only on locks that have readers", () => {
    const page = { class: "PG_locked", scope: "global" } as const;
    expect(queued({ want: { ...page, mode: "read" } }, { want: { ...page, mode: "write" } })).toEqual([]);
  });
  test("on another lock they are in nobody's way", () => {
    expect(queued(read, { want: { ...write.want, id: "y" } })).toEqual([]);
    const nameless = { class: "rwsem", scope: "lock" } as const;
    expect(queued({ want: { ...nameless, mode: "read" } }, { want: { ...nameless, mode: "write" } })).toEqual([]);
  });
  test("addresses decide where both are known", () => {
    const at = (address: string, id: string, mode: "read" | "write") => ({ want: { ...lock, id, mode, address } });
    expect(queued(at("aa", "x", "read"), at("aa", "y", "write"))).toEqual([1]);
    expect(queued(at("aa", "x", "read"), at("bb", "x", "write"))).toEqual([]);
  });
  test("of one process, one file system", () => {
    const mm = { class: "mmap_lock", scope: "mm" } as const;
    const of = (tgid: number, mode: "read" | "write") => ({ want: { ...mm, mode }, place: { tgid } });
    expect(queued(of(5, "read"), of(5, "write"), of(6, "write"))).toEqual([1]);
  });
});
