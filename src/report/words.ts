/** How contexts, resources and verdicts are named: one style for every renderer. Plain strings; the renderers escape. */
import type { ContextRef, ContextView, Diagnosis, Verdict, WaitView } from "../diagnose/types.ts";
import type { Sleep } from "../knowledge/types.ts";
import type { Confidence, Resource } from "../waits/types.ts";

/** What a verdict is called in a report's first line. */
export const VERDICT_WORDS: Readonly<Record<Verdict, string>> = {
  deadlock: "DEADLOCK",
  livelock: "LIVELOCK",
  slow: "SLOW, NOT STUCK",
  "lost-io": "LOST I/O",
  "missed-wakeup": "MISSED WAKEUP",
  none: "NOTHING WRONG FOUND",
  unknown: "CANNOT TELL",
};

/** What each verdict claims, for a reader who meets the word for the first time. */
export const VERDICT_MEANING: Readonly<Record<Verdict, string>> = {
  deadlock: "nobody in the core can ever go on; only a reboot or a forced exit ends it",
  livelock: "the contexts run or wake, but nothing they do lets anybody go on until one of the exits happens",
  slow: "somebody alive will end these waits; they are long, not endless",
  "lost-io": "a device or server owes an answer that does not come",
  "missed-wakeup": "nobody is left who could end the wait",
  none: "nobody waits abnormally",
  unknown: "the evidence does not decide; what is missing is listed below",
};

/** `DEADLOCK (likely)`. `none` and `unknown` claim nothing that could be more or less sure. */
export function verdictWords(verdict: Verdict, confidence: Confidence): string {
  const word = VERDICT_WORDS[verdict];
  return verdict === "unknown" || verdict === "none" ? word : `${word} (${confidence})`;
}

/** The summary as it stands after the verdict's word, which it need not repeat. */
export function headline(summary: string): string {
  const rest = summary.replace(
    /^(cannot tell( yet)?|nothing wrong found|slow, not (stuck|deadlocked)|lost i\/o|missed wakeup)[:,] */i,
    "",
  );
  return rest === "" ? summary : rest;
}

