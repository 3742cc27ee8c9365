import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { pointName } from "./kernel-name.ts";
import { readLogFacts } from "./log-facts.ts";

const LOG = `[    0.000000] Linux version 6.1.0-17-amd64 (debian-kernel@lists.debian.org) (gcc-12 (Debian 12.2.0-14) 12.2.0) #1 SMP PREEMPT_DYNAMIC Debian 6.1.69-1 (2023-12-30)
[    0.000000] Command line: BOOT_IMAGE=/vmlinuz root=/dev/sda1 ro systemd.unified_cgroup_hierarchy=0 quiet
[    0.034161] Kernel command line: BOOT_IMAGE=/vmlinuz root=/dev/sda1 ro systemd.unified_cgroup_hierarchy=0 quiet
[    2.100000] EXT4-fs (sda1): mounted filesystem with ordered data mode. Quota mode: none.
[    3.200000] Adding 999420k swap on /dev/sda5.  Priority:-2 extents:1 across:999420k FS
[    4.300000] XFS (sdb1): Mounting V5 Filesystem
[    4.400000] EXT4-fs (sda2): mounted filesystem with ordered data mode. Quota mode: none.
`;
const facts = (text: string | Uint8Array) =>
  readLogFacts("dmesg", [typeof text === "string" ? Buffer.from(text) : text]);

describe("what a log says of a machine", () => {
  it("banner, command line, mounts and swap, each with its line", async () => {
    const f = await facts(LOG);
    expect(f.kernel && pointName(f.kernel.value)).toBe("6.1.69");
    expect(f.kernel?.from).toBe("dmesg:1");
    expect(f.boot?.value.cgroup?.value).toBe("v1");
    expect(f.filesystems).toEqual({ value: ["ext4", "xfs"], from: "dmesg:4" });
    expect(f.swap).toEqual({ value: true, from: "dmesg:5" });
    expect(f.cgroup).toBeUndefined();
  });

  it.each([
    ["journal", (l: string) => `Dec 30 10:00:00 host kernel: ${l.replace(/^\[[^\]]*\] /, "")}`],
    ["dmesg -T", (l: string) => l.replace(/^\[[^\]]*\]/, "[Sat Dec 30 10:00:00 2023]")],
    ["no prefix", (l: string) => l.replace(/^\[[^\]]*\] /, "")],
    ["CRLF", (l: string) => `${l}\r`],
  ])("through prefixes: %s", async (_, change) => {
    const f = await facts(
      LOG.split("\n")
        .map((l) => (l === "" ? l : change(l)))
        .join("\n"),
    );
    expect(f).toEqual(await facts(LOG));
  });

  it("is the same compressed, and in small pieces", async () => {
    const whole = await facts(LOG);
    expect(await facts(gzipSync(LOG))).toEqual(whole);
    const pieces = [...Buffer.from(LOG)].map((byte) => Uint8Array.of(byte));
    expect(await readLogFacts("dmesg", pieces)).toEqual(whole);
  });

  it("the last of several boots counts", async () => {
    const f = await facts(
      `${LOG}[    0.000000] Linux version 5.10.0-28-amd64 (x) #1 SMP Debian 5.10.209-2 (2024-01-31)\n`,
    );
    expect(f.kernel && pointName(f.kernel.value)).toBe("5.10.209");
    expect([f.boot, f.swap, f.filesystems]).toEqual([undefined, undefined, undefined]);
  });

  it("a report without a banner names its kernel", async () => {
    const f = await facts("[ 1.0] task:sync state:D\n[ 1.1]       Not tainted 6.1.0-17-amd64 #1 Debian 6.1.69-1\n");
    expect(f.kernel && pointName(f.kernel.value)).toBe("6.1.69");
  });

  it.each([
    ["memory+swap: usage 1000kB, limit 2000kB, failcnt 0", "6.1.0", "v1"],
    ["swap: usage 0kB, limit 9007199254740988kB, failcnt 0", "6.1.0", "v2"],
    // 4.x prints it for both
    ["memory+swap: usage 1000kB, limit 2000kB, failcnt 0", "4.19.16", undefined],
    ["Cgroup memory moving (move_charge_at_immigrate) is deprecated. Please report", "6.1.0", "v1"],
    ["memcg: kmem.limit_in_bytes is deprecated and will be removed.", "6.12.1", "v1"],
    ["Disabling memory control group subsystem in v1 mounts", "6.1.0", "v2"],
  ])("%s (%s)", async (line, release, version) => {
    const f = await facts(`[ 0.0] Linux version ${release} (x) #1 SMP\n[ 1.0] ${line}\n`);
    expect(f.cgroup?.value).toBe(version);
  });

  it("memory cgroups switched off", async () => {
    expect((await facts("[ 0.1] cgroup: Disabling memory control group subsystem\n")).memcg?.value).toBe(false);
  });

  it("a real log of a Debian kernel", async () => {
    const path = new URL("../../test/cases/seed4-jbd2-memcg-v1-livelock-stock-debian.kernel.log.gz", import.meta.url);
    const f = await facts(readFileSync(path));
    expect(f.kernel && pointName(f.kernel.value)).toBe("6.1.192");
    expect(f.filesystems?.value).toEqual(["ext4"]);
    expect(f.boot?.value).toEqual({ memcgOff: false, nokmem: false });
  });
});
