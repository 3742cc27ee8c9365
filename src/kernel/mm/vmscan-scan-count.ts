/**
 * How much of each list a pass scans (mm/vmscan.c:get_scan_count), and which groups are protected.
 *
 * Only file lists are counted here (SCAN_FILE); vmscan-lists.ts adds the anonymous ones where there is swap. A list is scanned `size >> priority`; up to 4.11 a memcg
 * whose lists all come to nothing is scanned all the same. Sizes are read without the lock: whoever calls has stepped before.
 */
import { era, kernel } from "../sched/current.ts";
import type { LruList, Lruvec, MemCgroup } from "./memcg-types.ts";
import { DEF_PRIORITY, mm, type ScanControl, SWAP_CLUSTER_MAX, subtree } from "./mm.ts";
import { shrinkersRegistered } from "./shrinker.ts";
import { throttlesVmWriteout } from "./throttle-vm-writeout.ts";

/** What a level grants a child of its own protection (mm/memcontrol.c:effective_protection, without memory_recursiveprot). */
function effective(memcg: MemCgroup, target: MemCgroup | undefined, of: "min" | "low"): number {
  const own = Math.min(memcg.memory.usage, memcg.memory[of]);
  const { parent } = memcg;
  if (parent === undefined || memcg === target) return 0;
  if (parent === target || parent.parent === undefined) return memcg.memory[of];
  const granted = effective(parent, target, of);
  const siblings = [...parent.children].reduce((sum, m) => sum + Math.min(m.memory.usage, m.memory[of]), 0);
  return siblings > granted ? Math.floor((own * granted) / siblings) : own;
}

/** Groups keep what memory.min and memory.low protect; v2 only. */
export function protectionOf(memcg: MemCgroup, sc: ScanControl, of: "min" | "low"): number {
  return kernel().config.cgroup === "v2" ? effective(memcg, sc.target, of) : 0;
}

/** Whether reclaim passes the group by (mem_cgroup_below_min, mem_cgroup_below_low). */
export function isBelow(memcg: MemCgroup, sc: ScanControl, of: "min" | "low"): boolean {
  if (kernel().config.cgroup !== "v2" || memcg === sc.target || memcg.parent === undefined) return false;
  return protectionOf(memcg, sc, of) >= memcg.memory.usage;
}

function scanOf(list: LruList, sc: ScanControl, protection: number): number {
  const size = list.pages.length;
  const { memcg } = list.lruvec;
  if (protection === 0 || memcg === undefined) return size >> sc.priority;
  const group = Math.max(memcg.memory.usage, protection);
  const scan = Math.max(size - Math.floor((size * protection) / (group + 1)), SWAP_CLUSTER_MAX);
  return scan >> sc.priority;
}

/** Pages to scan of the inactive and of the active file list. */
export function getScanCount(lruvec: Lruvec, sc: ScanControl): readonly [inactive: number, active: number] {
  const { memcg } = lruvec;
  const min = memcg === undefined ? 0 : protectionOf(memcg, sc, "min");
  const low = memcg === undefined ? 0 : protectionOf(memcg, sc, "low");
  const useLow = !sc.lowReclaim && low > min;
  if (useLow) sc.lowSkipped = true;
  const inactive = scanOf(lruvec.inactiveFile, sc, useLow ? low : min);
  const active = scanOf(lruvec.activeFile, sc, useLow ? low : min);
  if (inactive + active > 0 || !era().memcgForceScan || sc.target === undefined) return [inactive, active];
  const forced = (list: LruList): number => Math.min(list.pages.length, SWAP_CLUSTER_MAX);
  return [forced(lruvec.inactiveFile), forced(lruvec.activeFile)];
}

/** `inactive_is_low()`: ratio 1, as below a gigabyte. */
export function inactiveIsLow(lruvec: Lruvec): boolean {
  return lruvec.inactiveFile.pages.length < lruvec.activeFile.pages.length;
}

/**
 * The first priority that can scan anything: even with all that the group may charge on one list, `size >> priority` is 0 at every
 * higher one, and such a pass touches nothing (it sleeps all the same where reclaim is throttled). What it saves are steps. (Charges forced over the limit during a pass could make
 * it begin one priority earlier in the kernel.)
 */
export function firstPriority(sc: ScanControl): number {
  const most = mm().options.priority ?? DEF_PRIORITY;
  if (shrinkersRegistered() || throttlesVmWriteout() || (era().memcgForceScan && sc.target !== undefined)) return most;
  const { memory } = sc.target ?? mm().root;
  const atMost = sc.target === undefined ? mm().pages.length : Math.max(memory.max, memory.usage);
  const bySize = 31 - Math.clz32(Math.max(1, Math.min(mm().pages.length, atMost)));
  const groups = subtree(sc.target ?? mm().root);
  const isProtected = groups.some((m) => m.memory.low > 0 || m.memory.min > 0);
  // a protected group is scanned for 32 pages at least, shifted
  return Math.min(most, isProtected ? Math.max(bySize, 5) : bySize);
}
