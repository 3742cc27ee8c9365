import { describe, expect, it } from "vitest";
import { create, op, type Resumable } from "../../resumable/index.ts";
import { Mutex, mutexLock, mutexLockKillable, mutexUnlock } from "../locking/mutex.ts";
import { SpinLock, spinLock, spinLockIrq, spinUnlock, spinUnlockIrq } from "../locking/spinlock.ts";
import { current } from "./current.ts";
import type { Kernel } from "./kernel.ts";
import {
  hungTaskReport,
  lockupReports,
  procPidStack,
  schedShowTask,
  showBlockedState,
  showContext,
  showState,
  taskFrames,
  taskState,
} from "./show-task.ts";
import { runAlone, runSteps, testKernel } from "./testing.ts";
import { Workqueue, workerThread } from "./workqueue.ts";

const pause = op("pause", {});
function* both(first: Mutex, second: Mutex): Resumable {
  yield* mutexLock(first);
  yield* mutexLock(second);
  yield* mutexUnlock(second);
}
function* killable(lock: Mutex): Resumable {
  yield* mutexLockKillable(lock);
}
function* userPageFault(lock: Mutex): Resumable {
  yield* mutexLock(lock);
}
function* user(): Resumable {
  yield pause(undefined);
  yield pause(undefined);
}

function abba(release: string): Kernel {
  const kernel = testKernel(release);
  const [a, b] = [create(Mutex, { lockName: "a" }), create(Mutex, { lockName: "b" })];
  const dd = kernel.spawn({ comm: "dd-with-a-name-too-long" }, both, [a, b]);
  const flusher = kernel.spawn({ comm: "kworker/u4:1", kind: "kworker" }, both, [b, a]);
  const killed = kernel.spawn({ comm: "killable" }, killable, [a]);
  const queue = create(Workqueue, { queueName: "writeback" });
  queue.workers.push(kernel.spawn({ comm: "kworker/0:0", kind: "kworker", idle: true }, workerThread, [queue]));
  kernel.spawn({ comm: "user" }, user);
  runSteps(kernel, dd, 1);
  runSteps(kernel, flusher, 1);
  flusher.workName = "writeback wb_workfn";
  runAlone(kernel, dd);
  runAlone(kernel, flusher);
  runAlone(kernel, killed);
  return kernel;
}

describe("task headers", () => {
  it.each([
    ["4.4", "dd-with-a-name- D 0000000000000000     0  1000      1 0x00000000"],
    ["4.20.0", "dd-with-a-name- D    0  1000      1 0x00000000"],
    ["5.10", "task:dd-with-a-name- state:D stack:    0 pid: 1000 ppid:     1 flags:0x00000000"],
    ["6.1.192", "task:dd-with-a-name- state:D stack:0     pid:1000  ppid:1      flags:0x00000000"],
    ["6.12", "task:dd-with-a-name- state:D stack:0     pid:1000  tgid:1000  ppid:1      flags:0x00000000"],
    [
      "6.18",
      "task:dd-with-a-name- state:D stack:0     pid:1000  tgid:1000  ppid:1      task_flags:0x0000 flags:0x00000000",
    ],
  ])("of %s", (release, line) => {
    const kernel = abba(release);
    expect(schedShowTask(kernel, kernel.tasks[0]!)[0]).toBe(line);
  });

  it("say R for who can run or spins, D for killable sleeps too, I or S for workers without work", () => {
    const states = (kernel: Kernel) => kernel.tasks.map((task) => taskState(kernel, task)).join("");
    expect(states(abba("6.1.192"))).toBe("DDDIR");
    expect(states(abba("4.4"))).toBe("DDDSR");
  });
});

