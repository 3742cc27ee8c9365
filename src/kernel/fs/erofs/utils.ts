/**
 * Workgroups of erofs (fs/erofs/utils.c): the descriptors of compressed clusters that are being read, found by block number in
 * `managed_pslots` (an XArray) and kept there, unused, until the shrinker takes them.
 *
 * The reference count is a lock too: the shrinker freezes a group that only the tree refers to, with preemption off, and whoever
 * wants a reference spins until it thaws. erofs_insert_workgroup() does that under xa_lock; the shrinker took xa_lock with the
 * group frozen, from the XArray on (commit 64094a04414f ("erofs: convert workstation to XArray") (v5.7)) until commit 57bbeacdbee7
 * ("erofs: fix deadlock when shrink erofs slab") (v5.16).
 *
 * Coarser than the kernel: reading a count and changing it are one step; a dead group's memory is never used again here (the kernel
 * frees it after a grace period); erofs_sb_list_lock is taken alone and is no operation; groups have no cached pages.
 */
import type { List } from "../../../resumable/index.ts";
import { bool, create, Entity, fields, int, list, op, type Resumable, ref, value } from "../../../resumable/index.ts";
import { Mutex, mutexTrylock, mutexUnlock } from "../../locking/mutex.ts";
import { preemptDisable, preemptEnable, SpinLock, spinLock, spinUnlock } from "../../locking/spinlock.ts";
import type { MemCgroup } from "../../mm/memcg-types.ts";
import type { Mm } from "../../mm/mm.ts";
import type { Shrinker } from "../../mm/shrinker.ts";
import { kmemCacheFree, type SlabObject } from "../../mm/slab.ts";
import { current, era } from "../../sched/current.ts";
import type { Kernel } from "../../sched/kernel.ts";
import type { Task } from "../../sched/task.ts";
import { waitOp } from "../../sched/wait.ts";

/** `EROFS_LOCKED_MAGIC`: the count of a frozen group. */
const FROZEN = -1;

/** `struct erofs_workgroup`, here with the slab object it is part of. */
export class ErofsWorkgroup extends Entity {
  declare used: boolean;
  declare index: number;
  /** One of them is the tree's. */
  declare refcount: number;
  declare frozenBy: Task | undefined;
  declare object: SlabObject;
  static {
    fields(ErofsWorkgroup, { used: bool, index: int, refcount: int, frozenBy: ref, object: value }, "erofs_workgroup");
  }
}

/** `struct erofs_sb_info`. */
export class ErofsSbInfo extends Entity {
  /** xa_lock of {@link pslots}. */
  declare lock: SpinLock;
  /** `managed_pslots`. */
  declare pslots: List<ErofsWorkgroup>;
  declare umountMutex: Mutex;
  /** `erofs_global_shrink_cnt`: groups that only the tree refers to. */
  declare shrinkCount: number;
  /** All groups there can be. */
  declare groups: List<ErofsWorkgroup>;
  static {
    fields(
      ErofsSbInfo,
      { lock: ref, pslots: list(16), umountMutex: ref, shrinkCount: int, groups: list(16) },
      "erofs_sb_info",
    );
  }
}

/** Mounts; so many groups can be made before the story ends. */
export function bootErofs(kernel: Kernel, groups: number): ErofsSbInfo {
  const sbi = create(ErofsSbInfo, {
    lock: create(SpinLock, { lockClass: "xa_lock" }),
    umountMutex: create(Mutex, { lockName: "umount_mutex" }),
  });
  for (let i = 0; i < groups; i++) sbi.groups.push(create(ErofsWorkgroup));
  kernel.subsystem<Mm>("mm").shrinkers.push(erofsShrinker(sbi));
  return sbi;
}

const getUnlessDead = waitOp<ErofsWorkgroup, ErofsSbInfo>("erofs_wait_on_workgroup_freezed", {
  ways: (group) => (group.refcount === FROZEN ? 0 : 1),
  apply(group, sbi) {
    if (group.refcount <= 0) return false;
    if (group.refcount === 1) sbi.shrinkCount--;
    group.refcount++;
    return true;
  },
  wait: (group) => ({
    resource: { class: "erofs_workgroup", id: String(group.index) },
    verb: "unfreeze",
    providers: group.frozenBy === undefined ? [] : [group.frozenBy],
    state: "R",
    top: "busy",
  }),
  describe: (group) => `take a reference to ${group}`,
});

/** False: it was dying, and is not in the tree any more. */
function* erofsWorkgroupGet(sbi: ErofsSbInfo, group: ErofsWorkgroup): Resumable<boolean> {
  return yield getUnlessDead(group, sbi);
}

const load = op<ErofsSbInfo, number>("xa_load", {
  apply: (sbi, index) => [...sbi.pslots].find((group) => group.index === index),
  describe: (_sbi, index) => `xa_load ${index}`,
});

