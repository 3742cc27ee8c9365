/**
 * Reading a compressed cluster (fs/erofs/zdata.c): find its group, or make and insert one, then use and put it. What is read and
 * decompressed meanwhile is not modelled, and neither are the page cache and the lock of the group.
 */
import { op, type Resumable } from "../../../resumable/index.ts";
import { GFP_NOFS } from "../../gfp.ts";
import { kmemCacheAlloc, kmemCacheFree } from "../../mm/slab.ts";
import {
  type ErofsSbInfo,
  type ErofsWorkgroup,
  erofsFindWorkgroup,
  erofsInsertWorkgroup,
  erofsWorkgroupPut,
} from "./utils.ts";

/** Part of the step in which its memory came. */
function newGroup(sbi: ErofsSbInfo, index: number): ErofsWorkgroup {
  const group = [...sbi.groups].find((one) => !one.used);
  if (group === undefined) throw new Error("mount erofs with more groups");
  return Object.assign(group, { used: true, index, refcount: 1 });
}

/** A group that never came into the tree. */
function* zErofsFreePcluster(group: ErofsWorkgroup): Resumable {
  group.refcount = 0;
  yield* kmemCacheFree(group.object);
  group.object = undefined;
}

function* zErofsRegisterPcluster(sbi: ErofsSbInfo, index: number): Resumable<ErofsWorkgroup | undefined> {
  const group = yield* zErofsAllocPcluster(sbi, index);
  if (group === undefined) return undefined;
  const there = yield* erofsInsertWorkgroup(sbi, group);
  if (there !== group) yield* zErofsFreePcluster(group);
  return there;
}

function* zErofsAllocPcluster(sbi: ErofsSbInfo, index: number): Resumable<ErofsWorkgroup | undefined> {
  const object = yield* kmemCacheAlloc(GFP_NOFS);
  if (object === undefined) return undefined;
  const group = newGroup(sbi, index);
  group.object = object;
  return group;
}

const decompress = op<ErofsWorkgroup>("read and decompress", {
  describe: (group) => `read and decompress cluster ${group.index}`,
});

/** Reads one cluster. */
export function* zErofsReadFolio(sbi: ErofsSbInfo, index: number): Resumable {
  yield* zErofsDoReadPage(sbi, index);
}
function* zErofsDoReadPage(sbi: ErofsSbInfo, index: number): Resumable {
  const group = yield* zErofsCollectorBegin(sbi, index);
  if (group === undefined) return;
  yield decompress(group);
  yield* erofsWorkgroupPut(sbi, group);
}
function* zErofsCollectorBegin(sbi: ErofsSbInfo, index: number): Resumable<ErofsWorkgroup | undefined> {
  const found = yield* erofsFindWorkgroup(sbi, index);
  return found ?? (yield* zErofsRegisterPcluster(sbi, index));
}
