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
    const proc = create(Process, { state: "unused", space });
    proc.heap = createVma(k, space, { length: heapPages });
    proc.task = k.spawn({ comm: "unused", flags: PF_EXITING, idle: true, stackWords: 1536 }, retFromFork, [proc]);
    proc.task.pid = 0;
    pool.all.push(proc);
  }
  k.subsystems.set("processes", pool);
  return pool;
}

const begin = op<Process>("ret_from_fork", {
  ways: (proc) => (proc.state === "running" ? 1 : 0),
  apply: (proc) => proc.program,
  idle: true,
  describe: (proc) => `begin ${proc}`,
});

/** What a task of the pool does: it waits to be forked, runs, exits, and may be forked again. */
function* retFromFork(proc: Process): Resumable {
  for (;;) {
    const program: Program = yield begin(proc);
    const { fn, argument } = program;
    const code = yield* fn(argument as never);
    yield* doExit(proc, code);
  }
}

const exitSignals = op<Process, number>("exit_signals", {
  apply(proc, code) {
    const { task } = proc;
    proc.signaled = task.fatalSignal;
    proc.exitCode = code;
    task.flags |= PF_EXITING;
    // exit_group(2) of the leader takes its threads along
    if (!proc.thread) sendSigkill(kernel().tasks.filter((t) => t !== task && t.mm !== undefined && t.mm === task.mm));
  },
  describe: (proc) => `${proc.task} exits`,
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
  apply(proc) {
    const { task, stackMemcg } = proc;
    taskCgroup(task)?.tasks.remove(task);
    task.memcg?.tasks.remove(task);
    if (stackMemcg !== undefined) putTaskStack(stackMemcg, STACK_PAGES);
    proc.stackMemcg = undefined;
    task.memcg = undefined;
    task.mm = undefined;
    Object.assign(task, { fatalSignal: false, oomVictim: false, notifyResume: false, memcgNrPagesOverHigh: 0 });
    task.memcgInOom = undefined;
    const reaped = proc.thread || proc.parent === undefined;
    proc.state = reaped ? "unused" : "zombie";
    if (reaped) Object.assign(task, { pid: 0, comm: "unused" });
  },
  describe: ({ task }) => `${task} has exited`,
});

/** `do_exit()`. */
export function* doExit(proc: Process, code: number): Resumable {
  yield exitSignals(proc, code);
  const space = yield exitMm(proc);
  if (space !== undefined) yield* exitMmap(space);
  yield exitNotify(proc);
}

/** How a child ended: its exit code, or undefined when SIGKILL ended it. Frozen. */
export interface Status {
  readonly code: number | undefined;
}

function child(pid: number): Process | undefined {
  return [...(processes()?.all ?? [])].find((proc) => proc.task.pid === pid && proc.parent === current());
}
function reap(proc: Process): Status {
  const status = Object.freeze({ code: proc.signaled ? undefined : proc.exitCode });
  proc.state = "unused";
  proc.parent = undefined;
  Object.assign(proc.task, { pid: 0, comm: "unused" });
  return status;
}

const waitConsider = waitOp<Process>("do_wait", {
  ways: (proc) => (proc.state === "zombie" ? 1 : 0),
  apply: reap,
  wait: (proc) => ({
    resource: { class: "child", id: String(proc.task.pid) },
    verb: "exit",
    providers: [proc.task],
    state: "S",
    top: "schedule",
  }),
  describe: ({ task }) => `wait for ${task}`,
});

/** wait4(2) for one child; undefined: ECHILD. */
export function* kernelWait4(pid: number): Resumable<Status | undefined> {
  const proc = child(pid);
  return proc === undefined ? undefined : yield waitConsider(proc);
}

const threadsGone = waitOp<Process>("futex_wait", {
  ways: (proc) => (othersOf(proc).length === 0 ? 1 : 0),
  wait: (proc) => ({
    resource: { class: "threads", id: String(proc.task.pid) },
    verb: "exit",
    providers: othersOf(proc).map((other) => other.task),
    state: "S",
    top: "schedule",
  }),
  describe: () => "join all threads",
});
function othersOf(proc: Process): readonly Process[] {
  return [...(processes()?.all ?? [])].filter((p) => p.thread && p.state === "running" && p.parent === proc.task);
}

/** pthread_join(3) of every thread that the process has made. */
export function* joinThreads(proc: Process): Resumable {
  yield threadsGone(proc);
}

/** Finds who has a pid. */
function byPid(pid: number): Process | undefined {
  return [...(processes()?.all ?? [])].find((proc) => proc.task.pid === pid && proc.state === "running");
}
const sendKill = op<number>("do_send_sig_info", {
  apply(pid) {
    const proc = byPid(pid);
    if (proc === undefined) return false;
    sendSigkill(kernel().tasks.filter((t) => t === proc.task || (t.mm !== undefined && t.mm === proc.task.mm)));
    return true;
  },
  describe: (pid) => `kill -9 ${pid}`,
});

/** kill(2) with SIGKILL of a process of the pool; false: ESRCH. */
export function* kill(pid: number): Resumable<boolean> {
  return yield sendKill(pid);
}