/** `erofs_find_workgroup()`: with a reference. */
export function* erofsFindWorkgroup(sbi: ErofsSbInfo, index: number): Resumable<ErofsWorkgroup | undefined> {
  for (;;) {
    const group: ErofsWorkgroup | undefined = yield load(sbi, index);
    if (group === undefined || (yield* erofsWorkgroupGet(sbi, group))) return group;
  }
}

/** `erofs_insert_workgroup()`: the group itself, or the one that was faster, in either case with a reference of the caller's. */
export function* erofsInsertWorkgroup(sbi: ErofsSbInfo, group: ErofsWorkgroup): Resumable<ErofsWorkgroup> {
  group.refcount++;
  yield* spinLock(sbi.lock);
  for (;;) {
    const there = [...sbi.pslots].find((other) => other.index === group.index);
    if (there === undefined) {
      sbi.pslots.push(group);
      spinUnlock(sbi.lock);
      return group;
    }
    const got = yield* erofsWorkgroupGet(sbi, there);
    spinUnlock(sbi.lock);
    if (got) {
      group.refcount--;
      return there;
    }
    yield* spinLock(sbi.lock);
  }
}

const put = op<ErofsWorkgroup, ErofsSbInfo>("erofs_workgroup_put", {
  apply(group, sbi) {
    group.refcount--;
    if (group.refcount === 1) sbi.shrinkCount++;
  },
  describe: (group) => `drop a reference to ${group}`,
});

/** `erofs_workgroup_put()` of a group in the tree. */
export function* erofsWorkgroupPut(sbi: ErofsSbInfo, group: ErofsWorkgroup): Resumable {
  yield put(group, sbi);
}

/** With preemption off from here on, if it succeeds. */
const freeze = op<ErofsWorkgroup>("erofs_workgroup_try_to_freeze", {
  apply(group) {
    if (group.refcount !== 1) return false;
    preemptDisable();
    group.refcount = FROZEN;
    group.frozenBy = current();
    return true;
  },
  describe: (group) => `freeze ${group} if nobody uses it`,
});

/** `erofs_workgroup_unfreeze(0)`. */
const unfreeze = op<ErofsWorkgroup, ErofsSbInfo>("erofs_workgroup_unfreeze", {
  apply(group, sbi) {
    group.refcount = 0;
    group.frozenBy = undefined;
    sbi.shrinkCount--;
    preemptEnable();
  },
  describe: (group) => `unfreeze ${group}, which is dead now`,
});

/** True when the group is gone. From 5.16 on the caller holds xa_lock. */
function* erofsTryToReleaseWorkgroup(sbi: ErofsSbInfo, group: ErofsWorkgroup): Resumable<boolean> {
  if (!(yield freeze(group))) return false;
  const locks = !era().erofsReleaseUnderXaLock;
  if (locks) yield* xaErase(sbi, group);
  else sbi.pslots.remove(group);
  yield unfreeze(group, sbi);
  yield* kmemCacheFree(group.object);
  group.object = undefined;
  return true;
}
function* xaErase(sbi: ErofsSbInfo, group: ErofsWorkgroup): Resumable {
  yield* spinLock(sbi.lock);
  sbi.pslots.remove(group);
  spinUnlock(sbi.lock);
}

const next = op<ErofsSbInfo, number>("xa_for_each", {
  apply: (sbi, after) => [...sbi.pslots].find((group) => group.index > after),
  describe: (_sbi, after) => `next group after ${after}`,
});

/** `erofs_shrink_workstation()`: how many groups went. */
function* erofsShrinkWorkstation(sbi: ErofsSbInfo, nr: number): Resumable<number> {
  const locked = era().erofsReleaseUnderXaLock;
  let freed = 0;
  let index = -1;
  if (locked) yield* spinLock(sbi.lock);
  for (;;) {
    const group: ErofsWorkgroup | undefined = yield next(sbi, index);
    if (group === undefined) break;
    index = group.index;
    if (!(yield* erofsTryToReleaseWorkgroup(sbi, group))) continue;
    if (locked) spinUnlock(sbi.lock);
    freed++;
    if (freed >= nr) return freed;
    if (locked) yield* spinLock(sbi.lock);
  }
  if (locked) spinUnlock(sbi.lock);
  return freed;
}

function erofsShrinker(sbi: ErofsSbInfo): Shrinker {
  return Object.freeze({
    name: "erofs",
    memcgAware: false,
    object: sbi,
    count: (_memcg: MemCgroup | undefined, shrinker: Shrinker) => (shrinker.object as ErofsSbInfo).shrinkCount,
    scan: erofsShrinkScan,
  });
}

/** Whatever the mask allows: no filesystem is entered. */
function* erofsShrinkScan(shrinker: Shrinker, _memcg: MemCgroup | undefined, nr: number): Resumable<number> {
  const sbi = shrinker.object as ErofsSbInfo;
  if (!(yield* mutexTrylock(sbi.umountMutex))) return 0;
  const freed = yield* erofsShrinkWorkstation(sbi, nr);
  yield* mutexUnlock(sbi.umountMutex);
  return freed;
}
