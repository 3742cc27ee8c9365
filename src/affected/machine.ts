/** Puts together what options, a configuration and a log say of one machine. What is said outright counts before what is read. */
import { type BootFacts, bootFacts } from "./boot-parameters.ts";
import { UNKNOWN_BUILDER } from "./distributions.ts";
import type { KernelConfig } from "./kernel-config.ts";
import { type KernelName, readKernelName } from "./kernel-name.ts";
import type { LogFacts } from "./log-facts.ts";
import type { Fact, Machine } from "./types.ts";

/** What there is to go by; everything may be missing. @since 0.3.0 */
export interface MachineSources {
  readonly kernel?: Fact<KernelName>;
  readonly config?: Fact<KernelConfig>;
  /** A complete kernel command line. */
  readonly boot?: Fact<string>;
  readonly logs?: readonly LogFacts[];
  readonly cgroup?: Fact<"v1" | "v2">;
  /** All filesystems in use. */
  readonly filesystems?: Fact<readonly string[]>;
  readonly swap?: Fact<boolean>;
  readonly unpatched?: boolean;
  readonly has?: readonly string[];
  readonly lacks?: readonly string[];
}

/** Two sources that cannot both be right, in words. */
export type Contradiction = string;

/**
 * The machine of these sources, and where they contradict each other.
 *
 * @since 0.3.0
 */
export function machineOf(s: MachineSources): {
  readonly machine: Machine;
  readonly contradictions: readonly Contradiction[];
} {
  const contradictions: Contradiction[] = [];
  const logs = s.logs ?? [];
  const kernel = kernelOf(s, logs, contradictions);
  const boot: Fact<BootFacts> | undefined = s.boot
    ? { value: bootFacts(s.boot.value), from: s.boot.from }
    : logs.find((l) => l.boot !== undefined)?.boot;
  const cgroup = cgroupOf(s, boot, logs, contradictions);
  const memcg = memcgOf(s, boot, logs);
  const filesystems = filesystemsOf(s, logs);
  const swap = s.swap ?? logs.find((l) => l.swap !== undefined)?.swap;
  return {
    machine: {
      ...(kernel && { kernel }),
      ...(s.config && { config: s.config }),
      ...(cgroup && { cgroup }),
      ...(memcg && { memcg }),
      ...(boot && { kmem: { value: !boot.value.nokmem, from: boot.from } }),
      ...(filesystems && { filesystems }),
      ...(swap && { swap }),
      ...(s.unpatched && { unpatched: true }),
      ...(s.has && { has: s.has }),
      ...(s.lacks && { lacks: s.lacks }),
    },
    contradictions,
  };
}

/** The configuration's header fills in the point release that a distribution's name hides. */
function kernelOf(s: MachineSources, logs: readonly LogFacts[], said: Contradiction[]): Fact<KernelName> | undefined {
  const logged = logs.find((l) => l.kernel !== undefined)?.kernel;
  let kernel = s.kernel ?? logged;
  // the log's banner tells more of the same kernel than its bare name
  if (s.kernel && logged && logged.value.uname === s.kernel.value.uname && s.kernel.value.patch === undefined)
    kernel = logged;
  else if (s.kernel && logged && logged.value.uname !== s.kernel.value.uname)
    said.push(`${s.kernel.from} says ${s.kernel.value.uname}, ${logged.from} ${logged.value.uname}; the first counts`);
  const header = s.config?.value.release;
  const built = header === undefined ? undefined : readKernelName(header);
  if (s.config === undefined || built === undefined || !built.ok) return kernel;
  if (kernel === undefined) return { value: configuredKernel(s.config.value, built.kernel), from: s.config.from };
  const { value } = kernel;
  if (built.kernel.major !== value.major || built.kernel.minor !== value.minor) {
    said.push(`${s.config.from} is the configuration of ${header}, not of ${value.uname}; both were used`);
    return kernel;
  }
  if (value.patch !== undefined || value.rc !== undefined || built.kernel.patch === undefined) return kernel;
  return { value: { ...value, patch: built.kernel.patch, pointFrom: s.config.from }, from: kernel.from };
}

/**
 * The kernel that a configuration is for, when nothing else names it. The header has the upstream release even of a distribution's
 * kernel, whose own name Debian keeps in CONFIG_BUILD_SALT and Ubuntu in CONFIG_VERSION_SIGNATURE.
 */
function configuredKernel(config: KernelConfig, header: KernelName): KernelName {
  const signature = config.values.get("CONFIG_VERSION_SIGNATURE") ?? "";
  const names = [config.values.get("CONFIG_BUILD_SALT") ?? "", /^Ubuntu \S+/.exec(signature)?.[0].slice(7) ?? ""];
  for (const name of names) {
    const read = readKernelName(`${name} (${signature})`);
    if (!read.ok || read.kernel.major !== header.major || read.kernel.minor !== header.minor) continue;
    return {
      ...read.kernel,
      ...(header.patch === undefined ? {} : { patch: header.patch, pointFrom: "its configuration" }),
    };
  }
  const { distribution = UNKNOWN_BUILDER, ...rest } = header;
  return { ...rest, distribution };
}

function cgroupOf(
  s: MachineSources,
  boot: Fact<BootFacts> | undefined,
  logs: readonly LogFacts[],
  said: Contradiction[],
): Fact<"v1" | "v2"> | undefined {
  const booted = boot?.value.cgroup;
  const read: Fact<"v1" | "v2"> | undefined =
    logs.find((l) => l.cgroup !== undefined)?.cgroup ??
    (booted && boot && { value: booted.value, from: `${booted.by} (${boot.from})` });
  if (s.cgroup && read && s.cgroup.value !== read.value)
    said.push(`${s.cgroup.from} says cgroup ${s.cgroup.value}, ${read.from} ${read.value}; the first counts`);
  return s.cgroup ?? read;
}

/** Switched off, seen at work, or at least not switched off. */
function memcgOf(
  s: MachineSources,
  boot: Fact<BootFacts> | undefined,
  logs: readonly LogFacts[],
): Fact<boolean> | undefined {
  const logged = logs.find((l) => l.memcg !== undefined)?.memcg;
  if (boot?.value.memcgOff) return { value: false, from: `cgroup_disable=memory (${boot.from})` };
  if (logged !== undefined) return logged;
  if (s.cgroup !== undefined) return { value: true, from: s.cgroup.from };
  return boot && { value: true, from: boot.from };
}

function filesystemsOf(s: MachineSources, logs: readonly LogFacts[]): Machine["filesystems"] {
  if (s.filesystems !== undefined) return { ...s.filesystems, complete: true };
  const seen = logs.flatMap((l) => (l.filesystems === undefined ? [] : [l.filesystems]));
  const [first] = seen;
  if (first === undefined) return undefined;
  return { value: [...new Set(seen.flatMap((f) => f.value))], from: first.from, complete: false };
}
