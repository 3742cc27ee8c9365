import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cacheFolder, guestFolder, resultFolder } from "./folders.ts";

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "unwedge-folders-"));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

test("the cache is where the user keeps caches", () => {
  expect(cacheFolder({ XDG_CACHE_HOME: "/var/c", HOME: "/home/u" })).toBe("/var/c/unwedge/lab");
  expect(cacheFolder({ XDG_CACHE_HOME: "relative", HOME: "/home/u" })).toBe("/home/u/.cache/unwedge/lab");
  expect(cacheFolder({ HOME: "/home/u" })).toBe("/home/u/.cache/unwedge/lab");
});

test("results are never overwritten", () => {
  const folder = join(dir, "results");
  expect(resultFolder(folder, "x")).toBe(folder);
  mkdirSync(folder);
  expect(resultFolder(folder, "x")).toBe(folder);
  writeFileSync(join(folder, "kernel.log"), "");
  expect(() => resultFolder(folder, "x")).toThrow("is not empty");
  expect(() => resultFolder(join(folder, "kernel.log"), "x")).toThrow("is not empty");
});

test("the guest's files are in the package", () => {
  expect(existsSync(join(guestFolder, "init"))).toBe(true);
});
