import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findProgram, isStaticElf } from "./programs.ts";

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "unwedge-programs-"));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const elf = (segments: readonly number[], bits = 2): string => {
  const head = Buffer.alloc(64 + 56 * segments.length);
  head.write("\x7fELF", "latin1");
  head[4] = bits;
  head.writeBigUInt64LE(64n, 32);
  head.writeUInt16LE(56, 54);
  head.writeUInt16LE(segments.length, 56);
  for (const [i, type] of segments.entries()) head.writeUInt32LE(type, 64 + 56 * i);
  const file = join(dir, `elf-${segments.join("-")}-${bits}`);
  writeFileSync(file, head);
  return file;
};

test("a program is static when no segment names a loader", () => {
  const [load, interpreter] = [1, 3];
  expect(isStaticElf(elf([load, load]))).toBe(true);
  expect(isStaticElf(elf([load, interpreter]))).toBe(false);
  expect(isStaticElf(elf([load], 1))).toBe(false);
  writeFileSync(join(dir, "script"), "#!/bin/sh\n");
  expect(isStaticElf(join(dir, "script"))).toBe(false);
});

test("finds what can be started, in the order of the path", () => {
  const [a, b] = [join(dir, "a"), join(dir, "b")];
  for (const folder of [a, b]) {
    mkdirSync(folder);
    writeFileSync(join(folder, "tool-of-a-test"), "");
  }
  expect(findProgram("tool-of-a-test", `${a}:${b}`)).toBeUndefined();
  chmodSync(join(b, "tool-of-a-test"), 0o755);
  expect(findProgram("tool-of-a-test", `${a}::${b}`)).toBe(join(b, "tool-of-a-test"));
  mkdirSync(join(dir, "c/folder-of-a-test"), { recursive: true });
  expect(findProgram("folder-of-a-test", join(dir, "c"))).toBeUndefined();
});
