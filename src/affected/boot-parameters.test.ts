import { describe, expect, it } from "vitest";
import { bootFacts, bootParameters } from "./boot-parameters.ts";

describe("the kernel command line", () => {
  it("is split at blanks outside quotes; what follows -- is init's", () => {
    expect(bootParameters('BOOT_IMAGE=/vmlinuz  root="LABEL=a b" quiet "x=1 2" -- cgroup_disable=memory')).toEqual([
      ["BOOT_IMAGE", "/vmlinuz"],
      ["root", "LABEL=a b"],
      ["quiet", undefined],
      ["x", "1 2"],
    ]);
  });

  it.each([
    ["quiet", { memcgOff: false, nokmem: false }],
    ["", { memcgOff: false, nokmem: false }],
    ["cgroup_disable=memory", { memcgOff: true, nokmem: false }],
    ["cgroup-disable=cpu,memory", { memcgOff: true, nokmem: false }],
    ["cgroup_disable=cpu", { memcgOff: false, nokmem: false }],
    ["-- cgroup_disable=memory", { memcgOff: false, nokmem: false }],
    ["cgroup.memory=nosocket,nokmem", { memcgOff: false, nokmem: true }],
    ["cgroup.memory=nosocket", { memcgOff: false, nokmem: false }],
  ])("%s", (line, facts) => {
    expect(bootFacts(line)).toEqual(facts);
  });

  it.each([
    ["systemd.unified_cgroup_hierarchy=0", "v1"],
    ["systemd.unified_cgroup_hierarchy=false", "v1"],
    ["systemd.unified_cgroup_hierarchy=1", "v2"],
    ["systemd.unified_cgroup_hierarchy", "v2"],
    ["systemd.unified_cgroup_hierarchy=1 systemd.unified_cgroup_hierarchy=0", "v1"],
    ["systemd.unified_cgroup_hierarchy=0 cgroup_no_v1=all", "v2"],
    ["cgroup_no_v1=memory", "v2"],
    ["cgroup_no_v1=cpu", undefined],
    ["systemd.unified_cgroup_hierarchy=perhaps", undefined],
  ])("%s: the memory controller is on %s", (line, version) => {
    expect(bootFacts(line).cgroup?.value).toBe(version);
  });
});
