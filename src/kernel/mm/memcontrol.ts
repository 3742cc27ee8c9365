/**
 * Memory cgroups (mm/memcontrol.c), by topic: charge, stock, kmem, oom, high, move, page-stat sections, uncharge.
 * Groups and counters are in memcg-types.ts, set-up in mm.ts.
 */
export { memCgroupCharge, memCgroupMargin, tryChargeMemcg } from "./memcg-charge.ts";
export { memCgroupHandleOverHigh } from "./memcg-high.ts";
export { __memcgKmemChargePage, kmemTarget, memcgKmemUnchargePage } from "./memcg-kmem.ts";
export { memCgroupCanAttach, memCgroupMoveAccount, memCgroupMoveCharge } from "./memcg-move.ts";
export { memCgroupOom, memCgroupOomSynchronize } from "./memcg-oom.ts";
export { memCgroupHandleOverMax, resumeUserModeWork } from "./memcg-over-max.ts";
export { folioMemcgLock, folioMemcgUnlock } from "./memcg-page-stat.ts";
export { consumeStock, drainAllStock, refillStock } from "./memcg-stock.ts";
export { memCgroupUncharge, unchargePage } from "./memcg-uncharge.ts";
export { createMemcg } from "./mm.ts";
