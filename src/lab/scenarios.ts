/** What the lab can do: one row a scenario; its guest script is lab/guest/scenarios/NAME.sh. */

/** Version of the memory cgroup controller. */
export type CgroupVersion = "v1" | "v2";

/** One scenario. */
export interface Scenario {
  readonly name: string;
  /** One line for people. */
  readonly title: string;
  /** The first is the default. */
  readonly cgroups: readonly [CgroupVersion, ...CgroupVersion[]];
  /**
   * Sizes with their defaults, to be changed with --param. `disk_bps` and `disk_iops` throttle the disk under test (bytes
   * written, requests a second; 0: not at all), `seconds` bounds the load, `quiet_seconds` ends it earlier when nothing was
   * written for so long, `hung_seconds` is kernel.hung_task_timeout_secs.
   */
  readonly parameters: Readonly<Record<string, number>>;
  readonly memoryMib: number;
  readonly traced: boolean;
  /** Size of a third disk for swap. */
  readonly swapMib?: number;
  /** Seconds of guest time that the scenario takes beside `seconds`. */
  readonly besideSeconds: number;
}

const throughout = { hung_seconds: 10, collect_seconds: 10, trace_kb: 1500 };

/** Every scenario, the incident first. */
export const scenarios: readonly Scenario[] = [
  {
    name: "jbd2-memcg-oom",
    title: "tasks of a small memory cgroup create files on ext4; one reclaims for ever under an open jbd2 handle",
    cgroups: ["v1", "v2"],
    parameters: {
      ...throughout,
      limit_mib: 6,
      tasks: 60,
      outside: 4,
      file_kib: 64,
      seconds: 120,
      quiet_seconds: 15,
      disk_bps: 1048576,
      disk_iops: 60,
    },
    memoryMib: 768,
    traced: true,
    besideSeconds: 180,
  },
  {
    name: "healthy",
    title: "the same kind of load with room enough, on a disk that keeps up",
    cgroups: ["v1", "v2"],
    parameters: { ...throughout, limit_mib: 256, tasks: 8, seconds: 20, disk_bps: 0, disk_iops: 0 },
    memoryMib: 768,
    traced: true,
    besideSeconds: 180,
  },
  {
    name: "slow-disk",
    title: "tasks fsync on a disk that does few requests a second: long waits that all end",
    cgroups: ["v1", "v2"],
    parameters: { ...throughout, tasks: 12, seconds: 40, disk_bps: 0, disk_iops: 4 },
    memoryMib: 512,
    traced: false,
    besideSeconds: 180,
  },
  {
    name: "fsfreeze",
    title: "an administrator freezes a busy ext4, writers pile up, later he thaws it",
    cgroups: ["v1", "v2"],
    parameters: { ...throughout, tasks: 6, seconds: 25, disk_bps: 0, disk_iops: 0 },
    memoryMib: 512,
    traced: false,
    besideSeconds: 180,
  },
  {
    name: "memcg-steps",
    title: "tables of what the memory controller counts, step by step",
    cgroups: ["v2", "v1"],
    parameters: { ...throughout, disk_bps: 0, disk_iops: 0 },
    memoryMib: 1024,
    traced: false,
    swapMib: 128,
    besideSeconds: 900,
  },
];

/** A scenario with everything decided. */
export interface Settings {
  readonly scenario: Scenario;
  readonly cgroup: CgroupVersion;
  readonly parameters: Readonly<Record<string, number>>;
  readonly traced: boolean;
}

/** QEMU's throttling options of the disk under test. */
export function throttleOf(parameters: Readonly<Record<string, number>>): Record<string, number> {
  const { disk_bps: bps, disk_iops: iops } = parameters;
  return { ...(bps ? { "bps-write": bps } : {}), ...(iops ? { "iops-total": iops } : {}) };
}

/** How long the guest may take after its boot: software emulation on a busy host is several times slower than a machine. */
export function limitSeconds(s: Settings): number {
  return 3 * ((s.parameters.seconds ?? 0) + (s.parameters.collect_seconds ?? 0)) + s.scenario.besideSeconds;
}
