/** One run of a scenario: disks, initramfs, boot (with one retry), results into a folder. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { type Boot, boot } from "./boot.ts";
import { runCommand } from "./command.ts";
import {
  type Counters,
  diskSamples,
  groupCounters,
  namedNumbers,
  type Standstill,
  samplesOf,
  standstill,
} from "./counters.ts";
import { LabError } from "./errors.ts";
import { type TracedHandles, tracedHandles } from "./handles.ts";
import { initramfs } from "./initramfs.ts";
import { loadingOrder, type Module } from "./modules.ts";
import { kernelCommandLine, most, qemuArguments } from "./qemu.ts";
import { limitSeconds, type Settings, throttleOf } from "./scenarios.ts";
import { type LabLine, readSerial, secondsOf } from "./serial.ts";
import { readSteps, type Step, stepCounters } from "./steps.ts";
import { readTar } from "./tar.ts";
import type { Tools } from "./tools.ts";

/** Where and how to run. */
export interface RunOptions {
  readonly tools: Tools;
  readonly guestFolder: string;
  /** Made by the run; holds kernel.log and every file of the guest afterwards. */
  readonly folder: string;
  readonly interrupted: AbortSignal;
  readonly path: string;
  onLine(line: LabLine): void;
  say(line: string): void;
}

/** What a run brought back. */
export interface Run {
  readonly folder: string;
  /** Names of the files in it. */
  readonly files: readonly string[];
  readonly how: Boot["how"];
  /** The guest wrote its results; without them there is the console only. */
  readonly complete: boolean;
  readonly panicked: boolean;
  readonly boots: number;
  /** Host seconds until the guest's first process spoke. */
  readonly upSeconds: number | undefined;
  readonly wallSeconds: number;
  /** Guest seconds at which the load began and when nothing was written any more. */
  readonly loadSeconds: number | undefined;
  readonly standstill: Standstill | undefined;
  readonly counters: Counters;
  readonly steps: readonly Step[];
  /** What the trace saw of jbd2 handles; undefined without a trace. */
  readonly handles: TracedHandles | undefined;
}

const upLimitSeconds = 240;
const diskMib = 512;
const resultsMib = 256;
/** Fewer quiet seconds are a pause between two commits. */
const leastQuietSeconds = 12;

