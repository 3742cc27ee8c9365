/**
 * The formats, in the order in which they are asked; the first that knows a line has it.
 * What may swallow frames of its own (lockdep reports) stands before the stacks; counters, which any line of
 * numbers could look like, stand last.
 */
import type { Format } from "../reader.ts";
import { bareStack } from "./bare-stack.ts";
import { crashBt } from "./crash-bt.ts";
import { deviceTrouble } from "./device-trouble.ts";
import { diskstats } from "./diskstats.ts";
import { hungTask } from "./hung-task.ts";
import { lockdepLocks } from "./lockdep-locks.ts";
import { lockdepSplat } from "./lockdep-splat.ts";
import { lockup } from "./lockup.ts";
import { meminfo } from "./meminfo.ts";
import { memoryStat } from "./memory-stat.ts";
import { nameStack } from "./name-stack.ts";
import { oom } from "./oom.ts";
import { pageCounter } from "./page-counter.ts";
import { pressure } from "./pressure.ts";
import { procStack } from "./proc-stack.ts";
import { ps } from "./ps.ts";
import { scanControl } from "./scan-control.ts";
import { sched } from "./sched.ts";
import { sysrqL, sysrqT, sysrqW, taskDump } from "./sysrq.ts";
import { vmstat } from "./vmstat.ts";
import { workqueue } from "./workqueue.ts";

/** Every format that is read. */
export const FORMATS: readonly Format[] = [
  lockdepSplat,
  scanControl,
  bareStack,
  lockdepLocks,
  hungTask,
  sysrqW,
  sysrqT,
  sysrqL,
  crashBt,
  procStack,
  taskDump,
  oom,
  lockup,
  workqueue,
  deviceTrouble,
  diskstats,
  memoryStat,
  vmstat,
  pressure,
  meminfo,
  pageCounter,
  ps,
  sched,
  nameStack,
];