/** `1,463`. */
export function count(n: number): string {
  return String(n).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** `1 task`, `1,463 tasks`. */
export function plural(n: number, one: string, many: string = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

/** Longer names than this are not worth repeating on every line. */
const SHORT_NAME = 20;

function baseName(path: string): string {
  return path.replace(/\/+$/, "").split("/").pop() || path;
}

/** What reports call an input: its base name, or `[2]` (INPUTS has the legend) where base names are long or not unique. */
export function inputName(d: Pick<Diagnosis, "inputs">, input: number): string {
  const names = d.inputs.map((info) => baseName(info.name));
  const clear =
    names.length < 2 || (new Set(names).size === names.length && names.every((n) => n.length <= SHORT_NAME));
  return clear ? (names[input] ?? `[${input + 1}]`) : `[${input + 1}]`;
}

/** The line of INPUTS that names an input: `kernel.log`, or `[2] 2024-01-01/kernel.log` where it is called `[2]`. */
export function inputLegend(d: Pick<Diagnosis, "inputs">, input: number): string {
  const path = d.inputs[input]?.name ?? "";
  const name = inputName(d, input);
  if (!name.startsWith("[")) return name;
  const unique = d.inputs.filter((info) => baseName(info.name) === baseName(path)).length === 1;
  return `${name} ${unique ? baseName(path) : path}`;
}

/** `line 40`, with the input where there are several. */
export function lineName(d: Pick<Diagnosis, "inputs">, input: number | undefined, line: number): string {
  return d.inputs.length > 1 && input !== undefined ? `line ${line} of ${inputName(d, input)}` : `line ${line}`;
}

/** ` (assumed; not in this log)` for a context that no stack shows, else nothing. */
export function assumed(ref: Pick<ContextRef, "key">): string {
  return ref.key.startsWith("implicit:") ? " (assumed; not in this log)" : "";
}

/** `kworker/u4:1 (pid 24)`, `a bare stack at line 40`, `interrupt on CPU 3`, `the device sda`. */
export function contextName(ref: ContextRef): string {
  switch (ref.kind) {
    case "task":
    case "kworker":
      return taskName(ref);
    case "irq":
      return `${ref.comm ?? "an interrupt"}${ref.cpu === undefined ? "" : ` on CPU ${ref.cpu}`}`;
    case "device":
      return named("the device", ref.comm);
    case "bio":
      return ref.comm === undefined ? "a submitted bio" : named("a submitted bio of", ref.comm);
    case "external":
      return ref.comm ?? "somebody outside (an administrator, a server)";
    case "unknown":
      return ref.comm ?? "somebody this log does not show";
  }
}

/** A name that is a phrase already (`the block device`) stands alone. */
function named(noun: string, name: string | undefined): string {
  if (name === undefined) return noun;
  return /^(the|a|an|some) /.test(name) ? name : `${noun} ${name}`;
}

function taskName(ref: ContextRef): string {
  if (ref.comm !== undefined) return ref.pid === undefined ? ref.comm : `${ref.comm} (pid ${ref.pid})`;
  if (ref.pid !== undefined) return `pid ${ref.pid}`;
  return ref.line === undefined ? "a bare stack" : `a bare stack at line ${ref.line}`;
}

/** Short lists in full, long ones with a count: `a, b and 3 more`. */
export function contextNames(refs: readonly ContextRef[], limit = 4): string {
  const names = refs.slice(0, limit).map(contextName);
  if (refs.length > limit) return `${names.join(", ")} and ${count(refs.length - limit)} more`;
  const last = names.pop();
  if (last === undefined) return "nobody known";
  return names.length === 0 ? last : `${names.join(", ")} and ${last}`;
}

/** Without an instance, and what stands before the instance where there is one. */
const RESOURCES: Readonly<Record<string, readonly [string, string]>> = {
  PG_locked: ["PG_locked of a page", "PG_locked of page"],
  PG_writeback: ["PG_writeback of a page", "PG_writeback of page"],
  buffer_lock: ["the lock of a buffer", "the lock of buffer"],
  mmap_lock: ["mmap_lock of a process", "mmap_lock of"],
  i_rwsem: ["i_rwsem of an inode", "i_rwsem of inode"],
  inode_new: ["I_NEW of an inode", "I_NEW of inode"],
  s_umount: ["s_umount of a file system", "s_umount of"],
  sb_freeze: ["the freeze of a file system", "the freeze of"],
  jbd2_handle: ["an open jbd2 handle", "an open jbd2 handle of"],
  jbd2_transaction: ["the running jbd2 transaction", "the jbd2 transaction of"],
  jbd2_commit: ["a jbd2 commit", "the jbd2 commit of"],
  log_space: ["journal space", "journal space of"],
  xfs_buf: ["the lock of an XFS buffer", "the XFS buffer lock"],
  xfs_ilock: ["the ILOCK of an XFS inode", "the ILOCK of XFS inode"],
  btrfs_transaction: ["a btrfs transaction", "the btrfs transaction of"],
  extent_lock: ["a btrfs extent lock", "the btrfs extent lock"],
  space_reservation: ["a space reservation", "a space reservation of"],
  mutex: ["a mutex", "mutex"],
  rwsem: ["an rwsem", "rwsem"],
  spinlock: ["a spinlock", "spinlock"],
  semaphore: ["a semaphore", "semaphore"],
  percpu_rwsem: ["a percpu rwsem", "percpu rwsem"],
  lru_lock: ["an LRU list's lock (lru_lock)", "lru_lock of"],
  completion: ["a completion", "completion"],
  work_flush: ["the end of a work item", "the end of work item"],
  workqueue: ["a free worker", "a free worker of workqueue"],
  kthread_stop: ["the end of a kernel thread", "the end of kernel thread"],
  memcg_charge: ["room in a memory cgroup", "room in memory cgroup"],
  memcg_oom: ["the OOM handling of a memory cgroup", "the OOM handling of memory cgroup"],
  reclaim: ["reclaimable memory", "reclaimable memory of"],
  dirty_limit: ["the dirty-page limit", "the dirty-page limit of"],
  writeback_work: ["a writeback work item", "the writeback of"],
  mempool: ["an element of a mempool", "an element of mempool"],
  request_tag: ["a request tag", "a request tag of"],
  queue_freeze: ["a frozen request queue", "the frozen request queue of"],
  rq_qos: ["the block layer's throttle", "the block layer's throttle of"],
  bio: ["the completion of a bio", "the completion of bio"],
  device_io: ["I/O of a device", "I/O of"],
  md_stripe: ["an md stripe", "an md stripe of"],
  dm_target: ["a device-mapper target", "the device-mapper target"],
  nfs_rpc: ["an answer of the NFS server", "an answer of NFS server"],
  rpc: ["an RPC answer", "an RPC answer of"],
  fuse_request: ["an answer of a FUSE server", "an answer of FUSE server"],
  server: ["an answer of a server", "an answer of"],
  srcu: ["an SRCU grace period", "an SRCU grace period of"],
  rcu_grace_period: ["an RCU grace period", "an RCU grace period of"],
  cgroup_mutex: ["cgroup_mutex", "cgroup_mutex"],
  cpu_hotplug_lock: ["cpu_hotplug_lock", "cpu_hotplug_lock"],
  task_exit: ["the exit of a task", "the exit of"],
  signal: ["a signal", "signal"],
  oom_victim: ["the exit of the OOM victim", "the exit of OOM victim"],
  inode_sync: ["I_SYNC of an inode", "I_SYNC of inode"],
  i_pages: ["the page tree of an inode (i_pages)", "i_pages of inode"],
  jbd2_inode: ["ordered data of an inode (jbd2_inode)", "ordered data of inode"],
  jbd2_shadow: ["a buffer that the commit writes (BH_Shadow)", "BH_Shadow of buffer"],
  jbd2_fast_commit: ["a jbd2 fast commit", "the jbd2 fast commit of"],
  ext4_io_end: ["the end of ext4's I/O on an inode", "the end of ext4's I/O on inode"],
  vma_lock: ["the lock of a mapping (vma_lock)", "vma_lock of"],
  swap_cache: ["a swap cache entry", "swap cache entry"],
  memcg_move_lock: ["move_lock of a memory cgroup", "move_lock of memory cgroup"],
  wb_list_lock: ["a flusher's list_lock", "list_lock of the flusher"],
  xfs_ail: ["the XFS AIL (pushed metadata)", "the XFS AIL of"],
  xfs_iclog: ["an XFS in-core log buffer", "an XFS in-core log buffer of"],
  xfs_log_force: ["an XFS log force", "the XFS log force of"],
  xfs_pin: ["the unpinning of an XFS item", "the unpinning of XFS item"],
  xfs_iflock: ["the flush lock of an XFS inode", "the flush lock of XFS inode"],
  dentry_lookup: ["a lookup of the same name", "the lookup of"],
  dio_count: ["direct I/O on an inode", "direct I/O on inode"],
  page_pin: ["the last reference of a page", "the last reference of page"],
  file_lock: ["a file lock", "the file lock"],
  unknown: ["something no table row knows", "something no table row knows:"],
};

/** Names of the field that are written in capitals. */
const CAPITALS: Readonly<Record<string, string>> = { xfs: "XFS", nfs: "NFS", rpc: "RPC", scsi: "SCSI", nvme: "NVMe" };
/** First words whose first letter is spoken as its name with a vowel (`an XFS ...`, `an md ...`), and those with a vowel that is not one. */
const SPOKEN_AN = /^(xfs|nfs|nvme|rpc|rcu|srcu|lru|md|mb|mmc|rq|fs|ftrace_ops|i\/o)\b/i;
const SPOKEN_A = /^(eu|one\b|once\b|us[be]|uni[^nm])/i;

/** `a` or `an`, by sound. */
export function article(words: string): string {
  if (SPOKEN_AN.test(words)) return "an";
  return /^[aeiou]/i.test(words) && !SPOKEN_A.test(words) ? "an" : "a";
}

/** `nfs_client_init` as people write it: `NFS client init`. */
function classWords(name: string): string {
  const words = name.replaceAll("_", " ");
  const first = words.split(" ", 1)[0] ?? "";
  return Object.hasOwn(CAPITALS, first) ? `${CAPITALS[first]}${words.slice(first.length)}` : words;
}

/** `PG_locked of a page`, `the jbd2 transaction of vda-8`, `mutex bd_mutex`, `an NFS client init`. */
export function resourceName(resource: Resource): string {
  const row = Object.hasOwn(RESOURCES, resource.class) ? RESOURCES[resource.class] : undefined;
  const plain = classWords(resource.class);
  const alone = row?.[0] ?? `${article(plain)} ${plain}`;
  if (resource.id === undefined) return alone;
  // The id of a class that is one bit or one lock is often its own name (`I_NEW`, `cgroup_mutex`).
  if (row?.[0].split(/[ ()]/).includes(resource.id) === true) return alone;
  if (resource.id === resource.class) return row?.[0] ?? resource.class;
  // An id may be a phrase of its own (`an RPC answer behind its own transmit`).
  if (/^(behind|in|at|on|for) /.test(resource.id)) return `${alone} ${resource.id}`;
  const before = row?.[1] ?? plain;
  const noun = before.slice(before.lastIndexOf(" ") + 1);
  // An id may already open with the noun (`page 817 of inode 12`, `sb_freeze`).
  if (resource.id.startsWith(`${noun} `) || resource.id === noun)
    return `${before.slice(0, -noun.length)}${resource.id}`;
  return `${before} ${resource.id}`;
}

/** What stands after `waits for`: as {@link resourceName}, but one waits for handles to be stopped, not for one of them. */
export function waitedFor(resource: Resource): string {
  if (resource.class !== "jbd2_handle") return resourceName(resource);
  return `open jbd2 handles${resource.id === undefined ? "" : ` of ${resource.id}`} to be stopped`;
}

const EVENTS: Readonly<Record<string, string>> = {
  updates_zero: "ends when all open handles are stopped",
  writers_zero: "ends when all writers are out",
  end_writeback: "ends when writeback ends",
  unlock: "until it is unlocked",
  unlocked: "until it is unlocked",
  uncharge: "ends when memory comes free",
  pages_cleaned: "ends when memory comes free",
  complete: "ends when it completes",
  timer: "ends by a timer",
  expire: "ends by a timer",
};

/** The end of a wait in plain words: `ends when writeback ends`, `until it is unlocked`, else `ends with tail moved`. */
export function eventWords(event: string): string {
  return Object.hasOwn(EVENTS, event) ? (EVENTS[event] ?? "") : `ends with ${event.replaceAll("_", " ")}`;
}

/** Classes whose name in a sentence says how the wait ends. */
const SAID_BY_CLASS: Readonly<Record<string, readonly string[]>> = {
  jbd2_handle: ["updates_zero"],
  jbd2_commit: ["commit"],
  memcg_charge: ["uncharge", "pages_freed"],
  PG_writeback: ["end_writeback"],
  work_flush: ["complete"],
  writeback_work: ["complete"],
  task_exit: ["exit"],
  oom_victim: ["exit"],
};

/** ` (ends with commit)` where it adds to the name of what is waited for, else nothing. */
export function eventSuffix(resource: Resource, event: string): string {
  if (event === "unlock" || event === "unlocked") return "";
  if (SAID_BY_CLASS[resource.class]?.includes(event) === true) return "";
  return ` (${eventWords(event)})`;
}

/** What can interrupt or end a sleep of this kind, seen from an administrator's chair. */
export const SLEEP_WORDS: Readonly<Record<Sleep, string>> = {
  uninterruptible: "uninterruptible: no signal ends it",
  killable: "killable: a fatal signal ends it",
  interruptible: "interruptible: any signal ends it",
  timed: "timed: it wakes by itself and goes on",
  poll: "polling: it wakes and tests again, which alone changes nothing",
  spin: "spinning: it burns a CPU",
};

/** `waits for PG_writeback of a page (ends when writeback ends; uninterruptible: no signal ends it)`. */
export function waitSentence(wait: WaitView): string {
  const mode = wait.mode === undefined ? "" : `, for ${wait.mode}`;
  const said = wait.resource.class === "jbd2_handle" && wait.event === "updates_zero";
  const parts = [
    ...(said ? [] : [eventWords(wait.event)]),
    ...(wait.any ? ["any one of several would do"] : []),
    SLEEP_WORDS[wait.sleep],
  ];
  return `waits for ${waitedFor(wait.resource)}${mode} (${parts.join("; ")})`;
}

/** What a context surely or probably holds: what others may queue for. */
function heldNames(view: Pick<ContextView, "holds">): string[] {
  return [...new Set(view.holds.filter((h) => h.confidence !== "possible").map((h) => resourceName(h.resource)))];
}

/** A waiter that holds nothing others could wait for is a victim; any other one is a link of a chain. */
function waiterSentence(view: Pick<ContextView, "holds">): string {
  const names = heldNames(view);
  if (names.length === 0) return "VICTIM: it waits, and nobody shown here waits for it";
  const shown = names.length > 3 ? [...names.slice(0, 2), `${names.length - 2} more`] : names;
  const list = shown.length === 1 ? shown[0] : `${shown.slice(0, -1).join(", ")} and ${shown.at(-1)}`;
  const those = names.length === 1 ? names[0] : "one of these";
  return `WAITER, and holds ${list} (others that need ${those} queue behind it)`;
}

/** Victim or holder: the first thing people ask of a task. */
export function roleSentence(view: Pick<ContextView, "role" | "holds">, verdict: Verdict): string {
  switch (view.role) {
    case "core":
      if (verdict === "deadlock") return "holder and victim at once: part of the cycle";
      return verdict === "livelock" ? "holder and victim at once: part of the loop" : "part of the core";
    case "holder":
      return "HOLDER: others wait for it";
    case "victim":
      return waiterSentence(view);
    case "running":
      return "not blocked: it can run";
    case "unexplained":
      return "UNEXPLAINED: blocked, and no rule says on what";
    case "bystander":
      return "bystander: it takes no part in this";
  }
}

/** At most three of what a context is doing: the innermost, and the two outermost, which say what it is for. */
export function doingWords(doing: readonly string[]): string {
  return (doing.length <= 3 ? doing : [doing[0], ...doing.slice(-2)]).join(", ");
}
