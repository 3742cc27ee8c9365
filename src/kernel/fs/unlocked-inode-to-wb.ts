/**
 * Whose writeback domain an inode is in, asked without its lock (include/linux/backing-dev.h).
 *
 * While an inode is being switched to another domain (I_WB_SWITCH) a section that uses the present one holds i_pages
 * (tree_lock). Up to 4.16 that was spin_lock_irq/spin_unlock_irq: the end switches interrupts on even where the caller had
 * them off, as under lock_page_memcg(). commit 2e898e4c0a38 ("writeback: safer lock nesting") (v4.17) keeps what was.
 *
 * Hack `switching`: every section finds a switch in flight, and inodes have a domain per memcg even on v1.
 */
import { op, type Resumable } from "../../resumable/index.ts";
import { spinLockIrq, spinLockIrqsave, spinUnlockIrq, spinUnlockIrqrestore } from "../locking/spinlock.ts";
import { era, kernel } from "../sched/current.ts";
import { rcuReadLock, rcuReadUnlock } from "../sched/rcu.ts";
import { I_WB_SWITCH, type Inode } from "./inode.ts";

/** `struct wb_lock_cookie`, as bits: i_pages is held; interrupts were off before. */
const LOCKED = 1 << 0;
const IRQS_WERE_OFF = 1 << 1;

/** `inode_cgwb_enabled()`: the memory controller is on the default hierarchy, and the filesystem takes part. */
export function inodeCgwbEnabled(inode: Inode): boolean {
  const { cgroup } = kernel().config;
  return inode.sb.cgroupWriteback && (cgroup === "v2" || switchingHack());
}

function switchingHack(): boolean {
  return kernel().config.hacks.includes("switching");
}

const testSwitch = op<Inode>("test I_WB_SWITCH", {
  apply: (inode) => (inode.state & I_WB_SWITCH) !== 0,
  describe: (inode) => `test I_WB_SWITCH of ${inode}`,
});

/** The flag is looked at only where something could have set it. */
function* wbSwitchInFlight(inode: Inode): Resumable<boolean> {
  if (switchingHack()) return true;
  if (!inodeCgwbEnabled(inode)) return false;
  return yield testSwitch(inode);
}

/** `unlocked_inode_to_wb_begin()`: `inode.wb` stays until {@link unlockedInodeToWbEnd} of the cookie that it returns. */
export function* unlockedInodeToWbBegin(inode: Inode): Resumable<number> {
  rcuReadLock();
  if (!(yield* wbSwitchInFlight(inode))) return 0;
  const { treeLock } = inode.mapping;
  if (!era().wbLockCookie) {
    yield* spinLockIrq(treeLock);
    return LOCKED;
  }
  const flags = yield* spinLockIrqsave(treeLock);
  return LOCKED | (flags ? IRQS_WERE_OFF : 0);
}

/** `unlocked_inode_to_wb_end()`. */
export function* unlockedInodeToWbEnd(inode: Inode, cookie: number): Resumable {
  if ((cookie & LOCKED) !== 0) {
    const { treeLock } = inode.mapping;
    if (era().wbLockCookie) yield* spinUnlockIrqrestore(treeLock, (cookie & IRQS_WERE_OFF) !== 0);
    else yield* spinUnlockIrq(treeLock);
  }
  rcuReadUnlock();
}
