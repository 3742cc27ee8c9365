/**
 * Which memcg an inode's writeback belongs to, and switching it (fs/fs-writeback.c:wbc_attach_and_unlock_inode,
 * wbc_account_cgroup_owner, wbc_detach_inode, inode_switch_wbs, inode_do_switch_wbs).
 *
 * Each pass over an inode votes: pages of its domain's memcg against the foreign one that leads (Boyer and Moore's majority
 * vote; the winner of the pass before, which the kernel counts apart, is not). More than half of the last 16 slots foreign:
 * the inode is switched. I_WB_SWITCH is set at once; after a grace period a worker moves the inode under both list_locks,
 * i_lock and i_pages. In between every section of unlocked-inode-to-wb.ts takes i_pages.
 */
import { type Entity, op, type Resumable } from "../../resumable/index.ts";
import { spinLock, spinLockIrq, spinUnlock, spinUnlockIrq } from "../locking/spinlock.ts";
import type { MemCgroup } from "../mm/memcg-types.ts";
import type { Page } from "../mm/page.ts";
import { kernel } from "../sched/current.ts";
import { synchronizeRcu } from "../sched/rcu.ts";
import { queueWork, type Workqueue } from "../sched/workqueue.ts";
import type { BdiWriteback } from "./backing-dev.ts";
import { I_DIRTY, I_FREEING, I_WB_SWITCH, type Inode } from "./inode.ts";
import { inodeCgwbEnabled } from "./unlocked-inode-to-wb.ts";
import { inodeIoListDel, inodeToWb, wbHasDirtyIo, wbOfMemcg, wbWakeup } from "./wb.ts";
import type { WritebackControl } from "./writeback-control.ts";

/** 16 slots of history, and how many of them have to be foreign (WB_FRN_HIST_THR_SLOTS). */
const HISTORY = 0xffff;
const THRESHOLD = 8;

/** `wbc_attach_and_unlock_inode()`. */
export function wbcAttachInode(wbc: WritebackControl, inode: Inode): void {
  if (inodeCgwbEnabled(inode)) wbc.wb = inodeToWb(inode);
}

/** `wbc_account_cgroup_owner()`: a page goes into a bio of this pass. */
export function wbcAccountCgroupOwner(wbc: WritebackControl, page: Page): void {
  if (wbc.wb === undefined) return;
  const { memcg } = page;
  if (memcg === undefined || wbOfMemcg(wbc.wb.bdi, memcg) === wbc.wb) {
    wbc.ownPages++;
    return;
  }
  if (wbc.foreignPages === 0) wbc.foreignMemcg = memcg;
  wbc.foreignPages += wbc.foreignMemcg === memcg ? 1 : -1;
}

/** `wbc_detach_inode()`: counts the vote and may set off a switch. */
export function* wbcDetachInode(wbc: WritebackControl, inode: Inode): Resumable {
  const { wb, foreignMemcg } = wbc;
  if (wb === undefined) return;
  const foreign = wbc.foreignPages > wbc.ownPages;
  const any = wbc.foreignPages + wbc.ownPages > 0;
  Object.assign(wbc, { wb: undefined, ownPages: 0, foreignMemcg: undefined, foreignPages: 0 });
  if (!any) return;
  const slots = wb.bdi.foreignSlots;
  const history = ((inode.wbForeign << slots) | (foreign ? (1 << slots) - 1 : 0)) & HISTORY;
  inode.wbForeign = history;
  if (foreign && foreignMemcg !== undefined && weight(history) > THRESHOLD) yield* inodeSwitchWbs(inode, foreignMemcg);
}

function weight(bits: number): number {
  let n = 0;
  for (let b = bits; b !== 0; b &= b - 1) n++;
  return n;
}

const prepareSwitch = op<Inode, BdiWriteback>("set I_WB_SWITCH", {
  apply(inode, to) {
    if ((inode.state & (I_WB_SWITCH | I_FREEING)) !== 0 || inodeToWb(inode) === to) return false;
    inode.state |= I_WB_SWITCH;
    inode.switchTo = to;
    return true;
  },
  describe: (inode, to) => `set I_WB_SWITCH of ${inode} towards ${to}`,
});

/** `inode_switch_wbs()`: nothing happens when a switch is in flight or the inode is there already. */
export function* inodeSwitchWbs(inode: Inode, memcg: MemCgroup): Resumable {
  const to = wbOfMemcg(inode.sb.bdi, memcg);
  if (!(yield prepareSwitch(inode, to))) return;
  yield* queueWork(kernel().subsystem<Workqueue>("inode_switch_wbs"), inode.switchWork);
}

/**
 * The work of a switch. The kernel lets the grace period begin when the work is queued (call_rcu, queue_rcu_work from 5.14);
 * it may end at any later time, so that waiting for a whole one here allows nothing more.
 */
export function* inodeSwitchWbsWorkFn(argument: Entity | undefined): Resumable {
  const inode = argument as Inode;
  yield* synchronizeRcu();
  const from = inodeToWb(inode);
  const to = inode.switchTo as BdiWriteback;
  const [first, second] = from.$number < to.$number ? [from, to] : [to, from];
  yield* spinLock(first.listLock);
  if (first !== second) yield* spinLock(second.listLock);
  yield* inodeDoSwitchWbs(inode, from, to);
  if (first !== second) spinUnlock(second.listLock);
  spinUnlock(first.listLock);
  if (wbHasDirtyIo(to)) yield* wbWakeup(to);
}

function* inodeDoSwitchWbs(inode: Inode, from: BdiWriteback, to: BdiWriteback): Resumable {
  const { treeLock } = inode.mapping;
  yield* spinLockIrq(treeLock);
  if ((inode.state & I_FREEING) === 0) moveInode(inode, from, to);
  inode.state &= ~I_WB_SWITCH;
  inode.switchTo = undefined;
  yield* spinUnlockIrq(treeLock);
}

function moveInode(inode: Inode, from: BdiWriteback, to: BdiWriteback): void {
  for (const page of inode.mapping.pages) {
    if (page.dirty) {
      from.nrReclaimable--;
      to.nrReclaimable++;
    }
    if (page.writeback) {
      from.nrWriteback--;
      to.nrWriteback++;
    }
  }
  const listed = from.bDirty.includes(inode) || from.bIo.includes(inode) || from.bMoreIo.includes(inode);
  inodeIoListDel(inode, from);
  inode.wb = to;
  inode.wbForeign = 0;
  if (listed && (inode.state & I_DIRTY) !== 0) {
    to.bDirty.unshift(inode);
    inode.dirtiedLate = to.running;
  }
}
