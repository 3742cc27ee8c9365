/** Promise: what `affected` says of a release, a configuration and a machine is what the facts say; what they do not say is unknown. */
import { describe, expect, it } from "vitest";
import {
  type Answer,
  affected,
  type Machine,
  type MachineSources,
  machineOf,
  readKernelConfig,
  readKernelName,
} from "../src/affected/index.ts";
import { incidents, memcgWritebackAbba } from "../src/incidents/index.ts";

interface Given {
  readonly release?: string;
  readonly config?: string;
  readonly cgroup?: "v1" | "v2";
  readonly boot?: string;
  readonly fs?: string;
  readonly swap?: boolean;
  readonly unpatched?: boolean;
  readonly has?: readonly string[];
  readonly lacks?: readonly string[];
}

function sources(g: Given): MachineSources {
  const kernel = g.release === undefined ? undefined : readKernelName(g.release);
  if (kernel && !kernel.ok) throw new Error(kernel.hint);
  const config = g.config === undefined ? undefined : readKernelConfig(g.config);
  if (g.config !== undefined && config === undefined) throw new Error("not a configuration");
  return {
    ...(kernel && { kernel: { value: kernel.kernel, from: "--release" } }),
    ...(config && { config: { value: config, from: "config" } }),
    ...(g.cgroup && { cgroup: { value: g.cgroup, from: "--cgroup" } }),
    ...(g.boot !== undefined && { boot: { value: g.boot, from: "--boot" } }),
    ...(g.fs !== undefined && { filesystems: { value: g.fs.split(",").filter(Boolean), from: "--fs" } }),
    ...(g.swap !== undefined && { swap: { value: g.swap, from: "--swap" } }),
    ...(g.unpatched && { unpatched: true }),
    ...(g.has && { has: g.has }),
    ...(g.lacks && { lacks: g.lacks }),
  };
}
const machine = (g: Given): Machine => machineOf(sources(g)).machine;
const answers = (g: Given): readonly Answer[] => affected(machine(g));
const answer = (g: Given, id: string): Answer => {
  const found = answers(g).find((a) => a.id === id);
  if (found === undefined) throw new Error(`no answer for ${id}`);
  return found;
};
const status = (g: Given, id: string): string => answer(g, id).status;

/** As small as a configuration can be; what is not named is not set. */
const config = (release: string, ...symbols: readonly string[]): string =>
  `# Linux/x86 ${release} Kernel Configuration\nCONFIG_HZ=250\nCONFIG_SMP=y\nCONFIG_NET=y\nCONFIG_BLOCK=y\nCONFIG_MMU=y\n${symbols
    .map((symbol) => `${symbol}=y\n`)
    .join("")}`;
const V1 = { cgroup: "v1", boot: "quiet", fs: "ext4,xfs" } as const;

