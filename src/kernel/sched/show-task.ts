/**
 * A model state as the kernel prints it: hung-task reports, SysRq-w and -t, lockups, /proc/PID/stack.
 *
 * Sources: kernel/sched/core.c:sched_show_task, kernel/hung_task.c:check_hung_task, kernel/watchdog.c, fs/proc/base.c:
 * proc_pid_stack; spec/kernel/10 and 13. A model frame knows no code offset: every frame prints `+0x0/0x0`. Times and stack
 * depths are 0 likewise. The readers of `evidence/` read all of it.
 */
import type { Frame } from "../../resumable/index.ts";
import { type Era, history, valueAt } from "../era.ts";
import { type EntryKind, entryFrames, kernelName, procStack, waitTop } from "../frame-names.ts";
import type { Kernel } from "./kernel.ts";
import { obstacleOf } from "./stuck.ts";
import type { Cpu, Task } from "./task.ts";
import { sleepNow } from "./timeout.ts";

/** Whether a frame's file is the kernel's, not an incident's or a test's. */
export function isKernelFile(file: string): boolean {
  return /(^|\/)src\/kernel\//.test(file) && !file.endsWith(".test.ts");
}

/** Frames of the model's own scaffolding; {@link entryFrames} prints them. */
const SCAFFOLD: ReadonlySet<string> = new Set(["workerThread", "poolWorker", "processOneWork", "retFromFork"]);
/** Where a page fault from user space enters; a task with another outermost function came through a system call. */
const FAULT_ENTRY = /^(userPageFault|doUserAddrFault|excPageFault|doPageFault)$/;

/** The header of sched_show_task(): forms and releases as evidence/task-lines.ts has them from logs. */
const TASK_LINE = history<"address" | "plain" | "named" | "left" | "tgid" | "task_flags">(
  "address",
  ["4.14", "plain"],
  ["5.9", "named"],
  ["6.1", "left"],
  ["6.8", "tgid"],
  ["6.14", "task_flags"],
);
/** Addresses before the symbols of a trace: until v4.10. */
const FRAME_ADDRESS = history(true, ["4.10", false]);
/** `[<0>]` in /proc/PID/stack: v4.15; and no end marker from v5.3 on [M]. */
const PROC_ADDRESS = history(true, ["4.15", false]);
const PROC_END = history(true, ["5.3?", false]);
/** ` <TASK>` and ` </TASK>` around a task's part of a trace: v5.16 [M]; logs of 6.1 have them. */
const TASK_MARKS = history(false, ["5.16?", true]);
/** Kernel threads without work are in state I. commit 8ef9925b02c2 ("sched/debug: Add explicit TASK_IDLE printing") (v4.14) [M]. */
const IDLE_STATE = history<"S" | "I">("S", ["4.14", "I"]);
const SYSRQ = history("SysRq : ", ["4.13", "sysrq: SysRq : "], ["5.0?", "sysrq: "]);
const WATCHDOG = history("NMI watchdog: ", ["4.17?", "watchdog: "]);

const ADDRESS = "[<ffffffff81000000>]";

/** What `ps` shows: R runs or spins, D sleeps uninterruptibly or killably, S interruptibly, I has no work. */
export type ShownState = "R" | "D" | "S" | "I";

/** @since 0.2.0 */
export function taskState(kernel: Kernel, task: Task): ShownState {
  kernel.world.activate();
  const obstacle = obstacleOf(kernel, task);
  if (obstacle?.kind === "wait") return obstacle.wait.state === "K" ? "D" : obstacle.wait.state;
  const sleep = obstacle === undefined ? sleepNow(kernel, task) : undefined;
  if (sleep !== undefined) return sleep.state === "S" ? "S" : "D";
  if (obstacle === undefined && kernel.machine.idle(task.context)) {
    return task.kind === "task" ? "S" : valueAt(IDLE_STATE, kernel.era);
  }
  return "R";
}

/**
 * The task's own frames by their kernel names, innermost first, with what stands above and below the model's; handlers on
 * top of it are {@link interruptFrames}. Empty once it has ended.
 *
 * @since 0.2.0
 */
export function taskFrames(kernel: Kernel, task: Task): readonly string[] {
  kernel.world.activate();
  const { machine, era } = kernel;
  if (machine.finished(task.context)) return [];
  const frames = machine.stack(task.context).filter((frame) => !SCAFFOLD.has(frame.name));
  // what an incident file adds is user space
  const model = frames.filter((frame) => isKernelFile(frame.file));
  const top = topOf(kernel, task);
  if (task.kind === "task" && model.length === 0 && top.length === 0) return [];
  const names: string[] = [];
  for (const { name } of model) {
    const printed = kernelName(name, era);
    // one kernel function may be two in the model: its fast path and what sleeps
    if (printed !== undefined && names.at(-1) !== printed) names.push(printed);
  }
  return [...top, ...names, ...bottomOf(era, task, model.length > 0, frames)];
}

