/**
 * Where a context works: which process, device, journal or file system, as far as names say so.
 * Two mentions of a resource are the same instance only if their places can agree.
 */
import type { Evidence } from "../evidence/types.ts";
import type { Scope } from "../knowledge/types.ts";
import type { Subject } from "./subjects.ts";

/** Facts by kind; a kind that is absent is unknown, not different. */
export interface Place {
  readonly tgid?: number;
  readonly comm?: string;
  /** Block device or bdi names (`vda`, `dm-4`, `254:0`). */
  readonly device?: string;
  /** `vda-8`: device and journal inode as kjournald2's name has it. */
  readonly journal?: string;
  /** `ext4`, `xfs`, ... from function prefixes and modules. */
  readonly fs?: string;
}

const FS_PREFIX =
  /^_*(ext4|xfs|btrfs|f2fs|nfs4|nfs|cifs|smb2|ceph|fuse|gfs2|ocfs2|ext3|reiserfs|jfs|udf|ntfs3|ntfs|exfat|fat|v9fs|zpl|zfs|erofs|bcachefs|bch2|shmem|hugetlbfs)_/;

/** `254:0` -> `vda`, from disk statistics in the evidence. */
export function deviceNames(evidence: Evidence): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const s of evidence.samples) {
    if (s.source !== "diskstats") continue;
    const { major, minor } = s.values;
    if (major !== undefined && minor !== undefined) names.set(`${major}:${minor}`, s.key);
  }
  return names;
}

/** The place of a subject. */
export function placeOf(s: Subject, names: ReadonlyMap<string, string>): Place {
  const device = deviceOf(s, names);
  const journal = /^jbd2?\/(.+?)$/.exec(s.ref.comm ?? "")?.[1];
  const fs = fsOf(s);
  const dev = device ?? (journal ? (names.get(journal) ?? journal.replace(/-\d*$/, "")) : undefined);
  return {
    ...(s.now.tgid !== undefined && { tgid: s.now.tgid }),
    ...(s.ref.comm !== undefined && { comm: s.ref.comm }),
    ...(dev !== undefined && { device: dev }),
    ...(journal !== undefined && { journal }),
    ...(fs !== undefined && { fs }),
  };
}

function deviceOf(s: Subject, names: ReadonlyMap<string, string>): string | undefined {
  const flush = /flush-([\w:.-]+)/.exec(s.now.workqueue?.description ?? s.now.comm ?? "")?.[1];
  if (flush) return names.get(flush) ?? flush;
  const wq = s.now.workqueue?.name;
  // `xfs-conv/dm-4`, but `kcryptd-254:0-1`: there the last number counts the queues of one device.
  const ofQueue =
    wq &&
    (/^kcryptd(?:_io)?[/-](\d+:\d+)/.exec(wq)?.[1] ??
      /^(?:xfs-[\w-]+|ext4-[\w-]+|loop|btrfs-[\w-]+)\/(.+)$/.exec(wq)?.[1]);
  if (ofQueue && /\d/.test(ofQueue)) return names.get(ofQueue) ?? ofQueue;
  const thread = /^(?:xfsaild|xfs-[\w-]+|dmcrypt_write|kcryptd|md)\/([\w:-]+)/.exec(s.ref.comm ?? "")?.[1];
  if (thread) return names.get(thread) ?? thread;
  return /^(?:u?\d+:\d+\+)?(loop\d+)$/.exec(s.now.comm ?? "")?.[1];
}

/** The innermost file system in the stack: reclaim may have entered another one than the system call. */
function fsOf(s: Subject): string | undefined {
  for (const f of s.now.stack.frames) {
    if (f.unreliable) continue;
    const m = FS_PREFIX.exec(f.symbol)?.[1] ?? (f.symbol.startsWith("jbd2_") ? "ext4" : undefined);
    if (m) return m === "nfs4" ? "nfs" : m === "smb2" ? "cifs" : m;
  }
  return undefined;
}

/** How well two places agree that they mean one instance. */
export type Agreement = "same" | "compatible" | "different";

/** Does a hold at `b` mean the instance that is waited for at `a`? */
export function agree(scope: Scope, a: Place, b: Place): Agreement {
  switch (scope) {
    case "global":
      return "same";
    case "mm":
      if (a.tgid !== undefined && b.tgid !== undefined) return a.tgid === b.tgid ? "same" : "different";
      return "compatible";
    case "journal":
    case "sb":
    case "device":
    case "inode":
    case "page":
    case "buffer":
    case "request":
      return agreeOnDevice(scope, a, b);
    case "memcg":
    case "work":
    case "task":
    case "server":
    case "lock":
      return "compatible";
  }
}

function agreeOnDevice(scope: Scope, a: Place, b: Place): Agreement {
  if (scope !== "device" && scope !== "page" && a.fs !== undefined && b.fs !== undefined && a.fs !== b.fs)
    return "different";
  if (a.journal !== undefined && b.journal !== undefined && a.journal !== b.journal) return "different";
  if (a.device !== undefined && b.device !== undefined) {
    if (a.device === b.device)
      return scope === "journal" || scope === "sb" || scope === "device" ? "same" : "compatible";
    // `vda` against `vda1`, `254:0` against `vda`, dm over sd: names of different kinds prove nothing.
    if (sameNaming(a.device, b.device)) return "different";
  }
  return "compatible";
}

function sameNaming(a: string, b: string): boolean {
  const kind = (d: string) =>
    /^\d+:\d+$/.test(d) ? "dev_t" : (/^(sd|vd|xvd|hd)[a-z]/.exec(d)?.[1] ?? d.replace(/[\d-].*$/, ""));
  return kind(a) === kind(b) && !(a.startsWith(b) || b.startsWith(a));
}
