import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { guestFolder } from "./folders.ts";
import { initramfs, parameterFile } from "./initramfs.ts";
import { scenarios } from "./scenarios.ts";

const archive = initramfs({
  guestFolder,
  busybox: Buffer.from("BUSYBOX"),
  load: Buffer.from("LOAD"),
  modules: [
    { name: "virtio_ring", content: Buffer.from("KO") },
    { name: "virtio_blk", content: Buffer.from("KO") },
  ],
  parameters: { scenario: "healthy", tasks: 8 },
}).toString("latin1");

test("holds the first process, the programs, the modules in order and the numbers", () => {
  for (const name of ["init\0", "bin/busybox\0", "bin/load\0", "dev/console\0", "lab/lib.sh\0", "lab/probes\0"])
    expect(archive).toContain(name);
  expect(archive).toContain("virtio_ring.ko\nvirtio_blk.ko\n");
  expect(archive).toContain("scenario=healthy\ntasks=8\n");
});

test.each(scenarios)(
  "the script of $name is there for every cgroup version, and reads only numbers it is given",
  (s) => {
    const script = (name: string): string => readFileSync(join(guestFolder, "scenarios", name), "utf8");
    expect(archive).toContain(`lab/scenarios/${s.name}.sh\0`);
    const text = script(`${s.name}.sh`);
    for (const [, name] of text.matchAll(/\$\(?\(?"?([a-z]+_(?:mib|seconds|kib)|tasks|outside|seconds)\b/g))
      expect(Object.keys(s.parameters)).toContain(name);
    if (text.includes("-$cgroup.sh"))
      for (const v of s.cgroups) expect(script(`${s.name}-${v}.sh`)).toContain("report ");
  },
);

test("no script is left over", () => {
  const names = readdirSync(join(guestFolder, "scenarios")).map((f) => f.replace(/(-v[12])?\.sh$/, ""));
  expect([...new Set(names)].sort()).toEqual(scenarios.map((s) => s.name).sort());
});

test("a parameter is never more than a word", () => {
  expect(parameterFile({ a: 1, b: "v1" })).toBe("a=1\nb=v1\n");
  for (const bad of ["x y", "$(reboot)", "a;b", "`x`", "'"])
    expect(() => parameterFile({ a: bad })).toThrow(RangeError);
  expect(() => parameterFile({ "A B": 1 })).toThrow(RangeError);
});