function topOf(kernel: Kernel, task: Task): readonly string[] {
  const obstacle = obstacleOf(kernel, task);
  if (obstacle?.kind === "wait") return waitTop(obstacle.wait.top, kernel.era);
  const sleep = obstacle === undefined ? sleepNow(kernel, task) : undefined;
  if (sleep !== undefined) return waitTop(sleep.top ?? "congestion", kernel.era);
  // a worker without work sleeps in worker_thread()
  return obstacle === undefined && kernel.machine.idle(task.context) ? waitTop("schedule", kernel.era) : [];
}

function bottomOf(era: Era, task: Task, works: boolean, frames: readonly Frame[]): readonly string[] {
  // the manager of a pool is in no work
  const inWork = works && !frames.some(({ name }) => name === "maybeCreateWorker");
  if (task.kind === "kworker" && !inWork) return ["worker_thread", ...entryFrames("kthread", era)];
  return entryFrames(entryOf(task, frames), era);
}

function entryOf(task: Task, frames: readonly Frame[]): EntryKind {
  switch (task.kind) {
    case "kworker":
    case "kthread":
      return task.kind;
    case "hardirq":
      return "irq";
    case "softirq":
      return "softirq";
    case "task":
      return frames.some(({ name }) => FAULT_ENTRY.test(name)) ? "page_fault" : "syscall";
  }
}

/** Frames of the handlers that run on top of what the CPU of `task` was doing, innermost first. */
function interruptFrames(kernel: Kernel, task: Task): readonly string[] {
  const handlers = [...task.cpu.irqStack].reverse();
  return handlers.flatMap((handler) => taskFrames(kernel, handler));
}

function traceLine(era: Era, symbol: string): string {
  return ` ${valueAt(FRAME_ADDRESS, era) ? `${ADDRESS} ` : ""}${symbol}+0x0/0x0`;
}

function trace(kernel: Kernel, task: Task, interrupts: readonly string[] = []): string[] {
  const { era } = kernel;
  const marks = valueAt(TASK_MARKS, era);
  const line = (symbol: string): string => traceLine(era, symbol);
  const own = taskFrames(kernel, task).map(line);
  return [
    "Call Trace:",
    ...(interrupts.length > 0 ? [" <IRQ>", ...interrupts.map(line), " </IRQ>"] : []),
    ...(marks ? [" <TASK>"] : []),
    ...own,
    ...(marks ? [" </TASK>"] : []),
  ];
}

/** The header of sched_show_task(), by era. */
function taskLine(kernel: Kernel, task: Task): string {
  const form = valueAt(TASK_LINE, kernel.era);
  const state = taskState(kernel, task);
  const comm = task.comm.slice(0, 15).padEnd(15);
  const { pid } = task;
  const ppid = task.kind === "task" ? 1 : 2;
  const flags = task.kind === "task" ? "0x00000000" : "0x00004000";
  const running = state === "R" ? "  running task    " : "";
  switch (form) {
    case "address":
      return `${comm} ${state}${running === "" ? " 0000000000000000 " : running}    0 ${pad(pid, 5)} ${pad(ppid, 6)} ${flags}`;
    case "plain":
      return `${comm} ${state}${running}    0 ${pad(pid, 5)} ${pad(ppid, 6)} ${flags}`;
    case "named":
      return `task:${comm} state:${state}${running} stack:    0 pid:${pad(pid, 5)} ppid:${pad(ppid, 6)} flags:${flags}`;
    default: {
      const ids = `pid:${String(pid).padEnd(5)}${form === "left" ? "" : ` tgid:${String(pid).padEnd(5)}`}`;
      const taskFlags = form === "task_flags" ? "task_flags:0x0000 " : "";
      return `task:${comm} state:${state}${running} stack:0     ${ids} ppid:${String(ppid).padEnd(6)} ${taskFlags}flags:${flags}`;
    }
  }
}

function pad(n: number, width: number): string {
  return String(n).padStart(width);
}

/** A task as sched_show_task() prints it. @since 0.2.0 */
export function schedShowTask(kernel: Kernel, task: Task): readonly string[] {
  kernel.world.activate();
  const work = task.workName === undefined ? [] : [`Workqueue: ${task.workName}`];
  return [taskLine(kernel, task), ...work, ...trace(kernel, task)];
}

/**
 * The stack of any context: a task as {@link schedShowTask} has it, a handler with its CPU and what it interrupted.
 *
 * @since 0.2.0
 */
export function showContext(kernel: Kernel, task: Task): readonly string[] {
  kernel.world.activate();
  if (task.kind !== "hardirq" && task.kind !== "softirq") return schedShowTask(kernel, task);
  const below = interrupted(kernel, task.cpu);
  const frames = taskFrames(kernel, task).map((symbol) => traceLine(kernel.era, symbol));
  return [cpuLine(kernel, task.cpu, below), "Call Trace:", " <IRQ>", ...frames, " </IRQ>"];
}

/** The task that was running below the handlers of a CPU, where it is known: one that may not be preempted. */
function interrupted(kernel: Kernel, cpu: Cpu): Task | undefined {
  const may = (task: Task): boolean => task.kind !== "hardirq" && task.kind !== "softirq";
  const atomic = kernel.tasks.find((task) => task.cpu === cpu && may(task) && task.preemptCount > 0);
  return atomic ?? (cpu.pinned !== undefined && may(cpu.pinned) ? cpu.pinned : undefined);
}

