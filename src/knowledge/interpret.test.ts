import { describe, expect, it } from "vitest";
import { Interpreter, type WaitMeaning } from "./interpret.ts";
import { parseRelease } from "./release.ts";
import type { CallerRow, DoingRow, HoldRow, KnowledgeRow, NeutralRow, WaitRow } from "./types.ts";

type Row<T> = Partial<T> & { readonly fn: readonly string[] };
const waits = (r: Row<WaitRow>): WaitRow => ({
  kind: "wait",
  class: "mutex",
  event: "unlock",
  scope: "lock",
  sleep: "uninterruptible",
  source: `w ${r.fn[0]}`,
  ...r,
});
const names = (r: Row<CallerRow>): CallerRow => ({
  kind: "caller",
  of: ["mutex"],
  class: "mutex",
  scope: "lock",
  source: `c ${r.fn[0]}`,
  ...r,
});
const holds = (r: Row<HoldRow>): HoldRow => ({
  kind: "hold",
  class: "mutex",
  scope: "lock",
  confidence: "proven",
  because: `holds in ${r.fn[0]}`,
  source: `h ${r.fn[0]}`,
  ...r,
});
const doing = (r: Row<DoingRow>): DoingRow => ({ kind: "doing", activity: `does ${r.fn[0]}`, source: "d", ...r });
const neutral = (...fn: string[]): NeutralRow => ({ kind: "neutral", fn, source: "n" });

const read = (rows: readonly KnowledgeRow[], stack: string, release?: string) =>
  new Interpreter(release === undefined ? undefined : parseRelease(release), rows).interpret(stack.split(" "));
const waitOf = (rows: readonly KnowledgeRow[], stack: string, release?: string): WaitMeaning | undefined =>
  read(rows, stack, release).wait;

/** bit < buffer < fs: the primitive says nothing, the next frame says what, the outer one more. */
const bit = waits({ fn: ["bit_sleep", "out_of_line"], class: "bit_wait", event: "clear" });
const buffer = waits({ fn: ["buffer_sleep"], class: "buffer_lock", scope: "buffer", providers: ["device"] });

