import { describe, expect, test } from "vitest";
import { evidence, lockList, meaning, type SubjectOptions, subject, waitMeaning } from "../../test/diagnose-worlds.ts";
import { Interpreter } from "../knowledge/interpret.ts";
import { listedHolders, type Party, partiesOf, pendingEndIo, type Want } from "./wants.ts";

const interpreter = new Interpreter();
const party = (o: SubjectOptions): Party => partiesOf(evidence(), [subject({ pid: 7, comm: "t7", ...o })])[0]!;
/** With what the real table says of the frames. */
const real = (frames: readonly string[], o: SubjectOptions = {}): Party =>
  party({ frames, meaning: interpreter.interpret(frames.filter((f) => !f.startsWith("?"))), ...o });
const wantOf = (o: SubjectOptions): Want | undefined => party(o).want;

describe("reclaim", () => {
  const MEMCG = ["shrink_node", "do_try_to_free_pages", "try_to_free_mem_cgroup_pages", "try_charge_memcg", "f"];
  const GLOBAL = ["shrink_node", "do_try_to_free_pages", "try_to_free_pages", "__alloc_pages", "f"];

  test("wants memory, not the sleep of the step it is in", () => {
    expect(real(["io_schedule_timeout", "reclaim_throttle", ...MEMCG]).want).toMatchObject({
      class: "memcg_charge",
      event: "uncharge",
      scope: "memcg",
      sleep: "poll",
      any: true,
      retries: true,
      inReclaim: true,
      frame: 4,
      providers: ["flusher", "device", "victim", "anyone"],
    });
    expect(real(["io_schedule_timeout", "reclaim_throttle", ...MEMCG]).want?.because).toBe(
      "frame try_to_free_mem_cgroup_pages: memory cgroup reclaim, tried again until pages come free",
    );
  });
  test("of the host when no group's limit asked for it", () => {
    const w = real(["io_schedule_timeout", "reclaim_throttle", ...GLOBAL]).want;
    expect(w).toMatchObject({ class: "reclaim", event: "pages_freed", frame: 4 });
    expect(w?.because).toContain("direct reclaim");
  });
  test.each(["reclaim", "memcg_charge", "lru_lock", "spinlock", "memcg_oom"])("a wait for %s is a step", (cls) => {
    expect(wantOf({ frames: GLOBAL, meaning: meaning({ wait: waitMeaning({ class: cls }) }) })?.class).toBe("reclaim");
  });
  test("a hard wait inside reclaim stays that wait, marked as inside", () => {
    const w = real(["io_schedule", "folio_wait_writeback", "shrink_folio_list", ...MEMCG]).want;
    expect(w).toMatchObject({ class: "PG_writeback", inReclaim: true, retries: false, any: false });
  });
  test("running or spinning in it wants memory; running elsewhere wants nothing", () => {
    for (const state of ["running", "spinning"] as const)
      expect(wantOf({ frames: GLOBAL, blocked: false, meaning: meaning({ state }) })?.class).toBe("reclaim");
    expect(wantOf({ frames: ["f"], meaning: meaning({ state: "running", wait: waitMeaning() }) })).toBeUndefined();
  });
  test("a spinning step wants memory even when a hard wait was read", () => {
    const spinning = meaning({ state: "spinning", wait: waitMeaning({ class: "PG_locked" }) });
    expect(wantOf({ frames: GLOBAL, meaning: spinning })?.class).toBe("reclaim");
  });
  test("an idle thread, or one that sleeps unblocked, does not reclaim", () => {
    expect(wantOf({ frames: GLOBAL, meaning: meaning({ state: "idle" }) })).toBeUndefined();
    expect(wantOf({ frames: GLOBAL, blocked: false, meaning: meaning() })).toBeUndefined();
  });
  test("outside reclaim nothing is in reclaim", () => {
    expect(wantOf({ frames: ["f"], meaning: meaning({ wait: waitMeaning({ class: "spinlock" }) }) })).toMatchObject({
      class: "spinlock",
      inReclaim: false,
    });
  });
});

