import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { archivesOf, dependencyIn, type PackageOptions, unpack, unpackedBefore } from "./packages.ts";

let dir: string;
let said: string[];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "unwedge-packages-"));
  mkdirSync(join(dir, "bin"));
  said = [];
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** A program of the host, as a shell script that writes down how it was called. */
const host = (name: string, script: string): void => {
  const file = join(dir, "bin", name);
  writeFileSync(file, `#!/bin/sh\necho "${name} $*" >>${dir}/calls\n${script}\n`);
  chmodSync(file, 0o755);
};
const calls = (): string[] => readFileSync(join(dir, "calls"), "utf8").trimEnd().split("\n");
const options = (more: Partial<PackageOptions> = {}): PackageOptions => ({
  cacheFolder: join(dir, "cache"),
  path: join(dir, "bin"),
  interrupted: new AbortController().signal,
  say: (line) => said.push(line),
  ...more,
});
const unpacks = 'mkdir -p "$3/usr/bin" && : >"$3/usr/bin/$(basename "$2" .deb)"';
const wanted = { name: "busybox-static", dependencies: false };

test("downloads once, unpacks, and asks nobody the second time", async () => {
  host("apt-get", ": >busybox-static_1_amd64.deb");
  host("apt-cache", "");
  host("dpkg-deb", unpacks);
  const root = await unpack(wanted, options());
  expect(readdirSync(join(root, "usr/bin"))).toEqual(["busybox-static_1_amd64"]);
  expect(archivesOf(join(dir, "cache"), "busybox-static")).toEqual(["busybox-static_1_amd64.deb"]);
  const before = calls().length;
  expect(await unpack(wanted, options())).toBe(root);
  expect(calls().length).toBe(before);
  // nothing is left beside the package: no archives, no folder of a half-finished download
  expect(readdirSync(join(dir, "cache"))).toEqual(["busybox-static"]);
  expect(readdirSync(join(dir, "cache/busybox-static")).sort()).toEqual(["root", "unwedge.json"]);
});

test("never asks apt-get for more than a download", async () => {
  host("apt-get", ": >qemu-system-x86_1_amd64.deb; : >libfdt1_1_amd64.deb");
  host("apt-cache", "");
  host("dpkg-deb", unpacks);
  await unpack({ name: "qemu-system-x86", dependencies: true }, options());
  const [apt] = calls();
  expect(apt).toMatch(/^apt-get install --download-only --no-install-recommends -y -qq .* qemu-system-x86$/);
  expect(archivesOf(join(dir, "cache"), "qemu-system-x86")).toHaveLength(2);
});

test("an empty package is followed to the real one", async () => {
  host("apt-cache", 'printf "linux-image-cloud-amd64\\n  Depends: linux-image-6.1.0-56-cloud-amd64\\n"');
  host("apt-get", 'for name; do :; done; : >"$name"_6.1_amd64.deb');
  host("dpkg-deb", unpacks);
  await unpack({ name: "linux-image-cloud-amd64", dependencies: false, stands: /^linux-image-\d/ }, options());
  expect(archivesOf(join(dir, "cache"), "linux-image-cloud-amd64")).toEqual([
    "linux-image-6.1.0-56-cloud-amd64_6.1_amd64.deb",
  ]);
});

test("old package lists: fresh ones of its own, then once more", async () => {
  host("apt-cache", "");
  host("dpkg-deb", unpacks);
  host(
    "apt-get",
    `case "$1" in update) : >${dir}/fresh; exit 0;; esac
     [ -e ${dir}/fresh ] && : >busybox-static_1_amd64.deb && exit 0
     echo "E: Unable to locate package busybox-static" >&2; exit 100`,
  );
  await unpack(wanted, options());
  expect(calls().map((c) => c.split(" ").slice(0, 2).join(" "))).toEqual([
    "apt-get download",
    "apt-get update",
    "apt-get download",
    "dpkg-deb -x",
  ]);
  expect(calls()[1]).toContain(`Dir::State::lists=${join(dir, "cache")}`);
  expect(said.join("\n")).toContain("Unable to locate package");
});

test("no network: says which package, why and what to do, and leaves nothing behind", async () => {
  host("apt-cache", "");
  host("dpkg-deb", unpacks);
  host(
    "apt-get",
    'echo "W: noise" >&2; echo "E: Temporary failure resolving deb.debian.org" >&2; echo "W: more" >&2; exit 100',
  );
  await expect(unpack(wanted, options())).rejects.toMatchObject({
    id: "lab-unavailable",
    message: expect.stringMatching(/apt-get cannot fetch busybox-static: E: Temporary failure .*; check the network/),
  });
  expect(readdirSync(join(dir, "cache"))).toEqual([]);
  expect(unpackedBefore(join(dir, "cache"), "busybox-static")).toBeUndefined();
});

test("no apt-get at all", async () => {
  await expect(unpack(wanted, options({ path: join(dir, "bin") }))).rejects.toMatchObject({ id: "lab-unavailable" });
  expect(existsSync(join(dir, "cache"))).toBe(false);
});

test("an interrupt ends a download and leaves nothing behind", async () => {
  const stop = new AbortController();
  host("apt-cache", "");
  host("dpkg-deb", unpacks);
  host("apt-get", `: >${dir}/started; exec sleep 60`);
  const attempt = unpack(wanted, options({ interrupted: stop.signal }));
  const seen = setInterval(() => existsSync(join(dir, "started")) && stop.abort(), 10);
  await expect(attempt).rejects.toMatchObject({ id: "lab-interrupted" });
  clearInterval(seen);
  expect(readdirSync(join(dir, "cache"))).toEqual([]);
});

test("which dependency stands for an empty package", () => {
  const text = "linux-image-cloud-amd64\n  Depends: <virtual>\n |Depends: linux-image-6.12.1-cloud-amd64\n";
  expect(dependencyIn(text, /^linux-image-\d/)).toBe("linux-image-6.12.1-cloud-amd64");
  expect(dependencyIn("x\n  Recommends: linux-image-6.1\n", /^linux-image-\d/)).toBeUndefined();
});