describe("where the wait is read", () => {
  it("skips the scheduler and takes the outermost wait frame, with all that its row says", () => {
    expect(waitOf([bit, buffer], "__schedule io_schedule bit_sleep buffer_sleep fs_read vfs_read")).toEqual({
      class: "buffer_lock",
      event: "unlock",
      scope: "buffer",
      sleep: "uninterruptible",
      any: false,
      providers: ["device"],
      frame: 3,
      caller: "fs_read",
      fallback: false,
      source: "w buffer_sleep",
    });
  });

  it("a bare primitive further out does not undo what is known", () => {
    expect(waitOf([bit, buffer], "schedule buffer_sleep out_of_line fs_read")).toMatchObject({
      class: "buffer_lock",
      frame: 1,
      caller: "fs_read",
    });
  });

  it("an idle or timer row without a name is bare; with a name, or another class, it is not", () => {
    const timer = waits({ fn: ["nap"], class: "timer" });
    const named = waits({ fn: ["long_nap"], class: "timer", id: "pause" });
    expect(waitOf([buffer, timer], "buffer_sleep nap f")?.class).toBe("buffer_lock");
    expect(waitOf([buffer, named], "buffer_sleep long_nap f")).toMatchObject({ class: "timer", id: "pause" });
  });

  it("among bare primitives the outer one is better", () => {
    const completion = waits({ fn: ["wait_done"], class: "completion", event: "complete" });
    expect(waitOf([bit, completion], "bit_sleep wait_done f")?.class).toBe("completion");
  });

  it("walks over neutral frames, but not over entry code or unknown frames", () => {
    const rows = [bit, buffer, neutral("wrapper", "do_syscall_64")];
    expect(waitOf(rows, "bit_sleep wrapper buffer_sleep f")?.class).toBe("buffer_lock");
    expect(waitOf(rows, "bit_sleep do_syscall_64 buffer_sleep f")?.class).toBe("bit_wait");
    expect(waitOf(rows, "bit_sleep stranger buffer_sleep f")).toMatchObject({ class: "bit_wait", caller: "stranger" });
  });

  it("a scheduler frame beyond the wait ends it", () => {
    expect(waitOf([bit, buffer], "bit_sleep schedule buffer_sleep")?.class).toBe("bit_wait");
  });

  it("direct: only when nothing but the scheduler stands above", () => {
    const direct = waits({ fn: ["commit"], direct: true, class: "jbd2_handle" });
    expect(waitOf([direct], "__schedule schedule commit kjournald2")?.class).toBe("jbd2_handle");
    expect(waitOf([direct, bit], "schedule bit_sleep commit kjournald2")?.class).toBe("bit_wait");
  });

  it("callers stand further out at any distance, callees further in", () => {
    const rows = [
      waits({ fn: ["sleep_on"], class: "plain" }),
      waits({ fn: ["sleep_on"], class: "under_far", callers: ["far"] }),
      waits({ fn: ["helper"], class: "over_bit", callees: ["bit_sleep"] }),
      bit,
    ];
    expect(waitOf(rows, "schedule sleep_on a b far")?.class).toBe("under_far");
    expect(waitOf(rows, "schedule sleep_on a b")?.class).toBe("plain");
    expect(waitOf(rows, "far sleep_on a")?.class).not.toBe("under_far");
    expect(waitOf(rows, "bit_sleep helper f")?.class).toBe("over_bit");
    expect(waitOf(rows, "sleep_on helper bit_sleep")?.class).toBe("plain");
  });

  it("a row with conditions beats one without, wherever it stands in the table", () => {
    const plain = waits({ fn: ["sleep_on"], class: "plain" });
    const cond = waits({ fn: ["sleep_on"], class: "cond", callers: ["far"] });
    const both = waits({ fn: ["sleep_on"], class: "both", callers: ["far"], callees: ["near"] });
    const direct = waits({ fn: ["sleep_on"], class: "direct", direct: true });
    for (const rows of [
      [plain, cond, neutral("near")],
      [cond, plain, neutral("near")],
    ])
      expect(waitOf(rows, "near sleep_on far")?.class).toBe("cond");
    expect(waitOf([both, cond, plain, neutral("near")], "near sleep_on far")?.class).toBe("both");
    expect(waitOf([plain, direct], "sleep_on far")?.class).toBe("direct");
    expect(waitOf([direct, cond], "sleep_on far")?.class).toBe("cond");
  });

  it("eras: a row outside its range is not used; without a release every row may be", () => {
    const rows = [
      waits({ fn: ["nap"], class: "old", era: { before: "5.0" } }),
      waits({ fn: ["nap"], class: "new", era: { since: "5.0" } }),
    ];
    expect(waitOf(rows, "nap f", "4.19.1")?.class).toBe("old");
    expect(waitOf(rows, "nap f", "5.0.0")?.class).toBe("new");
    expect(waitOf(rows, "nap f")?.class).toBe("old");
  });
});