function cpuLine(kernel: Kernel, cpu: Cpu, task: Task | undefined): string {
  const [pid, comm] = task === undefined ? [0, `swapper/${cpu.number}`] : [task.pid, task.comm];
  return `CPU: ${cpu.number} PID: ${pid} Comm: ${comm} ${taint(kernel)}`;
}

/** Tasks that dumps list: handlers are no tasks. */
function listed(kernel: Kernel): Task[] {
  kernel.world.activate();
  return kernel.tasks.filter(
    (task) => task.kind !== "hardirq" && task.kind !== "softirq" && !kernel.machine.finished(task.context),
  );
}

function taint(kernel: Kernel): string {
  return `Not tainted ${kernel.era.release} #1`;
}

/**
 * What khungtaskd says of a task: it reports uninterruptible sleeps only, not killable ones; empty for any other task.
 *
 * @since 0.2.0
 */
export function hungTaskReport(kernel: Kernel, task: Task, seconds = 120): readonly string[] {
  kernel.world.activate();
  const obstacle = obstacleOf(kernel, task);
  if (obstacle?.kind !== "wait" || obstacle.wait.state !== "D") return [];
  return [
    `INFO: task ${task.comm}:${task.pid} blocked for more than ${seconds} seconds.`,
    `      ${taint(kernel)}`,
    '"echo 0 > /proc/sys/kernel/hung_task_timeout_secs" disables this message.',
    ...schedShowTask(kernel, task),
  ];
}

function dump(kernel: Kernel, title: string, tasks: readonly Task[]): readonly string[] {
  const { era } = kernel;
  const form = valueAt(TASK_LINE, era);
  const columns = form === "address" || form === "plain" ? ["  task                        PC stack   pid father"] : [];
  return [`${valueAt(SYSRQ, era)}${title}`, ...columns, ...tasks.flatMap((task) => schedShowTask(kernel, task))];
}

/** SysRq-w: every task in D state. @since 0.2.0 */
export function showBlockedState(kernel: Kernel): readonly string[] {
  return dump(
    kernel,
    "Show Blocked State",
    listed(kernel).filter((task) => taskState(kernel, task) === "D"),
  );
}

/** SysRq-t: every task. @since 0.2.0 */
export function showState(kernel: Kernel): readonly string[] {
  return dump(kernel, "Show State", listed(kernel));
}

/**
 * What the watchdogs say of the CPUs that spin: hard lockup where interrupts are off, soft lockup elsewhere.
 *
 * @since 0.2.0
 */
export function lockupReports(kernel: Kernel): readonly string[] {
  kernel.world.activate();
  return kernel.cpus.flatMap((cpu) => {
    const spinner = kernel.tasks.find((task) => {
      if (task.cpu !== cpu) return false;
      const obstacle = obstacleOf(kernel, task);
      return obstacle?.kind === "wait" && obstacle.wait.state === "R";
    });
    if (spinner === undefined) return [];
    const below = spinner.kind === "hardirq" || spinner.kind === "softirq" ? interrupted(kernel, cpu) : spinner;
    const [pid, comm] = below === undefined ? [0, `swapper/${cpu.number}`] : [below.pid, below.comm];
    const says =
      cpu.irqsOff || spinner.kind === "hardirq"
        ? `Watchdog detected hard LOCKUP on cpu ${cpu.number}`
        : `BUG: soft lockup - CPU#${cpu.number} stuck for 22s! [${comm}:${pid}]`;
    const interrupts = below === spinner ? [] : interruptFrames(kernel, spinner);
    return [
      `${valueAt(WATCHDOG, kernel.era)}${says}`,
      cpuLine(kernel, cpu, below),
      ...(below === undefined
        ? ["Call Trace:", " <IRQ>", ...interrupts.map((symbol) => traceLine(kernel.era, symbol)), " </IRQ>"]
        : trace(kernel, below, interrupts)),
    ];
  });
}

/** /proc/PID/stack. @since 0.2.0 */
export function procPidStack(kernel: Kernel, task: Task): readonly string[] {
  const { era } = kernel;
  const address = valueAt(PROC_ADDRESS, era) ? ADDRESS : "[<0>]";
  const lines = procStack(taskFrames(kernel, task)).map((symbol) => `${address} ${symbol}+0x0/0x0`);
  return valueAt(PROC_END, era) ? [...lines, "[<ffffffffffffffff>] 0xffffffffffffffff"] : lines;
}

/**
 * The log of a machine that hangs in this state: hung-task reports, lockups, then SysRq-w, with times in front.
 *
 * @since 0.2.0
 */
export function kernelLog(kernel: Kernel): string {
  const hung = listed(kernel).flatMap((task) => hungTaskReport(kernel, task));
  const lines = [...hung, ...lockupReports(kernel), ...showBlockedState(kernel)];
  return `${lines.map((line, i) => `[${(242 + i / 1e6).toFixed(6).padStart(12)}] ${line}`).join("\n")}\n`;
}
