/**
 * printk() (kernel/printk/printk.c) with one console on a serial line: whoever prints writes the line to the console itself,
 * unless somebody else has the console, who then writes it too. In a deferred section (`printk_deferred_enter()`) the line
 * is left to an interrupt of the same CPU that comes when interrupts are on again.
 *
 * Not modelled: the hand-over of a console between printers, printing threads (6.14+ may have them), lines that are lost.
 */
import { bool, create, Entity, fields, op, type Resumable, ref } from "../../resumable/index.ts";
import { serial8250ConsoleWrite, type UartPort } from "../drivers/serial-8250.ts";
import { current, kernel } from "../sched/current.ts";
import type { Kernel } from "../sched/kernel.ts";
import type { Task } from "../sched/task.ts";

/** `struct console`, with console_lock. */
export class Console extends Entity {
  declare port: UartPort;
  declare owner: Task | undefined;
  /** A line stands in the log that the console has not got. */
  declare pending: boolean;
  /** Who is in a deferred section; those of other CPUs print as always. */
  declare deferredBy: Task | undefined;
  static {
    fields(Console, { port: ref, owner: ref, pending: bool, deferredBy: ref });
  }
}

/** The kernel prints to a serial line. Set-up only; without it printk() only fills a buffer. */
export function bootConsole(k: Kernel, port: UartPort): void {
  k.subsystems.set("console", create(Console, { port }));
}
function console(): Console | undefined {
  return kernel().subsystems.get("console") as Console | undefined;
}

const vprintkStore = op<Console>("vprintk_store", {
  apply(con) {
    con.pending = true;
    if (con.deferredBy === current() || con.owner !== undefined) return false;
    con.owner = current();
    return true;
  },
  describe: () => "a line for the console",
});
const next = op<Console>("console_unlock", {
  apply(con) {
    const more = con.pending;
    con.pending = false;
    if (!more) con.owner = undefined;
    return more;
  },
  describe: () => "the console's next line, or its unlock",
});
const tryConsole = op<Console>("console_trylock", {
  apply(con) {
    if (!con.pending || con.owner !== undefined) return false;
    con.owner = current();
    return true;
  },
});

/** One line, whatever it says. */
export function* printk(): Resumable {
  yield* vprintkEmit();
}
function* vprintkEmit(): Resumable {
  const con = console();
  if (con !== undefined && (yield vprintkStore(con))) yield* consoleUnlock(con);
}
function* consoleUnlock(con: Console): Resumable {
  while (yield next(con)) yield* serial8250ConsoleWrite(con.port);
}

/** Only the caller sees it: what it prints until {@link printkDeferredExit} is left for later. */
export function printkDeferredEnter(): void {
  const con = console();
  if (con !== undefined) con.deferredBy = current();
}
export function printkDeferredExit(): void {
  const con = console();
  if (con !== undefined) con.deferredBy = undefined;
}
/** `wake_up_klogd_work_func()`, an interrupt that comes as soon as interrupts are on after a deferred section. */
export function* wakeUpKlogdWorkFunc(): Resumable {
  const con = console();
  if (con !== undefined && (yield tryConsole(con))) yield* consoleUnlock(con);
}
