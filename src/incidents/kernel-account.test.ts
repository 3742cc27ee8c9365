import { describe, expect, test } from "vitest";
import type { Kernel } from "../kernel/sched/kernel.ts";
import type { Task } from "../kernel/sched/task.ts";
import { runSteps, testKernel } from "../kernel/sched/testing.ts";
import type { Account, ContextName } from "./account.ts";
import { accountOf } from "./kernel-account.ts";
import { keptSpinLock, mutexCircle, spinCircle, waiterAndIdleWorker, waiterAndWorker } from "./stuck-tasks-program.ts";

/** Runs each task so many steps at most, one after the other. */
function run(kernel: Kernel, ...tasks: readonly (readonly [Task, number])[]): void {
  kernel.start();
  for (const [task, steps] of tasks) runSteps(kernel, task, steps);
}
const named = (c: ContextName): string => [c.key, c.kind, c.pid, c.comm, c.cpu].join(" ");
/** All that an account says, a line each. */
const dump = (account: Account): string =>
  [
    `${account.kind}, spins ${account.spins}`,
    ...account.core.map(
      ({ waiter, waitsFor, event, any, heldBy, why, lines, confidence }) =>
        `${named(waiter)} waits for ${waitsFor.class} ${waitsFor.id} ${event}, any ${any}, held by ` +
        `[${heldBy.map(named)}], why [${why}], lines [${lines}], ${confidence}`,
    ),
    ...account.breakers.map((context) => `breaker ${named(context)}`),
    ...account.stuckBehind.map(
      ({ waitsFor, event, contexts, count, heldBy, why }) =>
        `behind ${waitsFor.class} ${waitsFor.id} ${event}: ${count} [${contexts.map(named)}], held by ` +
        `[${heldBy.map(named)}], why [${why}]`,
    ),
    ...account.contexts.flatMap((context) => [
      `${context.role} ${named(context)} ${context.state} at ${context.position}`,
      ...context.trace.filter((_, i, all) => i === 0 || i === all.length - 3),
    ]),
  ].join("\n");
const comms = (contexts: readonly { readonly comm?: string }[]) => contexts.map((context) => context.comm);

describe("the account of a state", () => {
  test("a circle of two, and who waits behind it", () => {
    const kernel = testKernel("6.1");
    const [ab, ba, late, free] = mutexCircle(kernel);
    run(kernel, [ab, 1], [ba, 2], [ab, 1], [late, 1], [free, 1]);
    expect(dump(accountOf(kernel))).toMatchInlineSnapshot(`
      "circle, spins false
      ab/1001 task 1001 ab 1 waits for mutex b unlock, any false, held by [ba/1002 kworker 1002 ba 2], why [ab/1001 stands at mutexLock:1 mutex_lock b], lines [], proven
      ba/1002 kworker 1002 ba 2 waits for mutex a unlock, any false, held by [ab/1001 task 1001 ab 1], why [ba/1002 stands at mutexLock:1 mutex_lock a], lines [], proven
      breaker ab/1001 task 1001 ab 1
      breaker ba/1002 kworker 1002 ba 2
      behind mutex a unlock: 1 [late/1003 task 1003 late 3], held by [ab/1001 task 1001 ab 1], why []
      core ab/1001 task 1001 ab 1 D at mutexLock:1 mutex_lock b
      task:ab              state:D stack:0     pid:1001  ppid:1      flags:0x00000000
       do_syscall_64+0x0/0x0
      core ba/1002 kworker 1002 ba 2 D at mutexLock:1 mutex_lock a
      task:ba              state:D stack:0     pid:1002  ppid:2      flags:0x00004000
       kthread+0x0/0x0
      behind late/1003 task 1003 late 3 D at mutexLock:1 mutex_lock a
      task:late            state:D stack:0     pid:1003  ppid:1      flags:0x00000000
       do_syscall_64+0x0/0x0"
    `);
  });

  test("an event that nobody can raise any more", () => {
    const kernel = testKernel("6.1");
    const [keeper, spinner] = keptSpinLock(kernel);
    run(kernel, [keeper, 5], [spinner, 5]);
    expect(dump(accountOf(kernel, [spinner.context]))).toMatchInlineSnapshot(`
      "nobody, spins true
      spinner/1001 task 1001 spinner 1 waits for lru_lock 0 unlock, any false, held by [], why [spinner/1001 stands at spinLock:2 spin on lru_lock], lines [], proven
      breaker spinner/1001 task 1001 spinner 1
      core spinner/1001 task 1001 spinner 1 R at spinLock:2 spin on lru_lock
      task:spinner         state:R  running task     stack:0     pid:1001  ppid:1      flags:0x00000000
       do_syscall_64+0x0/0x0"
    `);
  });

  test("a circle of two that spin", () => {
    const kernel = testKernel("6.1");
    const [ab, ba] = spinCircle(kernel);
    run(kernel, [ab, 2], [ba, 2], [ab, 2], [ba, 2]);
    const account = accountOf(kernel);
    expect([account.kind, account.spins, comms(account.contexts)]).toEqual(["circle", true, ["ab", "ba"]]);
    expect(account.contexts.map((context) => [context.state, context.cpu])).toEqual([
      ["R", 0],
      ["R", 1],
    ]);
  });

  test("a worker without work raises nothing where nothing at all can step, else it is one that can run", () => {
    const kernel = testKernel("6.1");
    const [waiter] = waiterAndIdleWorker(kernel);
    run(kernel, [waiter, 1]);
    const account = accountOf(kernel, [waiter.context]);
    expect([account.kind, account.spins]).toEqual(["nobody", false]);
    expect(account.core.map((edge) => [edge.waiter.comm, edge.waitsFor.id, edge.event, edge.heldBy])).toEqual([
      ["waiter", "done", "complete", []],
    ]);
    // nobody was said to be stuck: the graph alone does not say it either
    expect(accountOf(kernel)).toMatchObject({ kind: "none", core: [], contexts: [], breakers: [], spins: false });
  });

  test("nobody is stuck where somebody can still end the wait, whoever is asked for", () => {
    const kernel = testKernel("6.1");
    const [waiter, worker] = waiterAndWorker(kernel);
    run(kernel, [waiter, 1]);
    const account = accountOf(kernel, [waiter.context, worker.context]);
    expect([account.kind, account.core, account.breakers, account.stuckBehind]).toEqual(["none", [], [], []]);
    // who goes round for ever waits for nothing: those asked for are the core themselves
    expect(account.contexts.map((context) => [context.comm, context.role, context.state])).toEqual([
      ["waiter", "core", "D"],
      ["worker", "core", "R"],
    ]);
  });

  test("those asked for are shown beside the core, each once, in the order of their numbers", () => {
    const kernel = testKernel("6.1");
    const [ab, ba, late, free] = mutexCircle(kernel);
    run(kernel, [ab, 1], [ba, 2], [ab, 1], [late, 1]);
    const { contexts } = accountOf(kernel, [late.context, free.context, ab.context]);
    expect(contexts.map((context) => [context.comm, context.role])).toEqual([
      ["ab", "core"],
      ["ba", "core"],
      ["free", "behind"],
      ["late", "behind"],
    ]);
  });
});
