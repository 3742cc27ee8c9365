/** The outside world of a command: where it writes, what it may ask. Tests pass their own. */
import { spawn } from "node:child_process";
import { fstatSync } from "node:fs";
import type { Readable } from "node:stream";

/** Streams, environment and terminal facts of one run. */
export interface Terminal {
  /** Writes to stdout; resolves when the text was taken. */
  out(text: string): Promise<void>;
  /** Writes one line to stderr. */
  err(line: string): void;
  /** Shows how far a long job is; undefined ends that. Absent: nobody wants to know. */
  progress?(line: string | undefined): void;
  readonly stdin: Readable;
  /** stdin is a pipe or a file, so a log may come from it. */
  readonly stdinPiped: boolean;
  readonly stdinTty: boolean;
  readonly outTty: boolean;
  readonly columns: number;
  readonly rows: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted by the first interrupt. */
  readonly interrupted: AbortSignal;
}

/** `--color=auto|always|never`: `auto` is a terminal without NO_COLOR and TERM=dumb. */
export function wantsColor(t: Terminal, choice: "auto" | "always" | "never"): boolean {
  if (choice !== "auto") return choice === "always";
  return t.outTty && !t.env.NO_COLOR && t.env.TERM !== "dumb";
}

/** Prints an answer, through a pager when it is a terminal, the text does not fit on it, and the user wants one. */
export async function show(t: Terminal, text: string, pager: boolean): Promise<void> {
  const command = t.env.PAGER ?? "less";
  const fits = text.split("\n").length <= t.rows;
  if (!pager || !t.outTty || fits || t.env.TERM === "dumb" || command === "" || command === "cat") return t.out(text);
  if (!(await page(command, text, t.env))) await t.out(text);
}

/** False when the pager could not be started. */
function page(command: string, text: string, env: Terminal["env"]): Promise<boolean> {
  return new Promise((resolve) => {
    // Ctrl-C is the pager's while it runs
    const leave = (): void => undefined;
    process.on("SIGINT", leave);
    const done = (shown: boolean): void => {
      process.off("SIGINT", leave);
      resolve(shown);
    };
    const child = spawn("sh", ["-c", command], {
      stdio: ["pipe", "inherit", "inherit"],
      // F: leave at once when it fits, R: colours, X: keep the text on the screen
      env: { ...env, LESS: env.LESS ?? "FRX" },
    });
    // the reader of the pager left early; nothing is lost
    child.stdin.on("error", () => undefined);
    child.on("error", () => done(false));
    // 126, 127: the shell found no such program
    child.on("close", (code) => done(code !== 126 && code !== 127));
    child.stdin.end(text);
  });
}

/** The process's own terminal. */
export function processTerminal(interrupted: AbortSignal): Terminal {
  const { stdin, stdout, stderr, env } = process;
  return {
    out: (text) => new Promise((done) => void stdout.write(text, () => done())),
    err: (line) => void stderr.write(`${line}\n`),
    progress: progressOn(stderr),
    get stdin() {
      return stdin;
    },
    stdinPiped: isPiped(),
    stdinTty: process.stdin.isTTY === true,
    outTty: stdout.isTTY === true,
    columns: stdout.columns ?? 80,
    rows: stdout.rows ?? 24,
    env,
    interrupted,
  };
}

/** A pipe, a socket or a file; not a terminal, not /dev/null, not closed. */
function isPiped(): boolean {
  try {
    const s = fstatSync(0);
    return s.isFIFO() || s.isFile() || s.isSocket();
  } catch {
    return false;
  }
}

/** Seconds between two progress lines where they cannot be rewritten. */
const PLAIN_PROGRESS_SECONDS = 30;

/** One rewritten line on a terminal; elsewhere a plain line now and then. */
function progressOn(stderr: NodeJS.WriteStream): (line: string | undefined) => void {
  let shown = false;
  let last = performance.now();
  return (line) => {
    if (stderr.isTTY) {
      if (line !== undefined) stderr.write(`\r\u001b[K${line.slice(0, (stderr.columns ?? 80) - 1)}`);
      else if (shown) stderr.write("\r\u001b[K");
      shown = line !== undefined;
      return;
    }
    const now = performance.now();
    if (line === undefined || now - last < PLAIN_PROGRESS_SECONDS * 1000) return;
    last = now;
    stderr.write(`${line}\n`);
  };
}