/** Runs it; throws a {@link LabError} when the guest does not come up twice. */
export async function runScenario(s: Settings, o: RunOptions): Promise<Run> {
  mkdirSync(o.folder, { recursive: true });
  const work = mkdtempSync(join(tmpdir(), "unwedge-lab-"));
  try {
    for (let boots = 1; ; boots++) {
      const machine = await prepare(s, o, work);
      const b = await boot(o.tools.qemu, machine.args, machine.serialLog, {
        limits: { upSeconds: upLimitSeconds, runSeconds: limitSeconds(s) },
        interrupted: o.interrupted,
        path: o.path,
        onLine: o.onLine,
      });
      if (b.how === "not-up" && boots === 1) {
        o.say(
          `the guest did not come up within ${b.wallSeconds.toFixed(0)} s (${b.complaint || "no complaint of QEMU"}); once more`,
        );
        continue;
      }
      const run = bringBack(s, o, machine, b, boots);
      if (b.how !== "not-up") return run;
      throw new LabError(
        "lab-boot-failed",
        `the guest did not come up in two boots; its console is ${join(o.folder, "kernel.log")}${b.complaint && `; QEMU says: ${b.complaint}`}`,
      );
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

interface Prepared {
  readonly args: readonly string[];
  readonly serialLog: string;
  readonly results: string;
}

async function prepare(s: Settings, o: RunOptions, work: string): Promise<Prepared> {
  const file = (name: string): string => join(work, name);
  for (const [name, mib] of [
    ["disk.img", diskMib],
    ["results.img", resultsMib],
    ["swap.img", s.scenario.swapMib ?? 0],
  ] as const)
    sparse(file(name), mib);
  const mkfs = ["-q", "-F", "-t", "ext4", "-E", "lazy_itable_init=0,lazy_journal_init=0", file("disk.img")];
  const { mke2fs } = o.tools;
  const made = await runCommand(mke2fs.file, mkfs, { env: mke2fs.env, limitSeconds: 60, interrupted: o.interrupted });
  if (made.code !== 0) throw new LabError("lab-unavailable", `mke2fs failed: ${made.err.trim()}`);
  writeFileSync(
    file("initramfs"),
    initramfs({
      guestFolder: o.guestFolder,
      busybox: readFileSync(o.tools.busybox),
      load: readFileSync(o.tools.load),
      modules: guestModules(o.tools.kernel.modules),
      parameters: { ...s.parameters, scenario: s.scenario.name, cgroup: s.cgroup, traced: s.traced ? "yes" : "no" },
    }),
  );
  rmSync(file("serial.log"), { force: true });
  const args = qemuArguments({
    firmware: o.tools.qemu.firmware,
    memoryMib: s.scenario.memoryMib,
    cpus: most.cpus,
    kernel: o.tools.kernel.image,
    initramfs: file("initramfs"),
    commandLine: kernelCommandLine,
    serialLog: file("serial.log"),
    disks: [
      { file: file("disk.img"), throttle: throttleOf(s.parameters) },
      { file: file("results.img") },
      ...(s.scenario.swapMib === undefined ? [] : [{ file: file("swap.img") }]),
    ],
  });
  return { args, serialLog: file("serial.log"), results: file("results.img") };
}

function sparse(file: string, mib: number): void {
  writeFileSync(file, "");
  truncateSync(file, mib * 1024 * 1024);
}

/** What a disk needs; a kernel that has them built in has no such files. */
const guestModules = (files: ReadonlyMap<string, string>): readonly Module[] =>
  loadingOrder(["virtio_pci", "virtio_blk"], (name) => {
    const file = files.get(name);
    return file === undefined ? undefined : plainModule(file);
  });

function plainModule(file: string): Buffer {
  if (!/\.(xz|gz|zst)$/.test(file)) return readFileSync(file);
  const program = file.endsWith(".xz") ? "xz" : file.endsWith(".gz") ? "gzip" : "zstd";
  const r = spawnSync(program, ["-dc", file], { maxBuffer: 64 * 1024 * 1024 });
  if (r.status !== 0) throw new LabError("lab-unavailable", `${program} -dc ${file} failed: install ${program}`);
  return r.stdout;
}

function bringBack(s: Settings, o: RunOptions, machine: Prepared, b: Boot, boots: number): Run {
  const serial = readSerial(readOrEmpty(machine.serialLog).toString("utf8"));
  writeFileSync(join(o.folder, "kernel.log"), serial.kernelLog);
  const archive = readTar(readOrEmpty(machine.results));
  const content = (name: string): string => archive.files.find((f) => f.path === name)?.content.toString("utf8") ?? "";
  const files = ["kernel.log", ...archive.files.map((f) => keep(o.folder, f.path, f.content))];
  const steps = readSteps(content("steps.txt"));
  if (steps.length > 0)
    files.push(keep(o.folder, "steps.json", Buffer.from(`${JSON.stringify(steps, undefined, 1)}\n`)));
  const disk = diskSamples(content("diskstats.txt"));
  const loadSeconds = secondsOf(serial.lab, "load starts at ");
  return {
    folder: o.folder,
    files,
    how: b.how,
    complete: archive.complete,
    panicked: serial.panicked,
    boots,
    upSeconds: b.upSeconds,
    wallSeconds: b.wallSeconds,
    loadSeconds,
    standstill: s.parameters.quiet_seconds ? standstill(disk, leastQuietSeconds) : undefined,
    counters: {
      ...lastDisk(disk),
      ...groupCounters(samplesOf(content("memcg.txt")).at(-1)?.lines ?? []),
      ...prefixed("vmstat", namedNumbers(samplesOf(content("vmstat.txt")).at(-1)?.lines ?? [])),
      ...stepCounters(steps),
    },
    steps,
    handles: s.traced && archive.complete ? tracedHandles(content("trace.txt")) : undefined,
  };
}

const readOrEmpty = (file: string): Buffer => {
  try {
    return readFileSync(file);
  } catch {
    return Buffer.alloc(0);
  }
};

const lastDisk = (disk: ReturnType<typeof diskSamples>): Counters => {
  const last = disk.at(-1);
  return last === undefined ? {} : { "disk.writes": last.writes, "disk.sectors_written": last.sectorsWritten };
};
const prefixed = (prefix: string, counters: Counters): Counters =>
  Object.fromEntries(Object.entries(counters).map(([name, value]) => [`${prefix}.${name}`, value]));

/** Writes a file of the guest, traces compressed; gives the name it has now. */
function keep(folder: string, path: string, content: Buffer): string {
  const large = path === "trace.txt";
  const name = large ? `${path}.gz` : path;
  const file = join(folder, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, large ? gzipSync(content) : content);
  return name;
}
