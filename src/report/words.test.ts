import { expect, test } from "vitest";
import type { ContextRef } from "../diagnose/types.ts";
import {
  contextName,
  contextNames,
  count,
  doingWords,
  headline,
  resourceName,
  verdictWords,
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

test("resources: with and without an instance, own names once, unknown classes as they are", () => {
  expect(resourceName({ class: "PG_locked" })).toBe("PG_locked of a page");
  expect(resourceName({ class: "PG_locked", id: "page 817 of inode 12" })).toBe("PG_locked of page 817 of inode 12");
  expect(resourceName({ class: "jbd2_transaction", id: "vda-8" })).toBe("the jbd2 transaction of vda-8");
  expect(resourceName({ class: "mutex", id: "bd_mutex" })).toBe("mutex bd_mutex");
  expect(resourceName({ class: "inode_new", id: "I_NEW" })).toBe("I_NEW of an inode");
  expect(resourceName({ class: "some_lock", id: "x" })).toBe("some_lock x");
  expect(resourceName({ class: "constructor" })).toBe("constructor");
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
  ).toBe("waits for mmap_lock of a process, for read (ends with unlock; killable: a fatal signal ends it)");
  expect(verdictWords("deadlock", "likely")).toBe("DEADLOCK (likely)");
  expect(verdictWords("unknown", "possible")).toBe("CANNOT TELL");
  expect(headline("Cannot tell yet: btrfs (1) waits.")).toBe("btrfs (1) waits.");
  expect(headline("a and b wait.")).toBe("a and b wait.");
  expect(doingWords(["a", "b", "c", "d"])).toBe("a, c, d");
  expect([count(999), count(1463), count(134896020)]).toEqual(["999", "1,463", "134,896,020"]);
});
