import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { pointName, readKernelName } from "./kernel-name.ts";

const read = (text: string) => {
  const result = readKernelName(text);
  if (!result.ok) throw new Error(result.hint);
  const { kernel } = result;
  return [pointName(kernel), kernel.distribution?.name, kernel.distribution?.backports];
};

describe("a kernel's name says its point release and whose it is", () => {
  it.each([
    ["4.19.16", "4.19.16", undefined],
    ["v4.20", "4.20.0", undefined],
    ["5.17-rc6", "5.17-rc6", undefined],
    ["4.20.0-rc3", "4.20-rc3", undefined],
    ["Linux vm 6.18.44 #1 SMP x86_64 GNU/Linux", "6.18.44", undefined],
    ["5.10.0-28-amd64", "5.10.x", "Debian"],
    ["6.1.0-17-amd64 #1 SMP PREEMPT_DYNAMIC Debian 6.1.69-1 (2023-12-30)", "6.1.69", "Debian"],
    ["4.9.0-8-amd64 #1 SMP Debian 4.9.130-2 (2018-10-27)", "4.9.130", "Debian"],
    ["6.12.57+deb13-amd64", "6.12.57", "Debian"],
    ["5.10.0-0.bpo.15-amd64", "5.10.x", "Debian"],
    ["6.1.0-56-cloud-amd64", "6.1.x", "Debian"],
    ["5.15.0-91-generic", "5.15.x", "Ubuntu"],
    [
      "Linux version 5.15.0-91-generic (buildd@lcy02) (gcc (Ubuntu 11.4.0-1ubuntu1~22.04) 11.4.0) #101-Ubuntu SMP Tue Nov 14 (Ubuntu 5.15.0-91.101-generic 5.15.131)",
      "5.15.131",
      "Ubuntu",
    ],
    ["6.5.6-300.fc39.x86_64", "6.5.6", "Fedora"],
    ["6.6.1-arch1-1", "6.6.1", "Arch Linux"],
    ["6.8.4-2-pve", "6.8.4", "Proxmox"],
  ])("%s", (text, point, name) => {
    expect(read(text).slice(0, 2)).toEqual([point, name]);
  });

  it("reads the release of the kernel in a banner, not the compiler's", () => {
    const banner =
      "Linux version 6.1.0-56-cloud-amd64 (debian-kernel@lists.debian.org) (gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0, GNU ld 2.40) #1 SMP PREEMPT_DYNAMIC Debian 6.1.192-2 (2026-11-16)";
    expect(read(banner)).toEqual(["6.1.192", "Debian", "stable"]);
  });

  it.each([
    ["4.18.0-513.5.1.el8_9.x86_64", "Red Hat Enterprise Linux or a rebuild of it"],
    ["3.10.0-1160.el7.x86_64", "Red Hat Enterprise Linux or a rebuild of it"],
    ["5.4.17-2136.300.7.el8uek.x86_64", "Oracle Linux (UEK)"],
    ["5.10.199-190.747.amzn2.x86_64", "Amazon Linux"],
    ["4.19.91-27.al7.x86_64", "Alibaba Cloud Linux or Anolis OS"],
    ["5.14.21-150400.24.100-default", "SUSE"],
    ["5.10.0-60.18.0.50.oe2203.x86_64", "openEuler"],
    ["5.15.41-android13-8-00205", "Android"],
  ])("%s has an old base with features of later kernels", (text, name) => {
    expect(read(text).slice(1)).toEqual([name, "features"]);
  });

  it("a local name is somebody's own kernel", () => {
    expect(read("6.1.192-lab")).toEqual(["6.1.192", 'whoever built "-lab"', "local"]);
    expect(read("6.18.44+")).toEqual(["6.18.44", 'whoever built "+"', "local"]);
  });

  it.each([
    ["", "write it as uname -r prints it"],
    ["nonsense", "write it as uname -r prints it"],
    ["6.1.69foo", "did you mean 6.1.69?"],
    ["kernel=6.1.69", "did you mean 6.1.69?"],
    ["1.2.3", "Linux releases run from 2.6 on"],
    ["999.1", "Linux releases run from 2.6 on"],
  ])("%s is refused with a hint", (text, hint) => {
    const result = readKernelName(text);
    expect(result.ok).toBe(false);
    if (!result.ok) expect(result.hint).toContain(hint);
  });

  it("whatever the text, there is a name or a hint", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(..."0123456789.-+ ~_rcLinux#DebianUbuntu(") })),
        (text) => {
          const result = readKernelName(text);
          expect(result.ok ? result.kernel.uname.length : result.hint.length).toBeGreaterThan(0);
        },
      ),
      { numRuns: 2000 },
    );
  });
});
