/**
 * What a kernel log says about the machine's configuration: the banner, the command line, swap areas, mounts, and lines that only
 * one cgroup hierarchy prints. Of several boots the last counts. Lines of mounts prove that a filesystem is there, never that
 * another is not.
 */
import { type Chunks, decompress } from "../evidence/decompress.ts";
import { createLineSplitter } from "../evidence/lines.ts";
import { type Prefix, readPrefix } from "../evidence/prefixes.ts";
import { type BootFacts, bootFacts } from "./boot-parameters.ts";
import { type KernelName, readKernelName } from "./kernel-name.ts";
import type { Fact } from "./types.ts";

/** What one log says of the last boot in it; absent: nothing. @since 0.3.0 */
export interface LogFacts {
  readonly kernel?: Fact<KernelName>;
  readonly boot?: Fact<BootFacts>;
  readonly swap?: Fact<boolean>;
  readonly filesystems?: Fact<readonly string[]>;
  readonly cgroup?: Fact<"v1" | "v2">;
  /** `cgroup_disable=memory` as the kernel confirms it, or a report that only a memory cgroup makes. */
  readonly memcg?: Fact<boolean>;
  readonly lines: number;
}

/** Mutable while a log is read. */
type Gathered = { -readonly [K in keyof Omit<LogFacts, "lines">]: LogFacts[K] };

const BANNER = /^Linux version (\d.*)$/;
/** `... Not tainted 6.1.0-17-amd64 #1 Debian 6.1.69-1` in reports of every kind. */
const TAINT_LINE = /[Tt]ainted(?:: [A-Z ]+)? +(\d+\.\d+\S* #\d.*)$/;
const COMMAND_LINE = /^(?:Kernel c|C)ommand line: (.*)$/;
/** mm/swapfile.c:sys_swapon, all versions. */
const SWAP = /^Adding \d+k swap on /;
/** Who prints when it mounts; `BTRFS info (device ...)` comes from a mounted one only. */
const MOUNTS: readonly (readonly [RegExp, string])[] = [
  [/^EXT4-fs \([^)]+\): mounted filesystem/, "ext4"],
  [/^EXT4-fs \([^)]+\): mounting ext3 file system/, "ext3"],
  [/^EXT4-fs \([^)]+\): mounting ext2 file system/, "ext2"],
  [/^EXT3-fs \([^)]+\): mounted filesystem/, "ext3"],
  [/^XFS \([^)]+\): (?:Mounting V\d|Ending (?:clean|recovery))/, "xfs"],
  [/^BTRFS(?: info)? \(device [^)]+\): /, "btrfs"],
  [/^F2FS-fs \([^)]+\): Mounted with/, "f2fs"],
];
/**
 * `memory+swap:` is printed for a v1 group only, `swap:` in its place for a v2 group (mm/memcontrol.c:
 * mem_cgroup_print_oom_meminfo, 6.1 and 6.12; older kernels print the first for both, so it counts from 5.0 on).
 */
const V1_USAGE = /^memory\+swap: usage \d+kB/;
const V2_USAGE = /^swap: usage \d+kB/;
/** Warnings of files that cgroup v1 has (mm/memcontrol.c and mm/memcontrol-v1.c). */
const V1_FILE =
  /^(?:Cgroup memory moving \(move_charge_at_immigrate\)|kmem\.limit_in_bytes|oom_control|pressure_level|soft_limit_in_bytes|Non-hierarchical mode) is deprecated/;
const MEMCG_OFF = /^cgroup: Disabling memory control group subsystem$/;
/** kernel/cgroup/cgroup.c: `cgroup_no_v1=memory`. */
const V1_OFF = /^(?:cgroup: )?Disabling memory control group subsystem in v1 mounts$/;
const SECOND_PREFIX = /^(?:memcg|memory|cgroup1): /;

/** Reads what a log says; compressed logs as they are. `notes` gets sentences about damage. */
export async function readLogFacts(
  name: string,
  chunks: Chunks,
  notes: (text: string) => void = () => undefined,
): Promise<LogFacts> {
  let facts: Gathered = {};
  const prefix: Prefix = { at: 0, time: undefined, caller: undefined, host: undefined, present: false };
  const splitter = createLineSplitter((text, from, to, number) => {
    const line = text.slice(from, to);
    readPrefix(line, 0, prefix);
    const message = line.slice(prefix.at).trim();
    if (BANNER.test(message)) facts = {};
    readLine(message, `${name}:${number}`, facts);
  });
  const report = { compression: () => undefined, note: (text: string) => notes(`${name}: ${text}`) };
  for await (const chunk of decompress(name, chunks, report)) splitter.push(chunk);
  splitter.end();
  return { ...facts, lines: splitter.lines };
}

function readLine(message: string, from: string, facts: Gathered): void {
  if (message === "" || message.length > 4096) return;
  readIdentity(message, from, facts);
  if (SWAP.test(message)) facts.swap ??= { value: true, from };
  for (const [pattern, fs] of MOUNTS) {
    if (!pattern.test(message)) continue;
    const known = facts.filesystems?.value ?? [];
    if (!known.includes(fs)) facts.filesystems = { value: [...known, fs], from: facts.filesystems?.from ?? from };
  }
  readCgroupLine(message.replace(SECOND_PREFIX, ""), from, facts);
}

function readIdentity(message: string, from: string, facts: Gathered): void {
  const command = COMMAND_LINE.exec(message)?.[1];
  // printed twice: by setup_arch() and by start_kernel()
  if (command !== undefined) facts.boot = { value: bootFacts(command), from };
  const named = BANNER.exec(message)?.[1] ?? TAINT_LINE.exec(message)?.[1];
  if (named === undefined || facts.kernel !== undefined) return;
  const read = readKernelName(named);
  if (read.ok) facts.kernel = { value: read.kernel, from };
}

function readCgroupLine(message: string, from: string, facts: Gathered): void {
  if (MEMCG_OFF.test(message)) facts.memcg = { value: false, from };
  else if (V1_OFF.test(message)) facts.cgroup = { value: "v2", from };
  else if (V1_FILE.test(message)) facts.cgroup ??= { value: "v1", from };
  else if (V2_USAGE.test(message) || (V1_USAGE.test(message) && (facts.kernel?.value.major ?? 0) >= 5)) {
    facts.cgroup ??= { value: V2_USAGE.test(message) ? "v2" : "v1", from };
    facts.memcg ??= { value: true, from };
  }
}
