/**
 * A small shell that runs scripts on the executable kernel: its control files and processes are the kernel's, see
 * kernel/fs/virtual-files.ts. What it understands: syntax.ts; its commands: commands.ts.
 *
 * A shell is a process; `( )`, `&` and every command that is no builtin fork a child, which the shell waits for unless it is in the
 * background. The script's output goes to {@link Terminal.lines}, which is no state: nobody reads it while the script runs.
 */
import { MESSAGES, type Result } from "../../kernel/cgroup/errno.ts";
import { lookAt, writeVirtual } from "../../kernel/fs/virtual-files.ts";
import { current, kernel } from "../../kernel/sched/current.ts";
import { exitToUserMode } from "../../kernel/sched/entry.ts";
import { kernelWait4, type Status } from "../../kernel/sched/exit.ts";
import { kernelClone } from "../../kernel/sched/fork.ts";
import { Entity, fields, int, type Resumable, value } from "../../resumable/index.ts";
import { COMMANDS, type Command, type Outcome } from "./commands.ts";
import type { Node, Redirection, Word } from "./syntax.ts";

/** What a shell process knows. One for each task that may run one. */
export class Shell extends Entity {
  declare variables: Readonly<Record<string, string>>;
  declare directory: string;
  /** `$?`, `$!`, `$$`. */
  declare status: number;
  declare lastBackground: number;
  declare firstPid: number;
  /** `exit` was called. */
  declare leaving: number;
  static {
    fields(Shell, {
      variables: value,
      directory: value,
      status: int,
      lastBackground: int,
      firstPid: int,
      leaving: int,
    });
  }
}

/** Where scripts run. */
export interface Terminal {
  /** Shells by context number. */
  readonly shells: readonly (Shell | undefined)[];
  /** What was printed, with its newlines. */
  readonly lines: string[];
}
export function terminal(): Terminal {
  return kernel().subsystem<Terminal>("terminal");
}
function myShell(): Shell {
  const shell = terminal().shells[current().context];
  if (shell === undefined) throw new Error(`${current()} has no shell`);
  return shell;
}

/** Beyond what a script that loops for ever may print. */
const MOST_LINES = 1000;
function print(text: string): void {
  const { lines } = terminal();
  if (text !== "" && lines.length < MOST_LINES) lines.push(text);
}
function complain(text: string): void {
  print(`bash: ${text}\n`);
}

/** The words of a command, with its parameters' values; unquoted values fall apart at blanks. */
function expand(words: readonly Word[]): readonly string[] {
  return Object.freeze(words.flatMap(expandWord));
}
function expandWord(word: Word): readonly string[] {
  const done: string[] = [];
  let open: string | undefined;
  for (const part of word) {
    const text = part.kind === "text" ? part.text : parameter(part.name);
    if (part.kind === "text" || !part.split) {
      open = (open ?? "") + text;
      continue;
    }
    const pieces = text.split(/[ \t\n]+/);
    pieces.forEach((piece, i) => {
      if (i > 0 && open !== undefined) {
        done.push(open);
        open = undefined;
      }
      if (piece !== "") open = (open ?? "") + piece;
    });
  }
  return open === undefined ? done : [...done, open];
}
function joined(word: Word): string {
  return word.map((part) => (part.kind === "text" ? part.text : parameter(part.name))).join("");
}
function parameter(name: string): string {
  const shell = myShell();
  switch (name) {
    case "?":
      return String(shell.status);
    case "!":
      return shell.lastBackground === 0 ? "" : String(shell.lastBackground);
    case "$":
      return String(shell.firstPid);
    case "#":
      return "0";
    case "BASHPID":
      return String(current().pid);
    default:
      return shell.variables[name] ?? "";
  }
}