describe("the caller names the lock", () => {
  const lock = waits({ fn: ["lock_slow"], sleep: "killable" });
  const taker = names({ fn: ["taker"], id: "oom_lock", scope: "global", providers: ["admin"] });

  it("class, id, scope and providers come from it, the sleep and the frame from the primitive", () => {
    expect(waitOf([lock, taker], "schedule lock_slow taker f")).toEqual({
      class: "mutex",
      id: "oom_lock",
      event: "unlock",
      scope: "global",
      sleep: "killable",
      any: false,
      providers: ["admin"],
      frame: 1,
      caller: "taker",
      fallback: false,
      source: "c taker",
    });
  });

  it("only the first frame outside the primitive counts", () => {
    expect(waitOf([lock, taker], "lock_slow other taker")?.id).toBeUndefined();
    expect(waitOf([lock, taker, neutral("wrapper")], "lock_slow wrapper taker")?.id).toBe("oom_lock");
  });

  it("only for the primitive it speaks of, in its era, under its callers", () => {
    const rw = waits({ fn: ["down"], class: "rwsem" });
    const old = names({ fn: ["taker"], id: "old", era: { before: "5.0" } });
    const far = names({ fn: ["taker"], id: "far", callers: ["far"] });
    expect(waitOf([rw, taker], "down taker")?.id).toBeUndefined();
    expect(waitOf([lock, old], "lock_slow taker", "5.1.0")?.id).toBeUndefined();
    expect(waitOf([lock, old], "lock_slow taker", "4.9.0")?.id).toBe("old");
    expect(waitOf([lock, far], "lock_slow taker x far")?.id).toBe("far");
    expect(waitOf([lock, far], "lock_slow taker x")?.id).toBeUndefined();
  });

  it("the row with callers beats the general one; then the one that names the primitive first", () => {
    const far = names({ fn: ["taker"], id: "far", callers: ["far"] });
    expect(waitOf([lock, taker, far], "lock_slow taker far")?.id).toBe("far");
    expect(waitOf([lock, far, taker], "lock_slow taker far")?.id).toBe("far");
    const second = names({ fn: ["taker"], of: ["rwsem", "mutex"], id: "second" });
    expect(waitOf([lock, second, taker], "lock_slow taker")?.id).toBe("oom_lock");
  });

  it("a reader's wait is not refined by a row about writers", () => {
    const rows = [
      waits({ fn: ["down_r"], class: "rwsem", mode: "read" }),
      names({ fn: ["taker"], of: ["rwsem"], id: "w", mode: "write" }),
    ];
    expect(waitOf(rows, "down_r taker")).toMatchObject({ class: "rwsem", mode: "read" });
    expect(waitOf(rows, "down_r taker")?.id).toBeUndefined();
    expect(waitOf([...rows, names({ fn: ["taker"], of: ["rwsem"], id: "r", mode: "read" })], "down_r taker")?.id).toBe(
      "r",
    );
  });

  it("a specific class is refined only by rows that list it", () => {
    const page = waits({ fn: ["page_sleep"], class: "PG_locked" });
    const row = names({ fn: ["taker"], of: ["PG_locked"], class: "PG_locked", id: "read", event: "end_read" });
    expect(waitOf([page, row], "page_sleep taker")).toMatchObject({ id: "read", event: "end_read" });
    expect(waitOf([page, taker], "page_sleep taker")).toMatchObject({ class: "PG_locked", event: "unlock" });
  });
});

