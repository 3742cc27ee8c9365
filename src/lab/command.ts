/** Runs a program of the host: bounded in time, ended when the user interrupts, its output kept. */
import { spawn } from "node:child_process";
import { LabError } from "./errors.ts";

/** How a program ended. `code` is null when it was killed. */
export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
  readonly timedOut: boolean;
}

/** Limits and surroundings of a program. */
export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly limitSeconds: number;
  readonly interrupted: AbortSignal;
}

const mostOutput = 4 * 1024 * 1024;

/** Resolves when the program has ended; rejects with a {@link LabError} when it is not there or the user interrupts. */
export function runCommand(program: string, args: readonly string[], options: CommandOptions): Promise<Ended> {
  return new Promise((resolve, reject) => {
    if (options.interrupted.aborted) return reject(new LabError("lab-interrupted", "interrupted"));
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: { ...process.env, LC_ALL: "C", ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const text = { out: "", err: "" };
    let timedOut = false;
    const kill = (): void => {
      child.kill("SIGKILL");
    };
    const timer = setTimeout(() => {
      timedOut = true;
      kill();
    }, options.limitSeconds * 1000);
    options.interrupted.addEventListener("abort", kill, { once: true });
    process.once("exit", kill);
    const keep = (to: "out" | "err") => (chunk: Buffer) => {
      if (text[to].length < mostOutput) text[to] += chunk.toString("utf8");
    };
    child.stdout.on("data", keep("out"));
    child.stderr.on("data", keep("err"));
    const settle = (): void => {
      clearTimeout(timer);
      options.interrupted.removeEventListener("abort", kill);
      process.off("exit", kill);
    };
    child.on("error", (e: NodeJS.ErrnoException) => {
      settle();
      const why = e.code === "ENOENT" ? "is not installed" : e.message;
      reject(new LabError("lab-unavailable", `${program} ${why}`));
    });
    child.on("close", (code) => {
      settle();
      if (options.interrupted.aborted) reject(new LabError("lab-interrupted", "interrupted"));
      else resolve({ code, ...text, timedOut });
    });
  });
}