describe("stacks", () => {
  it("of a worker have its work and the frames below it", () => {
    const kernel = abba("6.1.192");
    expect(schedShowTask(kernel, kernel.tasks[1]!).slice(1)).toEqual([
      "Workqueue: writeback wb_workfn",
      "Call Trace:",
      " <TASK>",
      ...[
        "__schedule",
        "schedule",
        "schedule_preempt_disabled",
        "__mutex_lock",
        "__mutex_lock_slowpath",
        "mutex_lock",
        "process_one_work",
        "worker_thread",
        "kthread",
        "ret_from_fork",
      ].map((symbol) => ` ${symbol}+0x0/0x0`),
      " </TASK>",
    ]);
  });

  it("of a worker without work end in worker_thread; of user space there are none", () => {
    const kernel = abba("6.1.192");
    expect(taskFrames(kernel, kernel.tasks[3]!)).toEqual([
      "__schedule",
      "schedule",
      "worker_thread",
      "kthread",
      "ret_from_fork",
    ]);
    expect(taskFrames(kernel, kernel.tasks[4]!)).toEqual([]);
    runAlone(kernel, kernel.tasks[4]!);
    expect(taskFrames(kernel, kernel.tasks[4]!)).toEqual([]);
    expect(showState(kernel).join("\n")).not.toContain("user");
  });

  it("of a page fault enter there", () => {
    const kernel = testKernel("6.1.192");
    const lock = create(Mutex, { lockName: "a" });
    const task = kernel.spawn({ comm: "fault" }, userPageFault, [lock]);
    lock.owner = kernel.spawn({ comm: "owner" }, user);
    runAlone(kernel, task);
    expect(taskFrames(kernel, task)).toEqual([
      "__schedule",
      "schedule",
      "schedule_preempt_disabled",
      "__mutex_lock",
      "__mutex_lock_slowpath",
      "mutex_lock",
      "exc_page_fault",
      "asm_exc_page_fault",
    ]);
  });

  it("out of /proc leave the scheduler's functions out", () => {
    const kernel = abba("6.1.192");
    expect(procPidStack(kernel, kernel.tasks[0]!)).toEqual([
      "[<0>] do_syscall_64+0x0/0x0",
      "[<0>] entry_SYSCALL_64_after_hwframe+0x0/0x0",
    ]);
    const old = abba("4.4");
    expect(procPidStack(old, old.tasks[0]!)).toEqual([
      "[<ffffffff81000000>] entry_SYSCALL_64_fastpath+0x0/0x0",
      "[<ffffffffffffffff>] 0xffffffffffffffff",
    ]);
  });
});

describe("reports", () => {
  it("of khungtaskd leave killable sleeps out, which SysRq-w shows", () => {
    const kernel = abba("6.1.192");
    const [dd, , killed, worker] = kernel.tasks;
    expect(hungTaskReport(kernel, dd!).slice(0, 3)).toEqual([
      "INFO: task dd-with-a-name-too-long:1000 blocked for more than 120 seconds.",
      "      Not tainted 6.1.192 #1",
      '"echo 0 > /proc/sys/kernel/hung_task_timeout_secs" disables this message.',
    ]);
    expect([hungTaskReport(kernel, killed!), hungTaskReport(kernel, worker!)]).toEqual([[], []]);
    const blocked = showBlockedState(kernel);
    expect(blocked[0]).toBe("sysrq: Show Blocked State");
    expect(blocked.filter((line) => line.startsWith("task:")).map((line) => line.slice(5, 13))).toEqual([
      "dd-with-",
      "kworker/",
      "killable",
    ]);
  });
});

function* holder(lock: SpinLock): Resumable {
  yield* spinLock(lock);
  yield pause(undefined);
  spinUnlock(lock);
}
function* holderIrqsOff(lock: SpinLock): Resumable {
  yield* spinLockIrq(lock);
  yield pause(undefined);
  yield* spinUnlockIrq(lock);
}
function* handler(lock: SpinLock): Resumable {
  yield pause(undefined);
  current().cpu.irqStack.push(current());
  yield* spinLock(lock);
  spinUnlock(lock);
}

describe("lockups", () => {
  it("are hard where interrupts are off, soft elsewhere", () => {
    for (const [off, says] of [
      [false, "watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [spinner:1001]"],
      [true, "watchdog: Watchdog detected hard LOCKUP on cpu 1"],
    ] as const) {
      const kernel = testKernel("6.1.192");
      const lock = create(SpinLock, { lockClass: "lru_lock" });
      const first = kernel.spawn({ comm: "holder", cpu: 0 }, holder, [lock]);
      const spinner = kernel.spawn({ comm: "spinner", cpu: 1 }, off ? holderIrqsOff : holder, [lock]);
      runSteps(kernel, first, 1);
      runAlone(kernel, spinner);
      expect(lockupReports(kernel).slice(0, 2)).toEqual([
        says,
        "CPU: 1 PID: 1001 Comm: spinner Not tainted 6.1.192 #1",
      ]);
    }
  });

  it("show the handler on top of the task that it interrupted", () => {
    const kernel = testKernel("6.1.192");
    const lock = create(SpinLock, { lockClass: "move_lock" });
    const first = kernel.spawn({ comm: "truncate", cpu: 0 }, holder, [lock]);
    const irq = kernel.spawn({ comm: "irq/0", kind: "hardirq", cpu: 0 }, handler, [lock]);
    runSteps(kernel, first, 1);
    runAlone(kernel, irq);
    expect(lockupReports(kernel)).toEqual([
      "watchdog: Watchdog detected hard LOCKUP on cpu 0",
      "CPU: 0 PID: 1000 Comm: truncate Not tainted 6.1.192 #1",
      "Call Trace:",
      " <IRQ>",
      " native_queued_spin_lock_slowpath+0x0/0x0",
      " _raw_spin_lock+0x0/0x0",
      " common_interrupt+0x0/0x0",
      " asm_common_interrupt+0x0/0x0",
      " </IRQ>",
      " <TASK>",
      " </TASK>",
    ]);
    expect(showContext(kernel, irq)[0]).toBe("CPU: 0 PID: 1000 Comm: truncate Not tainted 6.1.192 #1");
  });
});
