/** Facts that would settle the question, and the exact command that collects each. */
import type { Evidence } from "../evidence/types.ts";
import type { Progress } from "./progress.ts";
import type { Missing } from "./types.ts";
import type { Finding } from "./verdict.ts";

const SYSRQ_W: Missing = {
  fact: "the stacks of all blocked tasks, not only the reported ones",
  command: "echo w > /proc/sysrq-trigger; dmesg > /dev/shm/blocked.txt",
};
const SYSRQ_T: Missing = {
  fact: "the holder: it may be running or sleep interruptibly, so it is in no list of blocked tasks",
  command: "echo t > /proc/sysrq-trigger; dmesg > /dev/shm/all-tasks.txt",
};
const DISK: Missing = {
  fact: "whether the device still completes requests",
  command: "for i in 1 2 3; do cat /proc/diskstats; sleep 10; done; grep . /sys/block/*/inflight",
};
const INFLIGHT: Missing = {
  fact: "that the I/O is not at the device (all zero: it was never submitted, as assumed here)",
  command: "grep . /sys/block/*/inflight",
};
const LOCKS: Missing = {
  fact: "who holds the lock (kernels with lockdep)",
  command: "echo d > /proc/sysrq-trigger; dmesg > /dev/shm/locks.txt",
};
const CGROUP: Missing = {
  fact: "whether the group's counters move",
  command:
    "cat /proc/PID/cgroup; cd /sys/fs/cgroup/THAT/GROUP; for i in 1 2 3; do cat memory.current memory.stat memory.events; sleep 5; done",
};
const SERVER: Missing = {
  fact: "whether the server answers",
  command: "cat /sys/kernel/debug/sunrpc/rpc_clnt/*/tasks; ss -tno state established; dmesg | grep -i 'not responding'",
};
const FUSE: Missing = {
  fact: "what the FUSE server does",
  command: "grep . /sys/fs/fuse/connections/*/waiting; cat /proc/SERVERPID/task/*/stack",
};
const WORK: Missing = {
  fact: "whether the work item runs, is queued or is stuck",
  command: "echo t > /proc/sysrq-trigger; dmesg | sed -n '/Showing busy workqueues/,$p'",
};
const TWICE: Missing = {
  fact: "whether anything moves: the same dump again, a minute later",
  command: "echo w > /proc/sysrq-trigger; sleep 60; echo w > /proc/sysrq-trigger; dmesg > /dev/shm/twice.txt",
};
const CPU: Missing = {
  fact: "what the CPUs run (a spinning holder is in no list of blocked tasks)",
  command: "echo l > /proc/sysrq-trigger; dmesg > /dev/shm/cpus.txt",
};

const LOCK_CLASSES = new Set([
  "mutex",
  "rwsem",
  "semaphore",
  "percpu_rwsem",
  "mmap_lock",
  "i_rwsem",
  "s_umount",
  "cgroup_mutex",
  "cpu_hotplug_lock",
  "xfs_ilock",
]);

/** What would show that an inferred deadlock is none. */
function falsifiers(f: Finding): Missing[] {
  const members = (f.core?.contexts ?? []).flatMap((c) => f.model.parties[c] ?? []);
  if (f.confidence === "proven") return [];
  const out = members.every((p) => p.subject.persistence === "stuck") ? [] : [TWICE];
  if (members.some((p) => p.want?.class === "PG_writeback")) out.push(INFLIGHT);
  return out;
}

/** What to collect next, most telling first. */
export function missingFacts(f: Finding, evidence: Evidence, progress: Progress): Missing[] {
  if (f.verdict === "none") return [];
  if (f.verdict === "deadlock") return falsifiers(f);
  const out: Missing[] = [];
  const complete = evidence.snapshots.some((s) => s.kind === "sysrq-t" || (s.kind === "crash-bt" && s.complete));
  const blockedDump = complete || evidence.snapshots.some((s) => s.complete);
  const roles = new Set(f.terminals.map((t) => t.role));
  const classes = new Set(f.model.parties.flatMap((p) => (p.want && p.subject.blocked ? [p.want.class] : [])));
  if (evidence.lockups.length > 0) out.push(CPU);
  if (evidence.tasks.length === 0) return out.length > 0 ? out : [SYSRQ_W, DISK];
  if (roles.has("unknown-holder") || roles.has("jbd2") || roles.has("flusher") || roles.has("kthread")) {
    if (!blockedDump) out.push(SYSRQ_W);
    if (!complete) out.push(SYSRQ_T);
    else out.push(CPU);
    if ([...classes].some((c) => LOCK_CLASSES.has(c)) && evidence.heldLocks.length === 0) out.push(LOCKS);
  }
  if (roles.has("worker") && evidence.workqueues.length === 0) out.push(WORK);
  if (roles.has("hardware") && progress.storage === "unknown") out.push(DISK);
  if (roles.has("server")) out.push(classes.has("fuse_request") ? FUSE : SERVER);
  if ((classes.has("memcg_charge") || f.verdict === "livelock") && progress.memory === "unknown") out.push(CGROUP);
  if (f.verdict === "livelock" && progress.storage === "unknown" && !out.includes(DISK)) out.push(DISK);
  const repeated = f.model.parties.some((p) => p.subject.persistence === "stuck" || p.subject.persistence === "moved");
  if (!repeated && out.length > 0 && f.verdict !== "livelock") out.push(TWICE);
  if (f.verdict === "unknown" && out.length === 0) out.push(blockedDump ? TWICE : SYSRQ_W);
  return [...new Set(out)];
}