describe("functions without a row", () => {
  it.each([
    ["my_mutex_lock_slow", "mutex", "unlock"],
    ["__down_read_killable_x", "rwsem", "unlock"],
    ["foo_rwsem_wait", "rwsem", "unlock"],
    ["__down_odd", "semaphore", "up"],
    ["do_wait_for_common_x", "completion", "complete"],
    ["arch_flush_work", "work_flush", "complete"],
    ["cancel_delayed_work_x", "work_flush", "complete"],
    ["my_folio_lock_x", "PG_locked", "unlock"],
    ["foo_wait_on_page_writeback", "PG_writeback", "end_writeback"],
  ])("%s waits for %s by a general rule", (fn, cls, event) => {
    expect(waitOf([], `__schedule schedule ${fn} outer`)).toMatchObject({
      class: cls,
      event,
      frame: 2,
      caller: "outer",
      fallback: true,
      source: "general rule",
    });
    expect(waitOf([], `schedule ${fn} outer`)?.id).toBeUndefined();
  });

  it("`countdown_tick` is no semaphore: the unknown keeps the function's name", () => {
    expect(waitOf([], "schedule countdown_tick outer")).toMatchObject({
      class: "unknown",
      id: "countdown_tick",
      event: "wake",
    });
  });

  it("a stack that slept nowhere, in a function known to hold something, is in that function: no wait", () => {
    const rows = [holds({ fn: ["holder_fn"] })];
    expect(waitOf(rows, "holder_fn f")).toBeUndefined();
    expect(waitOf(rows, "schedule holder_fn f")).toMatchObject({ class: "unknown", id: "holder_fn" });
    expect(waitOf(rows, "stranger f")).toMatchObject({ class: "unknown", id: "stranger" });
  });

  it("/proc/PID/stack leaves lock functions out: a stack that begins at a known taker waits for its lock", () => {
    const rows = [names({ fn: ["taker"], id: "oom_lock", scope: "global" })];
    expect(waitOf(rows, "taker caller_fn")).toEqual({
      class: "mutex",
      id: "oom_lock",
      event: "unlock",
      scope: "global",
      sleep: "uninterruptible",
      any: false,
      providers: ["holder"],
      frame: 0,
      caller: "caller_fn",
      fallback: true,
      source: "c taker",
    });
    const done = [names({ fn: ["taker"], of: ["completion"], class: "completion", id: "stop" })];
    expect(waitOf(done, "taker f")).toMatchObject({ id: "stop", event: "complete" });
  });

  it("but a row that names another primitive first is not about an inlined lock", () => {
    const rows = [names({ fn: ["taker"], of: ["work_flush", "mutex"], id: "odd" })];
    expect(waitOf(rows, "taker f")).toMatchObject({ class: "unknown", id: "taker" });
  });
});

describe("states", () => {
  const spinRow = waits({ fn: ["_raw_spin_lock"], class: "spinlock", sleep: "spin" });
  it("an empty stack is empty; the scheduler alone waits for nobody knows what", () => {
    expect(new Interpreter(undefined, []).interpret([])).toEqual({ state: "empty", holds: [], doing: [], unknown: [] });
    expect(read([], "__schedule schedule")).toEqual({ state: "waiting", holds: [], doing: [], unknown: [] });
  });
  it("a preempted context runs, whatever it did", () => {
    const m = read([bit], "__schedule preempt_schedule_common bit_sleep f");
    expect(m.state).toBe("running");
    expect(m.wait).toBeUndefined();
  });
  it("spins with its wait", () => {
    expect(read([spinRow], "_raw_spin_lock f")).toMatchObject({ state: "spinning", wait: { class: "spinlock" } });
  });
  it("an idle worker is nobody's problem", () => {
    const m = read([waits({ fn: ["worker_loop"], class: "idle" })], "schedule worker_loop kthread");
    expect(m.state).toBe("idle");
    expect(m.wait).toBeUndefined();
  });
});

