/** pause(2) (kernel/signal.c): sleeps until a signal comes; only SIGKILL is modelled. */
import { op, type Resumable } from "../../resumable/index.ts";
import { current } from "./current.ts";
import type { Task } from "./task.ts";

const signalled = op<Task>("pause", {
  ways: (task) => (task.fatalSignal ? 1 : 0),
  idle: true,
  describe: (task) => `${task} sleeps until it is killed`,
});

export function* __x64SysPause(): Resumable {
  yield signalled(current());
}
