/**
 * Deadlocks and hangs of memory management, cgroups, hotplug, drivers, networking and network file systems, as kernel
 * history reports them: the table must find each cycle with its members, and say nothing where the holder waits for a
 * device, a server or a timer, or is not shown at all.
 */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type Diagnosis, diagnose } from "../index.ts";

async function report(name: string): Promise<Diagnosis> {
  return diagnose(readFileSync(new URL(`./samples/core/${name}.log`, import.meta.url), "utf8"));
}

/** Sample and the tasks of its cycle. */
const deadlocks: readonly (readonly [string, readonly number[]])[] = [
  ["thp-madvise-remove", [64, 4221]],
  ["hugetlb-cow-error-path", [8031]],
  ["pagemap-scan-hugetlb", [911]],
  ["zswap-acomp-cpu-dead", [22, 5120]],
  ["shrinker-debugfs", [2210, 2213]],
  ["cpuset-migrate-worker-creation", [1, 811, 2]],
  ["cgroup-attach-cpu-hotplug", [1400, 1520, 2]],
  ["cgroup-destroy-root-behind-itself", [3120]],
  ["i915-fault-under-struct-mutex", [1811, 1815]],
  ["memcg-oom-under-i-mutex", [8801, 8807]],
  ["nfs4-evict-vs-state-manager", [71, 4102]],
  ["cifs-srv-mutex-reclaim", [6120]],
  ["smb3-validate-negotiate-reconnect", [7010]],
  ["thermal-cancel-own-poll", [75]],
  ["mt7921-roc-abort", [701, 912]],
  ["l2cap-conn-del-timer", [140, 233]],
  ["iwcm-flush-from-own-queue", [611]],
  ["cma-listen-on-all-unwind", [4310]],
  ["ipoib-vlan-rwsem", [5001, 402]],
  ["batadv-elp-rtnl", [2401, 88]],
  ["netdev-notifier-registers-notifier", [3310]],
  ["nfnetlink-request-module", [9011, 9012, 9005]],
  ["igb-rtnl-in-runtime-resume", [1701]],
  ["iavf-crit-lock-rtnl", [801, 477]],
  ["netdev-attribute-rtnl", [4001, 4009]],
  ["usb-deauthorize-interface", [19, 1502]],
  ["usb-port-disable-attribute", [19, 1502]],
  ["nfc-rfkill", [3401, 3410]],
  ["device-attach-async-runs-inline", [92]],
  ["async-probe-request-module", [41, 260]],
];

/** Samples that look like the above and are none. */
const others: readonly string[] = [
  "unnamed-mutex-and-global-holder",
  "unnamed-mutex-under-named",
  "rtnl-holder-flushes-other-work",
  "rtnl-holder-waits-for-firmware",
  "lru-drain-behind-rt-task",
  "cgroup-drain-offline-normal",
  "cpuset-attach-missed-wakeup",
  "fork-in-reclaim-under-threadgroup",
  "register-shrinker-behind-reclaim",
  "kcompactd-nfs-release",
  "fuse-readahead-reclaim",
  "fuse-server-slow",
  "cm-destroy-id-waits",
  "usb-remove-waits-for-attribute",
  "device-attribute-of-another-subsystem",
  "request-module-slow-init",
  "kthreadd-in-reclaim",
  "two-flushers-two-works",
  "writers-behind-nfs-server",
];

describe("cycles of real reports", () => {
  test.each(deadlocks)("%s", async (name, members) => {
    const d = await report(name);
    expect(d.verdict).toBe("deadlock");
    expect([...new Set(d.core.map((e) => e.waiter.pid))].sort()).toEqual([...members].sort());
  });
});

describe("hangs and healthy look-alikes", () => {
  test.each(others)("%s", async (name) => {
    const d = await report(name);
    expect(["deadlock", "livelock"]).not.toContain(d.verdict);
    expect(d.core).toEqual([]);
    expect(d.unexplained).toEqual([]);
  });
});