describe("memcg-pte-charge-writeback: v1, kernel memory accounted, before 63f3655f9501", () => {
  const id = "memcg-pte-charge-writeback";
  it.each([
    ["4.7.4", "unreachable"],
    ["4.4.155", "unreachable"],
    ["4.8.0", "affected"],
    ["4.9.151", "affected"],
    ["4.9.152", "fixed"],
    ["4.14.93", "affected"],
    ["4.14.94", "fixed"],
    ["4.18.20", "affected"],
    ["4.19.15", "affected"],
    ["4.19.16", "fixed"],
    ["4.20.2", "affected"],
    ["4.20.3", "fixed"],
    ["5.0", "fixed"],
    ["6.1.192", "fixed"],
    ["7.0.1", "fixed"],
  ])("%s: %s", (release, expected) => {
    expect(status({ release, ...V1 }, id)).toBe(expected);
  });
  it.each([
    ["cgroup v2", { cgroup: "v2" }, "the memory controller is on cgroup v2 (--cgroup), it takes v1"],
    ["nokmem", { boot: "cgroup.memory=nokmem" }, "cgroup.memory=nokmem (--boot)"],
    ["memory cgroups off", { boot: "cgroup_disable=memory" }, "memory cgroups are off"],
    ["btrfs only", { fs: "btrfs" }, "only btrfs (--fs)"],
    [
      "no CONFIG_MEMCG",
      { config: config("4.20.0", "CONFIG_EXT4_FS") },
      "CONFIG_MEMCG and CONFIG_CGROUP_MEM_RES_CTLR are not set",
    ],
    [
      "no CONFIG_MEMCG_KMEM",
      { config: config("4.20.0", "CONFIG_EXT4_FS", "CONFIG_MEMCG") },
      "CONFIG_MEMCG_KMEM is not set (config)",
    ],
  ] as const)("4.20.0, %s: unreachable", (_, given, because) => {
    const a = answer({ release: "4.20.0", ...V1, ...given }, id);
    expect(a.status).toBe("unreachable");
    expect(a.reason).toContain(because);
  });
  it.each([
    ["no cgroup version", { release: "4.20.0", boot: "", fs: "ext4" }, ["--config", "--cgroup"]],
    ["no command line", { release: "4.20.0", cgroup: "v1", fs: "ext4" }, ["--boot"]],
    ["no filesystem", { release: "4.20.0", cgroup: "v1", boot: "" }, ["--fs", "--config"]],
    ["no release", { cgroup: "v1", boot: "", fs: "ext4" }, ["--release", "--log", "--config"]],
  ] as const)("%s: unknown, and says which option would tell", (_, given, options) => {
    const a = answer(given, id);
    expect(a.status).toBe("unknown");
    for (const option of options) expect(a.decidedBy).toContain(option);
  });
  it("is the answer for its incident too, which names the proof and the witness", () => {
    const a = answer({ release: "4.20.0", ...V1, cgroup: "v2" }, "memcg-writeback-abba");
    expect(a.status).toBe("unreachable");
    expect(a.experiments.map((e) => `${e.role}: ${e.command}`)).toEqual([
      "proof: unwedge explore memcg-writeback-abba --cgroup v2",
      "witness: unwedge explore memcg-writeback-abba",
    ]);
  });
});

describe("wb-switch-irq-nesting: no mainline configuration has both halves", () => {
  const id = "memcg-move-lock-irq";
  const built = config("4.4.1", "CONFIG_MEMCG", "CONFIG_CGROUP_WRITEBACK");
  it.each([
    ["4.1.50", "unreachable", "the bug came with 4.2"],
    ["4.4.1", "unreachable", "cgroup writeback is a v2 feature and move_charge_at_immigrate a v1 feature"],
    ["4.4.155", "fixed", "2e898e4c0a38"],
    ["4.16.13", "fixed", "2e898e4c0a38"],
    ["4.17", "fixed", "2e898e4c0a38"],
  ])("%s: %s", (release, expected, because) => {
    const a = answer({ release, config: built, ...V1 }, id);
    expect([a.status, a.reason]).toEqual([expected, expect.stringContaining(because)]);
  });
  it("a vendor's 4.4 may combine them: three hangs were reported on one", () => {
    expect(status({ release: "4.4.1-vendor", config: built, ...V1 }, id)).toBe("unknown");
    expect(status({ release: "4.4.1-vendor", config: built, ...V1, unpatched: true }, id)).toBe("unreachable");
  });
  it("the proof is without the hacks, the witness with them", () => {
    const { experiments } = answer({ release: "4.4.1", config: built, ...V1 }, "wb-switch-irq-nesting");
    expect(experiments.map((e) => e.command)).toEqual([
      "unwedge explore wb-switch-irq-nesting --era 4.4.1",
      "unwedge explore wb-switch-irq-nesting --era 4.4.1 --hack switching,moving",
    ]);
  });
});

