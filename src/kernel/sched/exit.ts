/** The end of processes, and who waits for it (kernel/exit.c). */
import { create, op, type Resumable } from "../../resumable/index.ts";
import { taskCgroup } from "../cgroup/cgroup-types.ts";
import { PF_EXITING } from "../gfp.ts";
import { createMm, createVma, exitMmap } from "../mm/mmap.ts";
import { current, kernel } from "./current.ts";
import type { Kernel } from "./kernel.ts";
import { Process, Processes, type Program, processes, putTaskStack, STACK_PAGES } from "./process.ts";
import { sendSigkill } from "./signal.ts";
import { waitOp } from "./wait.ts";

/** Pids of processes that were forked; those of the set-up begin at 1000. */
const FIRST_FORKED_PID = 2000;

/** Makes room for so many processes at once, each with a heap of up to `heapPages`. Set-up only. */
export function bootProcesses(k: Kernel, count: number, heapPages: number): Processes {
  const pool = create(Processes, { nextPid: FIRST_FORKED_PID });
  for (let i = 0; i < count; i++) {
    const space = createMm();
    const process = create(Process, { state: "unused", space });
    process.heap = createVma(k, space, { length: heapPages });
    process.task = k.spawn({ comm: "unused", flags: PF_EXITING, idle: true, stackWords: 1536 }, retFromFork, [process]);
    process.task.pid = 0;
    pool.all.push(process);
  }
  k.subsystems.set("processes", pool);
  return pool;
}

const begin = op<Process>("ret_from_fork", {
  ways: (process) => (process.state === "running" ? 1 : 0),
  apply: (process) => process.program,
  idle: true,
  describe: (process) => `begin ${process}`,
});

/** What a task of the pool does: it waits to be forked, runs, exits, and may be forked again. */
function* retFromFork(process: Process): Resumable {
  for (;;) {
    const program: Program = yield begin(process);
    const { fn, argument } = program;
    const code = yield* fn(argument as never);
    yield* doExit(process, code);
  }
}

const exitSignals = op<Process, number>("exit_signals", {
  apply(process, code) {
    const { task } = process;
    process.signaled = task.fatalSignal;
    process.exitCode = code;
    task.flags |= PF_EXITING;
    // exit_group(2) of the leader takes its threads along
    if (!process.thread)
      sendSigkill(kernel().tasks.filter((t) => t !== task && t.mm !== undefined && t.mm === task.mm));
  },
  describe: (process) => `${process.task} exits`,
});

/** The last user of the address space takes it down. */
const exitMm = op<Process>("exit_mm", {
  apply({ task }) {
    const { mm } = task;
    const isLast = kernel().tasks.every((t) => t === task || t.mm !== mm);
    if (isLast) return mm;
    task.mm = undefined;
    return undefined;
  },
});

const exitNotify = op<Process>("exit_notify", {
  apply(process) {
    const { task, stackMemcg } = process;
    taskCgroup(task)?.tasks.remove(task);
    task.memcg?.tasks.remove(task);
    if (stackMemcg !== undefined) putTaskStack(stackMemcg, STACK_PAGES);
    process.stackMemcg = undefined;
    task.memcg = undefined;
    task.mm = undefined;
    Object.assign(task, { fatalSignal: false, oomVictim: false, notifyResume: false, memcgNrPagesOverHigh: 0 });
    task.memcgInOom = undefined;
    const reaped = process.thread || process.parent === undefined;
    process.state = reaped ? "unused" : "zombie";
    if (reaped) Object.assign(task, { pid: 0, comm: "unused" });
  },
  describe: ({ task }) => `${task} has exited`,
});

/** `do_exit()`. */
export function* doExit(process: Process, code: number): Resumable {
  yield exitSignals(process, code);
  const space = yield exitMm(process);
  if (space !== undefined) yield* exitMmap(space);
  yield exitNotify(process);
}

/** How a child ended: its exit code, or undefined when SIGKILL ended it. Frozen. */
export interface Status {
  readonly code: number | undefined;
}

function child(pid: number): Process | undefined {
  return [...(processes()?.all ?? [])].find((process) => process.task.pid === pid && process.parent === current());
}
function reap(process: Process): Status {
  const status = Object.freeze({ code: process.signaled ? undefined : process.exitCode });
  process.state = "unused";
  process.parent = undefined;
  Object.assign(process.task, { pid: 0, comm: "unused" });
  return status;
}

const waitConsider = waitOp<Process>("do_wait", {
  ways: (process) => (process.state === "zombie" ? 1 : 0),
  apply: reap,
  wait: (process) => ({
    resource: { class: "child", id: String(process.task.pid) },
    verb: "exit",
    providers: [process.task],
    state: "S",
    top: "schedule",
  }),
  describe: ({ task }) => `wait for ${task}`,
});

/** wait4(2) for one child; undefined: ECHILD. */
export function* kernelWait4(pid: number): Resumable<Status | undefined> {
  const process = child(pid);
  return process === undefined ? undefined : yield waitConsider(process);
}

const threadsGone = waitOp<Process>("futex_wait", {
  ways: (process) => (othersOf(process).length === 0 ? 1 : 0),
  wait: (process) => ({
    resource: { class: "threads", id: String(process.task.pid) },
    verb: "exit",
    providers: othersOf(process).map((other) => other.task),
    state: "S",
    top: "schedule",
  }),
  describe: () => "join all threads",
});
function othersOf(process: Process): readonly Process[] {
  return [...(processes()?.all ?? [])].filter((p) => p.thread && p.state === "running" && p.parent === process.task);
}

/** pthread_join(3) of every thread that the process has made. */
export function* joinThreads(process: Process): Resumable {
  yield threadsGone(process);
}

/** Finds who has a pid. */
function byPid(pid: number): Process | undefined {
  return [...(processes()?.all ?? [])].find((process) => process.task.pid === pid && process.state === "running");
}
const sendKill = op<number>("do_send_sig_info", {
  apply(pid) {
    const process = byPid(pid);
    if (process === undefined) return false;
    sendSigkill(kernel().tasks.filter((t) => t === process.task || (t.mm !== undefined && t.mm === process.task.mm)));
    return true;
  },
  describe: (pid) => `kill -9 ${pid}`,
});

/** kill(2) with SIGKILL of a process of the pool; false: ESRCH. */
export function* kill(pid: number): Resumable<boolean> {
  return yield sendKill(pid);
}
