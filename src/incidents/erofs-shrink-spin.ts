/**
 * The shrinker of erofs freezes a group that nobody uses and spins for xa_lock to take it out of the tree. Who inserts a group for
 * the same cluster holds xa_lock, meets the frozen one and spins until it thaws. Both have preemption off.
 *
 * "erofs: fix deadlock when shrink erofs slab" (Huang Jianan, November 2021), commit 57bbeacdbee7 (v5.16); reported with this
 * cycle by Jianhua Hao too. 4.19 and 5.4 do not have it.
 */
import { zErofsReadFolio } from "../kernel/fs/erofs/zdata.ts";
import { defineIncident } from "./incident.ts";

export const erofsShrinkSpin = defineIncident({
  id: "erofs-shrink-spin",
  title: "erofs's shrinker spins for xa_lock with a group frozen; who holds xa_lock spins until it thaws",
  source: "commit 57bbeacdbee7 (erofs: fix deadlock when shrink erofs slab), Huang Jianan, 2021-11-18",
  era: "5.15.0",
  parameters: {
    readers: { default: 2, min: 1, max: 4, what: "tasks that read the same compressed cluster" },
    others: { default: 1, min: 0, max: 4, what: "tasks that read a cluster of their own each" },
    pages: { default: 2, min: 1, max: 8, what: "pages there are; every group takes one" },
    cpus: { default: 2, min: 1, max: 8, what: "CPUs, on which tasks are in turn" },
    priority: { default: 0, min: 0, max: 12, what: "where reclaim begins; at 0 one pass scans all there is" },
  },
  fixes: ["erofs-xa-lock"],
  fixedChoices: [
    "every group takes a page of its own, as if no slab had a free object",
    "nothing else can be reclaimed; what a cluster holds is read by others",
  ],
  cpus: ({ cpus = 2 }) => cpus,
  setup(s, { readers = 2, others = 1, pages = 2, priority = 0 }) {
    s.memory({ priority, slabPages: true });
    s.freePages(pages);
    const fs = s.erofs(readers + others);
    for (let i = 0; i < others; i++) s.task("tar", {}, zErofsReadFolio, [fs, 1 + i]);
    for (let i = 0; i < readers; i++) s.task("cat", {}, zErofsReadFolio, [fs, 0]);
  },
});
