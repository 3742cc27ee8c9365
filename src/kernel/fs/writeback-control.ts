/** `struct writeback_control`: what one pass of writeback is asked to do. */
import { bool, Entity, fields, int, ref } from "../../resumable/index.ts";
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
      },
      "wbc",
    );
  }
}
