/** What `spin-abba` and `spin-ring` have in common: pages charged to a group, and what tasks and reclaim do with them. */
import { bool, Entity, fields, int, op, ref } from "../../resumable/index.ts";

export class Memcg extends Entity {
  declare usage: number;
  declare max: number;
  static {
    fields(Memcg, { usage: int, max: int });
  }
}
export class Page extends Entity {
  declare locked: boolean;
  declare dirty: boolean;
  declare writeback: boolean;
  declare reclaim: boolean;
  declare cached: boolean;
  declare submitted: boolean;
  /** Undefined for a page that reclaim never looks at. */
  declare memcg: Memcg | undefined;
  static {
    fields(Page, {
      locked: bool,
      dirty: bool,
      writeback: bool,
      reclaim: bool,
      cached: bool,
      submitted: bool,
      memcg: ref,
    });
  }
}

/** What contexts wait for here, as reports name it. */
export const pageWaits = {
  lockPage: { class: "PG_locked", event: "unlock" },
  waitOnPageWriteback: { class: "PG_writeback", event: "end_writeback" },
} as const;

export const tryCharge = op<Memcg>("tryCharge", {
  apply: (memcg) => {
    const fits = memcg.usage < memcg.max;
    if (fits) memcg.usage++;
    return fits;
  },
});
export const lockPage = op<Page>("lockPage", {
  ways: (page) => (page.locked ? 0 : 1),
  apply: (page) => {
    page.locked = true;
  },
});
export const trylockPage = op<Page>("trylockPage", {
  apply: (page) => {
    const free = !page.locked;
    if (free) page.locked = true;
    return free;
  },
});
export const unlockPage = op<Page>("unlockPage", {
  apply: (page) => {
    page.locked = false;
  },
});
export const waitOnPageWriteback = op<Page>("waitOnPageWriteback", { ways: (page) => (page.writeback ? 0 : 1) });

/** Looks at a locked page; true when its writeback has to be waited for. */
export const reclaimPage = op<Page>("reclaimPage", {
  apply: (page) => {
    if (!page.cached) return false;
    if (page.writeback && page.reclaim) return true;
    if (page.writeback || page.dirty) {
      page.reclaim = true;
      return false;
    }
    page.cached = false;
    if (page.memcg !== undefined) page.memcg.usage--;
    return false;
  },
});
export const setPageDirty = op<Page>("setPageDirty", {
  apply: (page) => {
    if (page.cached) page.dirty = true;
  },
});
