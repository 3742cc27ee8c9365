import { expect, test } from "vitest";
import { readTar } from "./tar.ts";

/** One entry as busybox writes it. */
function entry(path: string, content: string, type = "0"): Buffer {
  const head = Buffer.alloc(512);
  head.write(path, 0);
  head.write("0000644\0", 100);
  head.write(`${Buffer.byteLength(content).toString(8).padStart(11, "0")}\0`, 124);
  head.write("        ", 148);
  head.write(type, 156);
  head.write("ustar  \0", 257);
  const sum = head.reduce((a, b) => a + b, 0);
  head.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  const body = Buffer.alloc(Math.ceil(Buffer.byteLength(content) / 512) * 512);
  body.write(content);
  return Buffer.concat([head, body]);
}
const end = Buffer.alloc(1024);
const long = "x".repeat(1000);

test("plain files of the archive, folders left out", () => {
  const { files, complete } = readTar(
    Buffer.concat([entry("./", "", "5"), entry("./memcg.txt", "a\n"), entry("./deep/er.txt", long), end]),
  );
  expect(complete).toBe(true);
  expect(files.map((f) => [f.path, f.content.toString()])).toEqual([
    ["memcg.txt", "a\n"],
    ["deep/er.txt", long],
  ]);
});

test("a disk on which nothing was written holds no archive", () => {
  expect(readTar(Buffer.alloc(4096))).toEqual({ files: [], complete: false });
});

test("an archive cut anywhere is not complete and keeps its whole files", () => {
  const archive = Buffer.concat([entry("one", "1"), entry("two", long), end]);
  for (const cut of [0, 100, 512, 900, 1024, 1100, 1536, 2000]) {
    const { files, complete } = readTar(archive.subarray(0, cut));
    expect(complete, `cut at ${cut}`).toBe(false);
    expect(files.length, `cut at ${cut}`).toBe(cut >= 513 ? 1 : 0);
  }
});

test("a broken head ends it", () => {
  const archive = Buffer.concat([entry("one", "1"), entry("two", "2"), end]);
  archive[1024 + 3] = 0xff;
  expect(readTar(archive)).toMatchObject({ complete: false, files: [{ path: "one" }] });
});

test("names that lead out of the folder are not taken", () => {
  const names = ["../up", "/etc/passwd", "a/../../b", "a b", "", ".."];
  const archive = Buffer.concat([...names.map((n) => entry(n || "\u0001", "x")), entry("good", "x"), end]);
  expect(readTar(archive).files.map((f) => f.path)).toEqual(["good"]);
});
