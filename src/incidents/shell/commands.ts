/** The commands of the shell: builtins of bash, and of coreutils what reproducers use. */
import { MESSAGES, type Result } from "../../kernel/cgroup/errno.ts";
import type { Inode } from "../../kernel/fs/inode.ts";
import { __x64SysSync } from "../../kernel/fs/sync.ts";
import { isVirtual, listDirectory, mkdirVirtual, readVirtual, rmdirVirtual } from "../../kernel/fs/virtual-files.ts";
import { vfsWrite } from "../../kernel/mm/filemap-write.ts";
import { doTruncate } from "../../kernel/mm/truncate.ts";
import { kernel } from "../../kernel/sched/current.ts";
import { exitToUserMode, sleepFor } from "../../kernel/sched/entry.ts";
import { kernelWait4, kill } from "../../kernel/sched/exit.ts";
import { Entity, fields, op, type Resumable, ref, value } from "../../resumable/index.ts";
import { absolute } from "./shell.ts";

/** What a command comes to. Frozen. */
export interface Outcome {
  readonly status: number;
  readonly output: string;
  /** A line for standard error. */
  readonly error: string;
  /** `cd`. */
  readonly directory?: string;
  /** `exit`. */
  readonly leave?: boolean;
}
export interface Command {
  /** Runs in the shell itself. */
  readonly builtin: boolean;
  readonly run: (words: readonly string[]) => Resumable<Outcome>;
}

const done = (output = ""): Outcome => Object.freeze({ status: 0, output, error: "" });
const failed = (error: string, status = 1): Outcome => Object.freeze({ status, output: "", error });

/** A file with a name on a disk filesystem; the pool has as many as a machine's scripts may make. */
export class NamedFile extends Entity {
  declare path: string;
  declare inode: Inode;
  static {
    fields(NamedFile, { path: value, inode: ref }, "named_file");
  }
}
const fileAt = op<string>("open", {
  apply(path) {
    const files = kernel().subsystem<readonly NamedFile[]>("named files");
    const file = files.find((one) => one.path === path) ?? files.find((one) => one.path === "");
    if (file === undefined) return undefined;
    file.path = path;
    return file.inode;
  },
  describe: (path) => `open ${path}`,
});

/** How many pages stand for a megabyte that a script names. */
function pagesPerMegabyte(): number {
  return kernel().subsystem<number>("pages per megabyte");
}

function* echo(words: readonly string[]): Resumable<Outcome> {
  const bare = words[0] === "-n";
  yield* exitToUserMode();
  return done(`${(bare ? words.slice(1) : words).join(" ")}${bare ? "" : "\n"}`);
}
function* trueCommand(): Resumable<Outcome> {
  yield* exitToUserMode();
  return done();
}
function* falseCommand(): Resumable<Outcome> {
  yield* exitToUserMode();
  return failed("");
}
function* cd(words: readonly string[]): Resumable<Outcome> {
  const directory = absolute(words[0] ?? "/");
  yield* exitToUserMode();
  if (isVirtual(directory) && listDirectory(directory) === undefined)
    return failed(`bash: cd: ${words[0]}: ${MESSAGES.ENOENT}`);
  return Object.freeze({ ...done(), directory });
}
function* exit(words: readonly string[]): Resumable<Outcome> {
  yield* exitToUserMode();
  return Object.freeze({ status: Number(words[0] ?? 0), output: "", error: "", leave: true });
}
function* wait(words: readonly string[]): Resumable<Outcome> {
  for (const pid of words) yield* kernelWait4(Number(pid));
  return done();
}
function* killCommand(words: readonly string[]): Resumable<Outcome> {
  for (const pid of words.filter((word) => !word.startsWith("-")))
    if (!(yield* kill(Number(pid)))) return failed(`bash: kill: (${pid}) - ${MESSAGES.ESRCH}`);
  return done();
}

