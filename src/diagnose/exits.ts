/**
 * What ends a livelock, with its time bound where the kernel gives one.
 *
 * Sources: mm/memcontrol.c:try_charge_memcg (retries, OOM, forced charge), mm/oom_kill.c:oom_reap_task (10 tries, 0.1 s
 * apart, after OOM_REAPER_DELAY of 2 s since 5.18), mm/vmscan.c:shrink_folio_list.
 */
import { inEra, type Release } from "../knowledge/release.ts";
import type { Finding } from "./verdict.ts";

/** Exits of the finding's livelock; empty for other verdicts. */
export function exitsOf(f: Finding, release: Release | undefined): string[] {
  if (f.verdict !== "livelock" || !f.core) return [];
  const loopers = f.core.contexts.map((c) => f.model.parties[c]).filter((p) => p?.want?.retries);
  const memcg = loopers.some((p) => p?.want?.class === "memcg_charge");
  const global = loopers.some((p) => p?.want?.class === "reclaim");
  const out: string[] = [];
  if (memcg) {
    out.push("the limit is raised (memory.max or memory.limit_in_bytes): at once");
    out.push(
      "a clean page of the group turns up (another file system's writeback, swap-out, a task that exits): no bound",
    );
    out.push(`an OOM victim dies, or is reaped or skipped (${reaper(release)}), then the next one is chosen`);
    out.push(
      "no killable task is left in the group: the charge fails, or is forced when it must not fail (__GFP_NOFAIL)",
    );
  }
  if (global) out.push("any page of the node is cleaned or freed, or the OOM killer finds a victim that can exit");
  if (!memcg && !global) out.push("none known: endless");
  return out;
}

function reaper(release: Release | undefined): string {
  const delayed =
    !release || inEra(release, { since: "5.18" }) === true || (release.major === 5 && release.minor === 15);
  return delayed ? "2 s + at most 1 s each" : "at most 1 s each";
}