describe("the other documents and more", () => {
  const dm = config("4.7.4", "CONFIG_DM_CRYPT");
  it.each([
    ["dm-crypt-vm-throttle", { release: "4.7.4", config: dm }, "affected"],
    ["dm-crypt-vm-throttle", { release: "4.7.4", config: config("4.7.4", "CONFIG_DM_SNAPSHOT") }, "unreachable"],
    ["dm-crypt-vm-throttle", { release: "4.7.4" }, "unknown"],
    ["dm-crypt-vm-throttle", { release: "4.9" }, "fixed"],
    ["jbd2-handle-memcg-reclaim", { release: "5.15.135", ...V1 }, "affected"],
    ["jbd2-handle-memcg-reclaim", { release: "5.15.135", ...V1, fs: "xfs" }, "unreachable"],
    ["jbd2-handle-memcg-reclaim", { release: "6.18", ...V1 }, "affected"],
    ["jbd2-handle-memcg-reclaim", { release: "7.0", ...V1 }, "unknown"],
    ["memcg-pte-charge-writeback-xfs", { release: "4.20.0", ...V1 }, "affected"],
    ["memcg-pte-charge-writeback-xfs", { release: "4.20.0", ...V1, fs: "ext4" }, "unreachable"],
    ["range-cyclic-wrap", { release: "4.19.86", fs: "xfs" }, "affected"],
    ["range-cyclic-wrap", { release: "4.19.87", fs: "xfs" }, "fixed"],
    ["range-cyclic-wrap", { release: "4.19.86", fs: "ext4" }, "unreachable"],
    ["finish-fault-pte-charge", { release: "5.11.22", ...V1 }, "unreachable"],
    ["finish-fault-pte-charge", { release: "5.13.5", ...V1 }, "affected"],
    ["finish-fault-pte-charge", { release: "5.13.6", ...V1 }, "fixed"],
    ["memory-high-nofs", { release: "6.1.55", ...V1, cgroup: "v2" }, "affected"],
    ["memory-high-nofs", { release: "6.1.55", ...V1 }, "unreachable"],
    ["memory-high-nofs", { release: "6.1.56", ...V1, cgroup: "v2" }, "fixed"],
    ["memory-high-nofs", { release: "5.15.100", ...V1, cgroup: "v2" }, "unreachable"],
    ["folio-wake-livelock", { release: "5.10.6" }, "unreachable"],
    ["folio-wake-livelock", { release: "6.1.192" }, "affected"],
    ["folio-wake-livelock", { release: "6.6.10" }, "unknown"],
    ["fuse-readahead-evict", { release: "6.1.157", fs: "fuse" }, "unreachable"],
    ["fuse-readahead-evict", { release: "6.1.158", fs: "fuse" }, "affected"],
    ["fuse-readahead-evict", { release: "6.1.160", fs: "fuse" }, "fixed"],
    ["fuse-readahead-evict", { release: "6.6.100", fs: "fuse" }, "unknown"],
    ["fuse-readahead-evict", { release: "6.6.100", fs: "fuse", lacks: ["e26ee4efbc79"] }, "unreachable"],
    ["ext4-mbcache-loop", { release: "5.15.86", fs: "ext4" }, "affected"],
    ["ext4-mbcache-loop", { release: "5.15.90", fs: "ext4" }, "unknown"],
    ["ext4-mbcache-loop", { release: "5.15.92", fs: "ext4" }, "fixed"],
    ["cifs-lock-sem-reconnect", { release: "4.14.160", fs: "cifs" }, "unknown"],
    ["cifs-lock-sem-reconnect", { release: "4.14.160", fs: "cifs", has: ["d46b0da7a33d"] }, "fixed"],
    ["cifs-lock-sem-reconnect", { release: "4.14.160", fs: "cifs", lacks: ["d46b0da"] }, "affected"],
    ["xfs-dquot-buffer-pin", { release: "6.16-rc3", fs: "xfs" }, "unknown"],
    ["memcg-oom-trap", { release: "3.10.0-1160.el7.x86_64", ...V1 }, "unknown"],
  ] as const)("%s, %j: %s", (id, given, expected) => {
    expect(status(given, id)).toBe(expected);
  });

  it.each(["readahead-fs-reclaim", "mmap-sem-fault-io", "shrinker-rwsem-slow"])(
    "%s needs nothing but its kernel",
    (id) => {
      expect(status({ release: "4.18.5" }, id)).toBe("affected");
      expect(status({ release: "6.18" }, id)).toBe("fixed");
    },
  );
});

