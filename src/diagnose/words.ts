/** How sentences name contexts and resources. */
import type { Resource } from "../waits/types.ts";
import type { ContextRef } from "./types.ts";

const RESOURCES: Readonly<Record<string, string>> = {
  PG_locked: "the lock of a page (PG_locked)",
  PG_writeback: "writeback of a page (PG_writeback)",
  buffer_lock: "a buffer's lock",
  mmap_lock: "mmap_lock",
  i_rwsem: "an inode's lock (i_rwsem)",
  s_umount: "s_umount",
  sb_freeze: "the file system freeze",
  jbd2_handle: "open jbd2 handles to be stopped",
  jbd2_transaction: "the locked jbd2 transaction",
  jbd2_commit: "a jbd2 commit",
  log_space: "log space",
  memcg_charge: "memory of its cgroup to come free",
  reclaim: "memory to come free",
  memcg_oom: "the cgroup's OOM handling",
  dirty_limit: "dirty pages to drop below the limit",
  writeback_work: "a writeback work item",
  inode_writeback: "writeback of an inode (I_SYNC)",
  request_tag: "a block request tag",
  rq_qos: "block writeback throttling",
  device_io: "I/O of a block device",
  bio: "a bio",
  mempool: "an element of a mempool",
  work_flush: "a work item to finish",
  oom_victim: "the OOM victim's exit",
  nfs_rpc: "an NFS server's reply",
  rpc: "an RPC",
  fuse_request: "the FUSE server's reply",
  inode_new: "an inode that is being set up or freed",
  cpu_hotplug_lock: "cpu_hotplug_lock",
  cgroup_mutex: "cgroup_mutex",
  task_exit: "a task's exit",
};

/** `writeback of a page (PG_writeback)`; a lock's own name where known. */
export function resourceWords(r: Resource): string {
  const words = RESOURCES[r.class];
  if (r.class === "unknown") return r.id ? `something in ${r.id}()` : "something this log does not show";
  if (words) return r.id && r.id !== r.class && !words.includes(r.id) ? `${words}, ${r.id}` : words;
  return r.id && r.id !== r.class ? `${r.class} ${r.id}` : `a ${r.class.replaceAll("_", " ")}`;
}

/** `kworker/u4:1 (24)`, or what is known of a context without a pid. */
export function contextWords(c: ContextRef): string {
  if (c.comm !== undefined && c.pid !== undefined) return `${c.comm} (${c.pid})`;
  if (c.pid !== undefined) return `pid ${c.pid}`;
  if (c.comm !== undefined) return c.comm;
  return c.line !== undefined ? `the task of line ${c.line}` : "a task";
}

/** `a, b and c`, the rest counted. */
export function list(items: readonly string[], most = 3): string {
  const shown = items.slice(0, most);
  const rest = items.length - shown.length;
  if (rest > 0) return `${shown.join(", ")} and ${rest} more`;
  if (shown.length < 2) return shown.join("");
  return `${shown.slice(0, -1).join(", ")} and ${shown.at(-1)}`;
}