describe("holds", () => {
  const classes = (rows: readonly KnowledgeRow[], stack: string, release?: string) =>
    read(rows, stack, release).holds.map((h) => `${h.class}${h.id ? ` ${h.id}` : ""} @${h.frame} ${h.confidence}`);

  it("anywhere in the stack, with the frame that says so", () => {
    expect(read([holds({ fn: ["outer"], id: "m", mode: "read" })], "a b outer").holds).toEqual([
      {
        class: "mutex",
        id: "m",
        mode: "read",
        scope: "lock",
        confidence: "proven",
        because: "holds in outer",
        frame: 2,
        source: "h outer",
      },
    ]);
  });
  it("callees: only once it has called one; notCallees: not any more in one", () => {
    const rows = [holds({ fn: ["outer"], callees: ["inner"], notCallees: ["unlocked"] })];
    expect(classes(rows, "x inner outer")).toEqual(["mutex @2 proven"]);
    expect(classes(rows, "x outer inner")).toEqual([]);
    expect(classes(rows, "outer")).toEqual([]);
    expect(classes(rows, "unlocked inner outer")).toEqual([]);
    expect(classes(rows, "inner outer unlocked")).toEqual(["mutex @1 proven"]);
  });
  it("callers and notCallers look outward", () => {
    const rows = [holds({ fn: ["outer"], callers: ["good"], notCallers: ["bad"] })];
    expect(classes(rows, "outer x good")).toEqual(["mutex @0 proven"]);
    expect(classes(rows, "good outer x")).toEqual([]);
    expect(classes(rows, "outer good bad")).toEqual([]);
    expect(classes(rows, "bad outer good")).toEqual(["mutex @1 proven"]);
  });
  it("one of each class, id and mode: the surest, and of equals the outermost", () => {
    const weak = holds({ fn: ["outer"], confidence: "possible" });
    const sure = holds({ fn: ["inner"], confidence: "likely" });
    expect(classes([weak, sure], "inner outer")).toEqual(["mutex @0 likely"]);
    expect(
      classes([holds({ fn: ["inner"], confidence: "possible" }), holds({ fn: ["outer"] })], "inner outer"),
    ).toEqual(["mutex @1 proven"]);
    expect(classes([holds({ fn: ["f"] })], "f x f")).toEqual(["mutex @2 proven"]);
    expect(classes([holds({ fn: ["f"], id: "a" }), holds({ fn: ["f"], id: "b" })], "f")).toEqual([
      "mutex a @0 proven",
      "mutex b @0 proven",
    ]);
    expect(classes([holds({ fn: ["f"], mode: "read" }), holds({ fn: ["f"], mode: "write" })], "f")).toHaveLength(2);
  });
  it("only in its era", () => {
    const rows = [holds({ fn: ["f"], era: { since: "5.10", before: "5.18" } })];
    expect(classes(rows, "f", "5.9.0")).toEqual([]);
    expect(classes(rows, "f", "5.15.0")).toEqual(["mutex @0 proven"]);
    expect(classes(rows, "f", "5.18.0")).toEqual([]);
  });
});

describe("doing and unknown", () => {
  it("says each activity once, under its callers and in its era", () => {
    const rows = [
      doing({ fn: ["a", "b"], activity: "reclaims" }),
      doing({ fn: ["c"], activity: "for a charge", callers: ["charge"] }),
      doing({ fn: ["d"], activity: "old", era: { before: "4.0" } }),
    ];
    expect(read(rows, "a b c d charge", "5.0.0").doing).toEqual(["reclaims", "for a charge"]);
    expect(read(rows, "charge c d", "3.2.0").doing).toEqual(["old"]);
  });
  it("a frame is not its own caller", () => {
    expect(read([doing({ fn: ["a"], callers: ["a"] })], "a b").doing).toEqual([]);
    expect(read([doing({ fn: ["a"], callers: ["a"] })], "a b a").doing).toEqual(["does a"]);
  });
  it("lists frames that no row of any kind knows, innermost first", () => {
    const rows = [bit, holds({ fn: ["held"] }), names({ fn: ["taker"] }), doing({ fn: ["busy"] }), neutral("wrapper")];
    const known = "__schedule preempt_schedule_irq _raw_spin_lock bit_sleep held taker busy wrapper do_syscall_64";
    expect(read(rows, `y ${known} x`).unknown).toEqual(["y", "x"]);
    const interpreter = new Interpreter(undefined, rows);
    for (const name of known.split(" ")) expect([name, interpreter.knows(name)]).toEqual([name, true]);
    expect(interpreter.knows("x")).toBe(false);
  });
});

it("the same stack gives the same object, also from another array; other stacks and interpreters their own", () => {
  const i = new Interpreter(undefined, [bit]);
  const a = i.interpret(["schedule", "bit_sleep", "f"]);
  expect(i.interpret(["schedule", "bit_sleep", "f"])).toBe(a);
  expect(i.interpret(["schedule", "bit_sleep", "g"])).not.toBe(a);
  expect(new Interpreter(undefined, [buffer]).interpret(["schedule", "bit_sleep", "f"]).wait?.class).toBe("unknown");
});
