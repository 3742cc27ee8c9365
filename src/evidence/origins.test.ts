/** Two machines or two boots in one log are never one incident. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { collectEvidence } from "./collect.ts";
import { textInput } from "./inputs.ts";
import type { Evidence } from "./types.ts";

const SAMPLE = readFileSync(new URL("formats/samples/hung-4.19-syzkaller.txt", import.meta.url), "utf8").replace(
  /^SOURCE: .*\n\n/,
  "",
);
const bare = (line: string): string => line.replace(/^\[ *\d+\.\d+\](?:\[[^\]]*\])? ?/, "");
const LINES = SAMPLE.split("\n").filter((l) => l !== "");
const BARE = LINES.map(bare);

const at = (seconds: number, lines: readonly string[] = BARE): readonly string[] =>
  lines.map((l, n) => `[${(seconds + n / 1e6).toFixed(6).padStart(12)}] ${l}`);
const on = (host: string, lines: readonly string[] = BARE): readonly string[] =>
  lines.map((l) => `Nov 18 08:10:27 ${host} kernel: ${l}`);
const BOOT = ["Linux version 6.1.0 (x@y) #1 SMP", "Command line: root=/dev/vda"];

const read = (...files: (readonly string[])[]): Promise<Evidence> =>
  collectEvidence(files.map((f, n) => textInput(`f${n}`, f.join("\n"))));
const origins = (e: Evidence): readonly number[] => e.tasks.map((t) => t.origin ?? 0);
const stacks = (e: Evidence): readonly string[] => e.tasks.map((t) => `${t.comm}:${t.pid} ${t.stack.names.join("<")}`);

describe("boots", () => {
  it("begin where printk time begins again", async () => {
    const e = await read([...at(616), ...at(0, BOOT), ...at(494)]);
    expect(origins(e)).toEqual([0, 0, 1, 1]);
    expect(e.origins).toEqual([
      { boot: 0, line: 1, input: 0 },
      { boot: 1, line: LINES.length + 1, input: 0 },
    ]);
    expect(e.snapshots.map((s) => s.origin ?? 0)).toEqual([0, 1]);
    expect(stacks(e).slice(0, 2)).toEqual(stacks(e).slice(2));
  });

  it("begin near 0 without the kernel's introduction", async () => {
    expect(origins(await read([...at(616), ...at(3, ["usb 1-1: new device"]), ...at(494)]))).toEqual([0, 0, 1, 1]);
  });

  it("begin with the kernel's introduction, without times", async () => {
    expect(origins(await read([...on("a"), ...on("a", BOOT), ...on("a")]))).toEqual([0, 0, 1, 1]);
    expect(origins(await read([...BARE, ...BOOT, ...BARE]))).toEqual([0, 0, 1, 1]);
  });

  it("have the counters that are printed in them, before their first task too", async () => {
    const disk = (n: number) => `   8       0 sda 1 0 8 1 1 0 ${n} 1 0 1 1 0 0 0 0`;
    const counters = [disk(5), "", ...at(616), ...at(0, BOOT), ...at(494), disk(6), ""];
    const e = await read(counters, [disk(7)]);
    expect(e.samples.map((s) => [s.values.sectors_written, s.origin])).toEqual([
      [5, 0],
      [6, 1],
      [7, undefined],
    ]);
    expect((await read([...at(616), disk(5)])).samples.map((s) => s.origin)).toEqual([undefined]);
  });

  it("that left no evidence do not count", async () => {
    const e = await read([...at(0, BOOT), ...at(900, ["x"]), ...at(0, BOOT), ...at(616)]);
    expect(e.origins).toEqual([{ boot: 0, line: 4, input: 0 }]);
    expect(e.tasks.every((t) => t.origin === undefined)).toBe(true);
  });

  it("do not begin where parts of one log are quoted in any order", async () => {
    const e = await read([...at(616), "", "Before that there was:", "", ...at(200), "", ...at(740)]);
    expect(e.origins).toHaveLength(1);
    expect(origins(e)).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it("do not begin with the contents of /proc/version", async () => {
    expect((await read([...at(616), "$ cat /proc/version", BOOT[0]!, ...at(740)])).origins).toHaveLength(1);
  });

  it("in every line stay bounded", async () => {
    const line = "INFO: task a:1 blocked for more than 120 seconds.";
    const e = await read(Array.from({ length: 3000 }, () => [...at(0, BOOT), ...at(200, [line])]).flat());
    expect(e.origins).toHaveLength(1000);
    expect(e.tasks).toHaveLength(3000);
  });
});

describe("machines", () => {
  it("one after the other", async () => {
    const e = await read([...on("a"), ...on("b")]);
    expect(origins(e)).toEqual([0, 0, 1, 1]);
    expect(e.origins.map((o) => [o.host, o.boot, o.line])).toEqual([
      ["a", 0, 1],
      ["b", 0, LINES.length + 1],
    ]);
  });

  it("line by line in turn", async () => {
    const a = on("a");
    const b = on("b");
    const e = await read(a.flatMap((l, n) => [l, b[n]!]));
    const want = stacks(await read(BARE));
    for (const host of [0, 1]) {
      const mine = { ...e, tasks: e.tasks.filter((t) => (t.origin ?? 0) === host) };
      expect(stacks(mine)).toEqual(want);
    }
  });

  it("keep their own times", async () => {
    const a = on("a", at(616));
    const b = on("b", at(3));
    expect((await read(a.flatMap((l, n) => [l, b[n]!]))).origins).toHaveLength(2);
  });

  it("in two inputs; what names none belongs to the first", async () => {
    const e = await read(on("a"), on("b"), BARE, on("a"));
    expect(origins(e)).toEqual([0, 0, 1, 1, 0, 0, 0, 0]);
    expect((await read(BARE, on("a"))).origins).toEqual([{ host: "a", boot: 0, line: 1, input: 0 }]);
  });

  it("are not facilities, nor what a machine is called while it boots", async () => {
    for (const other of ["kern.warn", "localhost", "err"])
      expect((await read([...on(other), ...on("a"), ...on(other)])).origins).toHaveLength(1);
  });
});

describe("journalctl -o json", () => {
  const json = (
    lines: readonly string[],
    boot: string,
    host = "a",
    message: (s: string) => unknown = (s) => s,
  ): string[] =>
    lines.map((l) =>
      JSON.stringify({
        __CURSOR: "s=1",
        _HOSTNAME: host,
        _BOOT_ID: boot,
        _TRANSPORT: "kernel",
        _SOURCE_MONOTONIC_TIMESTAMP: String(Math.round(Number(/^\[ *(\d+\.\d+)\]/.exec(l)?.[1] ?? 0) * 1e6)),
        MESSAGE: message(bare(l)),
      }),
    );
  const plain = at(616);

  it("gives what the plain log gives", async () => {
    const want = await read(plain);
    const bytes = (s: string): unknown => [...Buffer.from(s)];
    for (const e of [await read(json(plain, "x")), await read(json(plain, "x", "a", bytes))]) {
      expect(e.tasks).toEqual(want.tasks);
      expect(e.snapshots).toEqual(want.snapshots);
      expect(e.unparsed.count).toBe(want.unparsed.count);
    }
  });

  it("boots and machines are in its fields", async () => {
    const e = await read([...json(plain, "x"), ...json(plain, "y"), ...json(plain, "z", "b")]);
    expect(origins(e)).toEqual([0, 0, 1, 1, 2, 2]);
    expect(e.origins.map((o) => `${o.host} ${o.boot}`)).toEqual(["a 0", "a 1", "b 0"]);
    expect(origins(await read(json(plain, "x"), json(plain, "y"), json(plain, "x")))).toEqual([0, 0, 1, 1, 0, 0]);
  });

  it("damaged entries are ordinary lines", async () => {
    const odd = [
      '{"MESSAGE"',
      '{"MESSAGE":null}',
      '{"MESSAGE":[[1]]}',
      '{"MESSAGE":[300]}',
      `{"MESSAGE":${"[".repeat(60_000)}`,
    ];
    const e = await read(odd);
    expect(e.tasks).toEqual([]);
    expect(e.unparsed.count).toBe(odd.length);
  });
});