describe("kernels of distributions: a number proves a fix, never a bug", () => {
  it("nothing is affected for sure by what a backport could have fixed", () => {
    for (const release of ["5.10.0-28-amd64", "4.18.0-513.el8.x86_64", "5.15.0-91-generic", "6.1.69-local"]) {
      for (const a of answers({ release, ...V1 }).filter((one) => one.status === "affected")) {
        expect([release, a.id, a.commit]).toEqual([release, a.id, undefined]);
      }
    }
  });
  const debian = "6.1.0-17-amd64 #1 SMP PREEMPT_DYNAMIC Debian 6.1.69-1 (2023-12-30)";
  it.each([
    ["6.1.0-17-amd64", "memory-high-nofs", "unknown", "hides the point release"],
    [debian, "memory-high-nofs", "fixed", "in 6.1.56"],
    [debian, "page-cache-ra-order", "unknown", "unless Debian backported commit 30153e446664"],
    ["4.18.0-513.el8.x86_64", "memory-high-nofs", "unknown", "unless Red Hat Enterprise Linux"],
    ["4.18.0-513.el8.x86_64", "ext4-sync-handle-bio", "fixed", "v4.7"],
    ["5.10.0-28-amd64", "memcg-pte-charge-writeback", "fixed", "v5.0"],
  ])("%s, %s: %s", (release, id, expected, because) => {
    const a = answer({ release, cgroup: "v2", boot: "", fs: "ext4" }, id);
    expect([a.status, a.reason]).toEqual([expected, expect.stringContaining(because)]);
  });
  it("--unpatched takes the number at its word", () => {
    const given = { release: debian, config: config("6.1.69", "CONFIG_TRANSPARENT_HUGEPAGE") };
    expect(status(given, "page-cache-ra-order")).toBe("unknown");
    expect(status({ ...given, unpatched: true }, "page-cache-ra-order")).toBe("affected");
  });
  it("the header of the configuration shows the point release that the name hides", () => {
    const given = { release: "6.1.0-17-amd64", cgroup: "v2", boot: "" } as const;
    expect(status({ ...given, config: config("6.1.69", "CONFIG_MEMCG") }, "memory-high-nofs")).toBe("fixed");
    expect(answer({ ...given, config: config("6.1.20", "CONFIG_MEMCG") }, "memory-high-nofs").reason).toContain(
      "6.1.20 has it",
    );
  });
  it("a configuration alone names its kernel, but not who patched it", () => {
    const alone = machine({ config: config("6.1.69", "CONFIG_MEMCG") });
    expect(alone.kernel?.value).toMatchObject({ uname: "6.1.69", patch: 69, distribution: { backports: "local" } });
    const salted = machine({ config: `${config("6.1.69")}CONFIG_BUILD_SALT="6.1.0-17-amd64"\n` });
    expect(salted.kernel?.value).toMatchObject({
      uname: "6.1.0-17-amd64",
      patch: 69,
      distribution: { name: "Debian" },
    });
  });
});

describe("an incident that its bugs call fixed, without a fix that its own release had", () => {
  it.each([
    ["4.19.50", "no-cyclic-wrap"],
    ["5.12.0", "finish-fault-prealloc"],
  ])("xfs-page-lock-order in %s: the explorer tells", (release, missing) => {
    const a = answer({ release, ...V1 }, "xfs-page-lock-order");
    expect([a.status, a.reason, a.decidedBy]).toEqual([
      "unknown",
      `fixed as it was, but without ${missing}`,
      ["--prove"],
    ]);
  });
});

describe("sources that contradict each other are named", () => {
  it.each([
    ["cgroup", { release: "6.1.1", cgroup: "v1", boot: "cgroup_no_v1=all" }, "says cgroup v1"],
    ["config", { release: "6.1.1", config: config("5.10.209") }, "is the configuration of 5.10.209"],
  ] as const)("%s", (_, given, text) => {
    const { contradictions } = machineOf(sources(given));
    expect(contradictions).toHaveLength(1);
    expect(contradictions[0]).toContain(text);
  });
});

