import { expect, test } from "vitest";
import { type CpioEntry, cpioArchive } from "./cpio.ts";

interface Read {
  readonly path: string;
  readonly mode: number;
  readonly content: string;
  readonly rdev: readonly number[];
}

/** What the kernel's unpacker does, word for word of the format's description. */
function unpack(archive: Buffer): Read[] {
  const entries: Read[] = [];
  let at = 0;
  const aligned = (n: number): number => Math.ceil(n / 4) * 4;
  for (;;) {
    expect(archive.toString("latin1", at, at + 6)).toBe("070701");
    const field = (i: number): number =>
      Number.parseInt(archive.toString("latin1", at + 6 + 8 * i, at + 14 + 8 * i), 16);
    const nameEnd = at + 110 + field(11);
    const path = archive.toString("utf8", at + 110, nameEnd - 1);
    expect(archive[nameEnd - 1]).toBe(0);
    const from = aligned(nameEnd);
    if (path === "TRAILER!!!") return entries;
    entries.push({
      path,
      mode: field(1),
      content: archive.toString("utf8", from, from + field(6)),
      rdev: [field(9), field(10)],
    });
    at = aligned(from + field(6));
  }
}

const entries: readonly CpioEntry[] = [
  { kind: "directory", path: "dev" },
  { kind: "character-device", path: "dev/console", major: 5, minor: 1 },
  { kind: "file", path: "init", content: Buffer.from("#!/bin/sh\n"), executable: true },
  { kind: "file", path: "empty", content: Buffer.alloc(0) },
  { kind: "file", path: "one", content: Buffer.from("1") },
];

test("what goes in comes out, with its kind and its mode", () => {
  expect(unpack(cpioArchive(entries))).toEqual([
    { path: "dev", mode: 0o040755, content: "", rdev: [0, 0] },
    { path: "dev/console", mode: 0o020600, content: "", rdev: [5, 1] },
    { path: "init", mode: 0o100755, content: "#!/bin/sh\n", rdev: [0, 0] },
    { path: "empty", mode: 0o100644, content: "", rdev: [0, 0] },
    { path: "one", mode: 0o100644, content: "1", rdev: [0, 0] },
  ]);
});

test("names and contents of every length keep the padding right", () => {
  const many = Array.from({ length: 9 }, (_, i): CpioEntry => {
    return { kind: "file", path: `${"n".repeat(i + 1)}`, content: Buffer.alloc(i, "c") };
  });
  expect(unpack(cpioArchive(many)).map((e) => [e.path.length, e.content.length])).toEqual(
    many.map((_, i) => [i + 1, i]),
  );
});

test("same entries, same bytes", () => {
  expect(cpioArchive(entries).equals(cpioArchive(entries))).toBe(true);
});
