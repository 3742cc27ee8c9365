import { expect, test } from "vitest";
import type { ContextRef } from "../diagnose/types.ts";
import {
  article,
  contextName,
  contextNames,
  count,
  doingWords,
  eventSuffix,
  eventWords,
  headline,
  inputLegend,
  lineName,
  resourceName,
  roleSentence,
  verdictWords,
  waitedFor,
  waitSentence,
} from "./words.ts";

const ref = (r: Partial<ContextRef>): ContextRef => ({ key: "k", kind: "task", ...r });

test("contexts", () => {
  expect(contextName(ref({ pid: 24, comm: "kworker/u4:1", kind: "kworker" }))).toBe("kworker/u4:1 (pid 24)");
  expect(contextName(ref({ line: 40 }))).toBe("a bare stack at line 40");
  expect(contextName(ref({ pid: 7 }))).toBe("pid 7");
  expect(contextName(ref({ kind: "irq", cpu: 3 }))).toBe("an interrupt on CPU 3");
  expect(contextName(ref({ kind: "device", comm: "sda" }))).toBe("the device sda");
  expect(contextName(ref({ kind: "device", comm: "the block device" }))).toBe("the block device");
  expect(contextName(ref({ kind: "unknown" }))).toBe("somebody this log does not show");
  expect(contextNames([1, 2, 3].map((pid) => ref({ pid })))).toBe("pid 1, pid 2 and pid 3");
  expect(contextNames([1, 2, 3, 4, 5, 6].map((pid) => ref({ pid })))).toBe("pid 1, pid 2, pid 3, pid 4 and 2 more");
});

test("resources: with and without an instance, own names once, unknown classes in plain words", () => {
  expect(resourceName({ class: "PG_locked" })).toBe("PG_locked of a page");
  expect(resourceName({ class: "PG_locked", id: "page 817 of inode 12" })).toBe("PG_locked of page 817 of inode 12");
  expect(resourceName({ class: "jbd2_transaction", id: "vda-8" })).toBe("the jbd2 transaction of vda-8");
  expect(resourceName({ class: "mutex", id: "bd_mutex" })).toBe("mutex bd_mutex");
  expect(resourceName({ class: "inode_new", id: "I_NEW" })).toBe("I_NEW of an inode");
  expect(resourceName({ class: "some_lock", id: "x" })).toBe("some lock x");
  expect(resourceName({ class: "rpc", id: "behind its own transmit" })).toBe("an RPC answer behind its own transmit");
  expect(resourceName({ class: "constructor" })).toBe("a constructor");
  expect(resourceName({ class: "nfs_client_init" })).toBe("an NFS client init");
  expect(resourceName({ class: "eb_writeback" })).toBe("an eb writeback");
  expect(resourceName({ class: "extent_buffer_lock" })).toBe("an extent buffer lock");
  expect(["XFS iclog", "RPC", "user lock", "unpin", "one shot", "md stripe", "ipi"].map(article).join(" ")).toBe(
    "an an a an a an an",
  );
});

test("sentences", () => {
  expect(
    waitSentence({
      resource: { class: "mmap_lock" },
      event: "unlock",
      mode: "read",
      sleep: "killable",
      any: false,
      because: "",
    }),
  ).toBe("waits for mmap_lock of a process, for read (until it is unlocked; killable: a fatal signal ends it)");
  expect(waitedFor({ class: "jbd2_handle" })).toBe("open jbd2 handles to be stopped");
  expect(waitedFor({ class: "jbd2_handle", id: "vda-8" })).toBe("open jbd2 handles of vda-8 to be stopped");
  expect(["writers_zero", "pages_cleaned", "end_writeback", "tail_moved", "constructor"].map(eventWords)).toEqual([
    "ends when all writers are out",
    "ends when memory comes free",
    "ends when writeback ends",
    "ends with tail moved",
    "ends with constructor",
  ]);
  expect(eventSuffix({ class: "PG_locked" }, "unlock")).toBe("");
  expect(eventSuffix({ class: "jbd2_transaction" }, "commit")).toBe(" (ends with commit)");
  expect(verdictWords("deadlock", "likely")).toBe("DEADLOCK (likely)");
  expect(verdictWords("unknown", "possible")).toBe("CANNOT TELL");
  expect(headline("Cannot tell yet: btrfs (1) waits.")).toBe("btrfs (1) waits.");
  expect(headline("a and b wait.")).toBe("a and b wait.");
  expect(doingWords(["a", "b", "c", "d"])).toBe("a, c, d");
  expect([count(999), count(1463), count(134896020)]).toEqual(["999", "1,463", "134,896,020"]);
});

test("roles: a victim holds nothing that others could wait for", () => {
  const hold = (cls: string, confidence: "proven" | "likely" | "possible") =>
    ({ resource: { class: cls }, confidence, because: "" }) as const;
  const role = (...holds: ReturnType<typeof hold>[]): string => roleSentence({ role: "victim", holds }, "unknown");
  expect(role()).toMatch(/^VICTIM: /);
  expect(role(hold("mmap_lock", "possible"))).toMatch(/^VICTIM: /);
  expect(role(hold("mmap_lock", "likely"))).toBe(
    "WAITER, and holds mmap_lock of a process (others that need mmap_lock of a process queue behind it)",
  );
  expect(role(hold("c_lock", "proven"), hold("b_lock", "likely"), hold("b_lock", "proven"))).toBe(
    "WAITER, and holds a c lock and a b lock (others that need one of these queue behind it)",
  );
});

test("inputs: base names where they are short and tell apart, else numbers with a legend", () => {
  const input = (name: string) => ({ name, format: "x", formats: ["x"], bytes: 1, lines: 1 });
  const one = { inputs: [input("/very/long/path/kernel.log")] };
  expect([lineName(one, 0, 7), inputLegend(one, 0)]).toEqual(["line 7", "kernel.log"]);
  const two = { inputs: [input("/a/b/kernel.log"), input("/a/b/dmesg")] };
  expect([lineName(two, 1, 7), inputLegend(two, 1)]).toEqual(["line 7 of dmesg", "dmesg"]);
  const same = { inputs: [input("/a/kernel.log"), input("/b/kernel.log")] };
  expect([lineName(same, 1, 7), inputLegend(same, 1)]).toEqual(["line 7 of [2]", "[2] /b/kernel.log"]);
  const long = { inputs: [input("/a/console-of-the-host-2024-01-01.log"), input("/b/y")] };
  expect([lineName(long, 0, 7), inputLegend(long, 0)]).toEqual([
    "line 7 of [1]",
    "[1] console-of-the-host-2024-01-01.log",
  ]);
});
