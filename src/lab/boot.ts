/** One boot of a virtual machine, watched through its serial console and ended in any case. */
import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readSync } from "node:fs";
import { findProgram, type Program } from "./programs.ts";
import { guestIsUp, type LabLine, labLineOf } from "./serial.ts";

/** Bounds of one boot, in seconds of the host. */
export interface BootLimits {
  /** Until the guest's first process speaks. */
  readonly upSeconds: number;
  /** From then to the end. */
  readonly runSeconds: number;
}

/** How a boot went. */
export interface Boot {
  /** `ended`: QEMU came to its end by itself; `not-up`: the guest never spoke; `too-long`: it was ended. */
  readonly how: "ended" | "not-up" | "too-long" | "interrupted";
  /** Host time from the start of QEMU until the guest spoke; undefined when it did not. */
  readonly upSeconds: number | undefined;
  readonly wallSeconds: number;
  /** What QEMU itself complained about. */
  readonly complaint: string;
}

/** What a boot is watched with. */
export interface BootOptions {
  readonly limits: BootLimits;
  readonly interrupted: AbortSignal;
  readonly path: string;
  onLine(line: LabLine): void;
}

const lookMs = 100;

/** Starts QEMU and resolves when it is gone. */
export async function boot(qemu: Program, args: readonly string[], serialLog: string, o: BootOptions): Promise<Boot> {
  const from = performance.now();
  const seconds = (): number => (performance.now() - from) / 1000;
  const child = start(qemu, args, o.path);
  let complaint = "";
  child.stderr?.on("data", (d: Buffer) => {
    if (complaint.length < 4096) complaint += d.toString();
  });
  let running = true;
  const gone = new Promise<void>((done) => {
    child.on("close", () => done());
    child.on("error", (e) => {
      complaint += e.message;
      done();
    });
  }).then(() => {
    running = false;
  });
  const kill = (): void => void child.kill("SIGKILL");
  process.once("exit", kill);
  const console = follow(serialLog);
  let up: number | undefined;
  let how: Boot["how"] = "ended";
  const listen = (): void => {
    for (const line of console.lines()) {
      if (up === undefined && guestIsUp(line)) up = seconds();
      o.onLine(line);
    }
  };
  try {
    while (running) {
      await Promise.race([gone, new Promise((r) => setTimeout(r, lookMs))]);
      listen();
      const why = overdue(o, seconds(), up);
      if (running && why !== undefined) {
        how = why;
        kill();
        await gone;
      }
    }
  } finally {
    kill();
    process.off("exit", kill);
    console.close();
  }
  if (how === "ended" && up === undefined) how = "not-up";
  return { how, upSeconds: up, wallSeconds: seconds(), complaint: complaint.trim() };
}

function overdue(o: BootOptions, seconds: number, up: number | undefined): Boot["how"] | undefined {
  if (o.interrupted.aborted) return "interrupted";
  if (up === undefined) return seconds > o.limits.upSeconds ? "not-up" : undefined;
  return seconds - up > o.limits.runSeconds ? "too-long" : undefined;
}

/** setpriv (util-linux) has the kernel end QEMU even when this process is killed and can do nothing any more. */
function start(qemu: Program, args: readonly string[], path: string): ChildProcess {
  const options: SpawnOptions = { env: { ...process.env, ...qemu.env }, stdio: ["ignore", "ignore", "pipe"] };
  const setpriv = findProgram("setpriv", path);
  const line = [qemu.file, ...qemu.args, ...args];
  return setpriv === undefined
    ? spawn(line[0]!, line.slice(1), options)
    : spawn(setpriv, ["--pdeathsig", "KILL", "--", ...line], options);
}

/** Reads what was added to a file since the last time, in whole lines. */
function follow(file: string): { lines(): LabLine[]; close(): void } {
  let fd: number | undefined;
  let rest = "";
  const chunk = Buffer.alloc(65_536);
  return {
    lines() {
      if (fd === undefined && existsSync(file)) fd = openSync(file, "r");
      if (fd === undefined) return [];
      const found: LabLine[] = [];
      for (let n = readSync(fd, chunk); n > 0; n = readSync(fd, chunk)) {
        const lines = (rest + chunk.toString("latin1", 0, n)).split("\n");
        rest = lines.pop()!;
        for (const line of lines) found.push(...[labLineOf(line)].filter((l) => l !== undefined));
      }
      return found;
    },
    close() {
      if (fd !== undefined) closeSync(fd);
    },
  };
}
