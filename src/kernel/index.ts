/**
 * The executable kernel, as far as incidents and their users need it: what tasks may call, locks, eras, and how a state is
 * printed. `kernel/mm`, `kernel/fs` and `kernel/block` hold everything else under the kernel's own names.
 *
 * @packageDocumentation
 */
export type { Bio, RequestQueue } from "./block/bio.ts";
export { readFile, writeFile } from "./cgroup/cgroupfs.ts";
export {
  type Era,
  type EraFeatures,
  type EraResult,
  eraName,
  type Fix,
  fixes,
  parseEra,
  withFix,
  withoutFix,
} from "./era.ts";
export { kernelName } from "./frame-names.ts";
export type { Inode, SuperBlock } from "./fs/inode.ts";
export { __x64SysFsync, __x64SysSync, ksysSync, vfsFsyncRange } from "./fs/sync.ts";
export { brokenLaw } from "./invariants.ts";
export { Mutex, mutexLock, mutexLockKillable, mutexTrylock, mutexUnlock } from "./locking/mutex.ts";
export {
  downRead,
  downReadKillable,
  downReadTrylock,
  downWrite,
  downWriteKillable,
  downWriteTrylock,
  RwSemaphore,
  upRead,
  upWrite,
} from "./locking/rwsem.ts";
export {
  localIrqRestore,
  localIrqSave,
  SpinLock,
  spinLock,
  spinLockIrq,
  spinLockIrqsave,
  spinUnlock,
  spinUnlockIrq,
  spinUnlockIrqrestore,
} from "./locking/spinlock.ts";
export { vfsWrite } from "./mm/filemap-write.ts";
export type { MemCgroup } from "./mm/memcg-types.ts";
export { userPageFault } from "./mm/memory.ts";
export type { MmStruct, Vma } from "./mm/mm-types.ts";
export { doMunmap, exitMmap } from "./mm/mmap.ts";
export type { Page } from "./mm/page.ts";
export { doTruncate } from "./mm/truncate.ts";
export { Completion, complete, waitForCompletion } from "./sched/completion.ts";
export { current } from "./sched/current.ts";
export { createFreezer, Freezer, freezerWrite, tryToFreeze } from "./sched/freezer.ts";
export { type Capacities, Kernel, type KernelConfig, type TaskOptions } from "./sched/kernel.ts";
export { rcuReadLock, rcuReadUnlock, synchronizeRcu } from "./sched/rcu.ts";
export {
  hungTaskReport,
  kernelLog,
  lockupReports,
  procPidStack,
  schedShowTask,
  showBlockedState,
  showContext,
  showState,
  taskFrames,
  taskState,
} from "./sched/show-task.ts";
export { sendSigkill } from "./sched/signal.ts";
export { type Obstacle, obstacleOf } from "./sched/stuck.ts";
export { Cpu, Task, type TaskKind } from "./sched/task.ts";
export { type Wait, waitOp } from "./sched/wait.ts";
export { waitGraph } from "./sched/wait-graph.ts";
export { queueWork, Work, Workqueue, workerThread } from "./sched/workqueue.ts";