describe("retries", () => {
  const retries = (w: Parameters<typeof waitMeaning>[0]) =>
    wantOf({ frames: ["f"], meaning: meaning({ wait: waitMeaning(w) }) })?.retries;
  test("polling for any of many is a loop; polling or spinning for one lock is waiting for its holder", () => {
    expect(retries({ sleep: "poll", any: true })).toBe(true);
    expect(retries({ sleep: "spin", any: true })).toBe(true);
    expect(retries({ sleep: "poll" })).toBe(false);
    expect(retries({ sleep: "spin" })).toBe(false);
    expect(retries({ sleep: "timed", any: true })).toBe(false);
  });
});

test("a wait as the stack says it, with the line of its frame", () => {
  const w = wantOf({
    frames: ["schedule", "? stale", "down_read", "taker"],
    now: { frameLines: [21, 22, 23, 24] },
    meaning: meaning({
      wait: waitMeaning({
        class: "rwsem",
        id: "x",
        mode: "read",
        seconds: 3,
        frame: 1,
        caller: "taker",
        providers: ["admin"],
      }),
    }),
  });
  expect(w).toEqual({
    class: "rwsem",
    id: "x",
    event: "unlock",
    mode: "read",
    scope: "lock",
    sleep: "uninterruptible",
    seconds: 3,
    any: false,
    providers: ["admin"],
    because: "frame down_read called from taker",
    line: 23,
    frame: 1,
    retries: false,
    inReclaim: false,
    fallback: false,
    caller: "taker",
  });
});

test("without the lines of frames, the line of the task", () => {
  const w = wantOf({ line: 17, frames: ["down_read"], meaning: meaning({ wait: waitMeaning() }) });
  expect(w).toMatchObject({ line: 17, because: "frame down_read" });
});

describe("lock lists and owners", () => {
  const locks = lockList(7, [
    ["sb_writers#3", "aa01"],
    ["&ei->i_data_sem", "aa02"],
  ]);
  test("the awaited lock's address and name come from the list; a generic class becomes the lock's own", () => {
    const dir = lockList(7, [["&mm->mmap_lock", "aa03"]]);
    const w = wantOf({ frames: ["f"], locks: dir, meaning: meaning({ wait: waitMeaning({ class: "rwsem" }) }) });
    expect(w).toMatchObject({ class: "mmap_lock", id: "mmap_lock", address: "aa03" });
  });
  test.each(["mutex", "semaphore", "percpu_rwsem", "rwsem"])("%s says only which kind of lock it is", (cls) => {
    const list = lockList(7, [["cgroup_mutex", "aa04"]]);
    const event = cls === "semaphore" ? "unlock" : undefined;
    const w = waitMeaning({ class: cls, ...(event && { event }) });
    expect(wantOf({ frames: ["f"], locks: list, meaning: meaning({ wait: w }) })?.class).toBe("cgroup_mutex");
  });
  test("a class of its own stays, whatever the list calls it", () => {
    const list = lockList(7, [["&sb->s_type->i_mutex_key#9", "aa05"]]);
    const w = wantOf({
      frames: ["f"],
      locks: list,
      meaning: meaning({ wait: waitMeaning({ class: "i_rwsem", id: "dir" }) }),
    });
    expect(w).toMatchObject({ class: "i_rwsem", id: "dir", address: "aa05" });
  });
  test("the name that the stack gives is kept", () => {
    const w = wantOf({
      frames: ["f"],
      locks,
      meaning: meaning({ wait: waitMeaning({ class: "rwsem", id: "data_sem" }) }),
    });
    expect(w).toMatchObject({ class: "rwsem", id: "data_sem", address: "aa02" });
  });
  test("what comes before it is held for sure", () => {
    const { haves } = party({ frames: ["f"], locks, meaning: meaning({ wait: waitMeaning({ class: "rwsem" }) }) });
    expect(haves).toEqual([
      {
        subject: 0,
        class: "sb_writers",
        id: "sb_writers",
        scope: "lock",
        confidence: "proven",
        because: "lockdep lists sb_writers as held",
        line: 101,
        frame: -1,
        address: "aa01",
      },
    ]);
  });
  test("who waits for no lock holds all of the list", () => {
    const w = waitMeaning({ class: "PG_locked" });
    expect(party({ frames: ["f"], locks, meaning: meaning({ wait: w }) }).haves.map((h) => h.address)).toEqual([
      "aa01",
      "aa02",
    ]);
  });
  test("the owner as the kernel names it", () => {
    const likelyOwner = { lock: "mutex", pid: 114, line: 9 } as const;
    expect(wantOf({ frames: ["f"], now: { likelyOwner }, meaning: meaning({ wait: waitMeaning() }) })?.ownerPid).toBe(
      114,
    );
  });
});