describe("every answer", () => {
  const all = (): readonly Answer[] =>
    ["4.4.1", "4.20.0", "5.12.0", "6.1.69", "6.1.0-17-amd64", "3.10.0-1160.el7", "6.18.3", undefined].flatMap(
      (release) => answers(release === undefined ? {} : { release, ...V1 }),
    );
  it("has a reason and a source; unknown ones wait for something that is named", () => {
    for (const a of all()) {
      expect(a.reason.length).toBeGreaterThan(5);
      expect(a.sources.join("").length).toBeGreaterThan(5);
      if (a.status !== "unknown") expect(a.decidedBy).toEqual([]);
    }
  });
  it("there is one for each incident, sorted: affected, unknown, unreachable, fixed", () => {
    const list = answers({ release: "4.20.0", ...V1 });
    expect(
      list
        .filter((a) => a.kind === "incident")
        .map((a) => a.id)
        .sort(),
    ).toEqual(incidents.map((i) => i.id).sort());
    const order = ["affected", "unknown", "unreachable", "fixed"];
    const places = list.map((a) => order.indexOf(a.status));
    expect(places).toEqual([...places].sort((a, b) => a - b));
  });
});

describe("an incident that no known bug speaks for is answered from its own data", () => {
  const another = { ...memcgWritebackAbba, id: "another" };
  const own = (g: Given): Answer => affected(machine(g), [another]).find((a) => a.id === "another")!;
  it.each([
    ["4.20.0", {}, "affected", "its fix (commit 63f3655f9501) came with 4.20.3"],
    ["4.20.2", {}, "affected", "its fix (commit 63f3655f9501) came with 4.20.3"],
    ["4.20.0", { fs: "xfs" }, "unreachable", "ext4 is not in use"],
    ["4.20.0", { boot: "cgroup_disable=memory" }, "unreachable", "memory cgroups are off"],
    ["4.20.0", { cgroup: "v2" }, "unknown", "it was run on cgroup v1, not v2"],
    ["4.14.0", {}, "unknown", "it was run on 4.20.0, which is later"],
    ["6.1.192", {}, "unknown", "of its fixes prealloc-pte, finish-fault-prealloc are in 6.1.192"],
    ["3.16.1", {}, "unknown", "which releases of 3.16 have its fix"],
  ] as const)("%s, %j: %s", (release, given, expected, because) => {
    const a = own({ release, ...V1, ...given });
    expect([a.status, a.reason]).toEqual([expected, expect.stringContaining(because)]);
    expect(a.decidedBy.includes("--prove")).toBe(expected === "unknown" && release !== "3.16.1");
  });
});

describe("an incident that needs more than the bug it shows", () => {
  const id = "queue-freeze-reclaim";
  const kernel = { release: "4.20.0", ...V1 };
  const both = (given: Given) => answers(given).filter((a) => a.id === id);

  it("is there only where something is swapped to, whatever else may bring the bug about", () => {
    expect(both({ ...kernel, swap: true }).map((a) => a.status)).toEqual(["affected", "affected"]);
    const [bug, incident] = both({ ...kernel, swap: false });
    expect([bug?.status, incident?.status]).toEqual(["affected", "unreachable"]);
    expect(incident?.reason).toContain("--swap");
    expect(incident?.experiments.map((e) => `${e.role}: ${e.command}`)).toEqual([
      "proof: unwedge explore queue-freeze-reclaim --era 4.20.0 --param anonymous=0",
      "witness: unwedge explore queue-freeze-reclaim --era 4.20.0",
    ]);
  });

  it("is unknown where nobody said, and --swap would tell", () => {
    const [bug, incident] = both(kernel);
    expect([bug?.status, incident?.status]).toEqual(["affected", "unknown"]);
    expect(incident?.decidedBy).toContain("--swap");
  });
});
