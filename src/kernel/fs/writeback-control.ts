/** `struct writeback_control`: what one pass of writeback is asked to do. */
import { bool, Entity, fields, int, ref } from "../../resumable/index.ts";
import { PF_MEMALLOC } from "../gfp.ts";
import type { MemCgroup } from "../mm/memcg-types.ts";
import { kernel } from "../sched/current.ts";
import type { Task } from "../sched/task.ts";
import type { BdiWriteback } from "./backing-dev.ts";

/** One per task that writes back; fields are set at the start of a pass. */
export class WritebackControl extends Entity {
  /** WB_SYNC_ALL. */
  declare syncAll: boolean;
  declare nrToWrite: number;
  declare rangeCyclic: boolean;
  declare rangeStart: number;
  declare rangeEnd: number;
  /** Called from reclaim. */
  declare forReclaim: boolean;
  declare forSync: boolean;
  declare taggedWritepages: boolean;
  declare wb: BdiWriteback | undefined;
  /** The inode is attached (`wbc_attach_and_unlock_inode`): pages of the domain's memcg, and the foreign one that leads. */
  declare ownPages: number;
  declare foreignMemcg: MemCgroup | undefined;
  declare foreignPages: number;
  /** Pages that could not be written now. */
  declare pagesSkipped: number;
  static {
    fields(
      WritebackControl,
      {
        syncAll: bool,
        nrToWrite: int,
        rangeCyclic: bool,
        rangeStart: int,
        rangeEnd: int,
        forReclaim: bool,
        forSync: bool,
        taggedWritepages: bool,
        wb: ref,
        ownPages: int,
        foreignMemcg: ref,
        foreignPages: int,
        pagesSkipped: int,
      },
      "wbc",
    );
  }
}

/** Where reclaim can write inodes, the controls for that. */
export const RECLAIM_WBCS = "wbcs in reclaim";

/** The control that a task's own passes use; what reclaim writes inside one has another. */
export function wbcOf(task: Task): WritebackControl {
  const nested = (task.flags & PF_MEMALLOC) !== 0 && kernel().subsystems.has(RECLAIM_WBCS);
  const wbc = kernel().subsystem<readonly WritebackControl[]>(nested ? RECLAIM_WBCS : "wbcs")[task.context];
  if (wbc === undefined) throw new Error(`${task} has no writeback_control`);
  return wbc;
}

/** Ends the use of a control: what it held is no part of the state any more. */
export function clearWbc(wbc: WritebackControl): void {
  Object.assign(wbc, {
    syncAll: false,
    nrToWrite: 0,
    rangeCyclic: false,
    rangeStart: 0,
    rangeEnd: 0,
    forReclaim: false,
    forSync: false,
    taggedWritepages: false,
    wb: undefined,
    ownPages: 0,
    foreignMemcg: undefined,
    foreignPages: 0,
    pagesSkipped: 0,
  });
}