function* mkdirCommand(words: readonly string[]): Resumable<Outcome> {
  let error = "";
  for (const word of words.filter((one) => !one.startsWith("-"))) {
    const said: Result = yield* mkdirVirtual(absolute(word));
    const isThere = said === "EEXIST" && words.includes("-p");
    if (said !== "ok" && !isThere) error = `mkdir: cannot create directory '${word}': ${MESSAGES[said]}`;
  }
  return error === "" ? done() : failed(error);
}
function* rmdirCommand(words: readonly string[]): Resumable<Outcome> {
  let error = "";
  for (const word of words) {
    const said: Result = yield* rmdirVirtual(absolute(word));
    if (said !== "ok") error = `rmdir: failed to remove '${word}': ${MESSAGES[said]}`;
  }
  return error === "" ? done() : failed(error);
}
function* cat(words: readonly string[]): Resumable<Outcome> {
  let output = "";
  for (const word of words) {
    const found = yield* readVirtual(absolute(word));
    if (typeof found !== "string") return failed(`cat: ${word}: ${MESSAGES[found.error]}`);
    output += found;
  }
  return done(output);
}
function* ls(words: readonly string[]): Resumable<Outcome> {
  const path = absolute(words[0] ?? ".");
  yield* exitToUserMode();
  const names = listDirectory(path);
  if (names === undefined) return failed(`ls: cannot access '${words[0] ?? "."}': ${MESSAGES.ENOENT}`, 2);
  return done(names.map((name) => `${name}\n`).join(""));
}

function* sync(): Resumable<Outcome> {
  yield* __x64SysSync();
  yield* exitToUserMode();
  return done();
}

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86400 };
function* sleep(words: readonly string[]): Resumable<Outcome> {
  const m = /^(\d+(?:\.\d+)?)([smhd]?)$/.exec(words[0] ?? "");
  if (m === null) return failed(`sleep: invalid time interval '${words[0] ?? ""}'`);
  yield* sleepFor(Number(m[1]) * (UNITS[m[2] || "s"] as number) * 1000);
  return done();
}

/** Bytes with the suffixes of dd(1). */
function ddSize(text: string): number {
  const m = /^(\d+)([kKMG]?)$/.exec(text);
  return m === null ? Number.NaN : Number(m[1]) * 1024 ** ["", "k", "m", "g"].indexOf((m[2] ?? "").toLowerCase());
}
interface DdPlan {
  readonly output: string;
  readonly pages: number;
  readonly count: number;
}
function ddPlan(words: readonly string[]): DdPlan | string {
  const given = Object.fromEntries(words.map((word) => word.split("=", 2) as [string, string]));
  if (given.if !== "/dev/zero") return `dd: failed to open '${given.if ?? ""}': only /dev/zero can be read`;
  const [bytes, count] = [ddSize(given.bs ?? "512"), ddSize(given.count ?? "1")];
  if (given.of === undefined || Number.isNaN(bytes) || Number.isNaN(count)) return "dd: invalid number";
  return Object.freeze({
    output: given.of,
    pages: Math.max(1, Math.round((bytes / 2 ** 20) * pagesPerMegabyte())),
    count,
  });
}

/** `dd if=/dev/zero of=FILE bs=SIZE count=N`: the file is truncated, then written block by block. */
function* dd(words: readonly string[]): Resumable<Outcome> {
  const plan = ddPlan(words);
  if (typeof plan === "string") return failed(plan);
  const inode: Inode | undefined = yield fileAt(absolute(plan.output));
  if (inode === undefined) return failed(`dd: failed to open '${plan.output}': No space left on device`);
  yield* doTruncate(inode, 0);
  let records = 0;
  for (; records < plan.count; records++) {
    if ((yield* vfsWrite(inode, records * plan.pages, plan.pages)) < plan.pages) break;
    if (!(yield* exitToUserMode())) break;
  }
  return failed(`${records}+0 records in\n${records}+0 records out`, records === plan.count ? 0 : 1);
}

export const COMMANDS: Readonly<Record<string, Command>> = {
  ":": { builtin: true, run: trueCommand },
  cd: { builtin: true, run: cd },
  echo: { builtin: true, run: echo },
  exit: { builtin: true, run: exit },
  false: { builtin: true, run: falseCommand },
  kill: { builtin: true, run: killCommand },
  true: { builtin: true, run: trueCommand },
  wait: { builtin: true, run: wait },
  cat: { builtin: false, run: cat },
  dd: { builtin: false, run: dd },
  ls: { builtin: false, run: ls },
  mkdir: { builtin: false, run: mkdirCommand },
  rmdir: { builtin: false, run: rmdirCommand },
  sleep: { builtin: false, run: sleep },
  sync: { builtin: false, run: sync },
};