describe("what it has", () => {
  test("holds of the stack, with their frame and its line", () => {
    const holds = [
      { class: "PG_locked", scope: "page", confidence: "likely", because: "locked here", frame: 1, source: "" },
    ] as const;
    const { haves } = party({ frames: ["a", "b"], now: { frameLines: [5, 6] }, meaning: meaning({ holds }) });
    expect(haves).toEqual([
      {
        subject: 0,
        class: "PG_locked",
        scope: "page",
        confidence: "likely",
        because: "frame b: locked here",
        line: 6,
        frame: 1,
      },
    ]);
  });
  test("a thread's name says what it will raise, when its stack does not", () => {
    const classes = (comm: string, m = meaning()) =>
      party({ comm, frames: ["a"], now: { comm }, meaning: m }).haves.map(
        (h) => `${h.class} ${h.confidence} ${h.frame}`,
      );
    expect(classes("jbd2/vda-8")).toEqual(["jbd2_commit likely -1", "jbd2_transaction likely -1"]);
    expect(classes("kworker/u4:0+flush-8:0")).toEqual(["writeback_work likely -1"]);
    expect(classes("bash")).toEqual([]);
    const proven = {
      class: "jbd2_commit",
      scope: "journal",
      confidence: "proven",
      because: "",
      frame: 0,
      source: "",
    } as const;
    expect(classes("jbd2/vda-8", meaning({ holds: [proven] }))).toEqual([
      "jbd2_commit proven 0",
      "jbd2_transaction likely -1",
    ]);
  });
});

describe("holders that only a lock list shows", () => {
  const lists = [lockList(9, [["a", "aa01"], ["b"], ["c", "aa03"]], { comm: "ghost", line: 50, input: 2 })];
  const shown = partiesOf(evidence(), [subject({ pid: 7 })]);

  test("by address, without the last entry: it may be the one it waits for", () => {
    expect([...listedHolders(evidence({ heldLocks: lists }), shown)]).toEqual([
      ["aa01", { pid: 9, comm: "ghost", input: 2, line: 51 }],
    ]);
  });
  test("not for tasks whose stack is there", () => {
    const known = partiesOf(evidence(), [subject({ pid: 9 })]);
    expect(listedHolders(evidence({ heldLocks: lists }), known).size).toBe(0);
  });
});

test("parties keep the order and number of the subjects, each with its place", () => {
  const all = partiesOf(evidence(), [
    subject({ pid: 1, comm: "jbd2/vda-8", now: { comm: "jbd2/vda-8" } }),
    subject({ pid: 2, comm: "x", frames: ["xfs_log_force"] }),
  ]);
  expect(all.map((p) => p.subject.ref.pid)).toEqual([1, 2]);
  expect(all.map((p) => p.place.fs ?? p.place.journal)).toEqual(["vda-8", "xfs"]);
  expect(all[0]?.haves.every((h) => h.subject === 0)).toBe(true);
  expect(all[1]?.want).toBeUndefined();
});

describe("end-of-I/O works", () => {
  const queue = (name: string, fn: string, n: number, line = 1) => ({
    input: 0,
    line,
    name,
    inFlight: [],
    pending: Array.from({ length: n }, () => fn),
  });
  const of = (...workqueues: ReturnType<typeof queue>[]) => pendingEndIo(evidence({ workqueues }));

  test("that pile up are found, the longest queue first", () => {
    expect(of(queue("xfs-conv/vda", "xfs_end_io", 9), queue("xfs-conv/dm-0", "xfs_end_io", 58, 12))).toEqual({
      fn: "xfs_end_io",
      queue: "xfs-conv/dm-0",
      count: 58,
      input: 0,
      line: 12,
    });
  });
  test("a few are on their way, and other works do not count", () => {
    expect(of(queue("xfs-conv/dm-0", "xfs_end_io", 7))).toBeUndefined();
    expect(of(queue("events", "vmstat_update", 99))).toBeUndefined();
    expect(of()).toBeUndefined();
  });
});