/** An absolute path. */
export function absolute(path: string): string {
  const from = path.startsWith("/") ? "" : myShell().directory;
  const parts: string[] = [];
  for (const part of `${from}/${path}`.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}

/** What a child begins with. Frozen. */
interface Inherited {
  readonly node: Node;
  readonly variables: Readonly<Record<string, string>>;
  readonly directory: string;
  readonly firstPid: number;
  readonly status: number;
  readonly lastBackground: number;
}

function* childMain({ node, variables, directory, firstPid, status, lastBackground }: Inherited): Resumable<number> {
  const shell = myShell();
  Object.assign(shell, { variables, directory, firstPid, status, lastBackground, leaving: 0 });
  return yield* execute(node, true);
}

/** A script begins: what the main shell's task runs. */
export function* scriptMain(node: Node): Resumable {
  myShell().firstPid = current().pid;
  yield* execute(node, false);
}

/** Forks a child that runs the tree; its pid, or undefined. */
function* fork(node: Node): Resumable<number | undefined> {
  const { variables, directory, firstPid, status, lastBackground } = myShell();
  const comm = externalName(node) ?? "bash";
  const argument: Inherited = Object.freeze({ node, variables, directory, firstPid, status, lastBackground });
  const pid = yield* kernelClone(Object.freeze({ comm, fn: childMain, argument }));
  if (pid === undefined) complain("fork: retry: Resource temporarily unavailable");
  return pid;
}

/** The command that a child would be. */
function externalName(node: Node): string | undefined {
  if (node.kind !== "command") return undefined;
  const [first] = node.words[0] ?? [];
  const name = first?.kind === "text" ? first.text : "";
  return Object.hasOwn(COMMANDS, name) && COMMANDS[name]?.builtin !== true ? name : undefined;
}

/** Killed or told to leave: nothing more is done. */
function isOver(): boolean {
  return myShell().leaving > 0 || current().fatalSignal;
}

/** Runs a tree; its exit status. `replaces`: the shell ends with this command, which needs no process of its own. */
function* execute(node: Node, replaces: boolean): Resumable<number> {
  if (!(yield* exitToUserMode())) return 137;
  let status = 0;
  switch (node.kind) {
    case "command":
      status = yield* command(node, replaces);
      break;
    case "sequence":
      for (const item of node.items) {
        status = yield* execute(item, replaces && item === node.items.at(-1));
        if (isOver()) break;
      }
      break;
    case "background": {
      const pid = yield* fork(node.body);
      if (pid !== undefined) myShell().lastBackground = pid;
      break;
    }
    case "and":
    case "or":
      status = yield* execute(node.left, false);
      if (!isOver() && (status === 0) === (node.kind === "and")) status = yield* execute(node.right, replaces);
      break;
    case "not":
      status = (yield* execute(node.body, false)) === 0 ? 1 : 0;
      break;
    case "subshell":
      status = replaces ? yield* execute(node.body, true) : yield* inChild(node.body);
      break;
    case "group":
      status = yield* execute(node.body, replaces);
      break;
    case "loop":
      status = yield* loop(node);
      break;
    case "for":
      status = yield* forLoop(node);
      break;
    case "if":
      if ((yield* execute(node.condition, false)) === 0) status = yield* execute(node.then, replaces);
      else if (!isOver() && node.otherwise !== undefined) status = yield* execute(node.otherwise, replaces);
      break;
  }
  myShell().status = status;
  return status;
}

function* loop(node: Extract<Node, { kind: "loop" }>): Resumable<number> {
  let status = 0;
  for (;;) {
    const condition = yield* execute(node.condition, false);
    if (isOver() || (condition === 0) === node.until) return status;
    status = yield* execute(node.body, false);
    if (isOver()) return status;
  }
}
function* forLoop(node: Extract<Node, { kind: "for" }>): Resumable<number> {
  const words = expand(node.words);
  let status = 0;
  for (const word of words) {
    assign(node.name, word);
    status = yield* execute(node.body, false);
    if (isOver()) break;
  }
  return status;
}

function assign(name: string, text: string): void {
  const shell = myShell();
  shell.variables = Object.freeze({ ...shell.variables, [name]: text });
}

function* inChild(node: Node): Resumable<number> {
  const pid = yield* fork(node);
  if (pid === undefined) return 254;
  const status: Status | undefined = yield* kernelWait4(pid);
  return status?.code ?? 137;
}

function* command(node: Extract<Node, { kind: "command" }>, replaces: boolean): Resumable<number> {
  const words = expand(node.words);
  for (const { name, value: word } of node.assignments) assign(name, joined(word));
  const [name] = words;
  if (name === undefined) return 0;
  const known: Command | undefined = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (known === undefined) {
    complain(`line ${node.line}: ${name}: command not found`);
    return 127;
  }
  if (!known.builtin && !replaces) return yield* inChild(node);
  const target = outputOf(node.redirections);
  const refused = target === undefined ? undefined : cannotOpen(absolute(target));
  if (refused !== undefined) {
    complain(`${target}: ${MESSAGES[refused]}`);
    return 1;
  }
  const { run } = known;
  const outcome: Outcome = yield* run(Object.freeze(words.slice(1)));
  applyOutcome(outcome);
  if (outcome.error !== "") print(`${outcome.error}\n`);
  if (target === undefined) {
    print(outcome.output);
    return outcome.status;
  }
  return yield* redirect(name, target, outcome);
}

/** What a builtin changes in its shell. */
function applyOutcome({ directory, leave }: Outcome): void {
  const shell = myShell();
  if (directory !== undefined) shell.directory = directory;
  if (leave === true) shell.leaving = 1;
}

/** Where standard output goes. Other descriptors: only away (`2> /dev/null` and its like print as if they were not there). */
function outputOf(redirections: readonly Redirection[]): string | undefined {
  const last = redirections.filter((one) => one.descriptor === 1).at(-1);
  return last === undefined ? undefined : joined(last.target);
}

/** Why open(2) for writing fails. */
function cannotOpen(path: string): "ENOENT" | "EISDIR" | undefined {
  if (path === "/dev/null") return undefined;
  const found = lookAt(path);
  if (typeof found === "string" || (found.error !== "ENOENT" && found.error !== "EISDIR")) return undefined;
  return found.error;
}

function* redirect(name: string, target: string, { output, status }: Outcome): Resumable<number> {
  const path = absolute(target);
  if (path === "/dev/null") return status;
  const said: Result = yield* writeVirtual(path, output);
  if (said === "ok") return status;
  complain(`${name}: write error: ${MESSAGES[said]}`);
  return 1;
}
