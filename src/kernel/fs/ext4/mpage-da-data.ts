/** What one call of ext4_writepages() keeps on its stack (`struct mpage_da_data` with its `ext4_io_submit`). */
import { bool, Entity, fields, int, ref, value } from "../../../resumable/index.ts";
import type { Bio } from "../../block/bio.ts";
import { PF_MEMALLOC } from "../../gfp.ts";
import type { SlabObject } from "../../mm/slab.ts";
import { current, kernel } from "../../sched/current.ts";

export class MpageDaData extends Entity {
  /** `io_submit.io_bio`: not yet submitted; nobody else knows of it. */
  declare bio: Bio | undefined;
  declare firstPage: number;
  declare nextPage: number;
  declare lastPage: number;
  /** Pages of the extent that waits for blocks, from {@link firstPage}; they are locked. */
  declare extentPages: number;
  /** Pages that need blocks may be collected. */
  declare doMap: boolean;
  declare scannedUntilEnd: boolean;
  /** `io_submit.io_end`: its slab object. */
  declare ioEnd: SlabObject;
  /** Blocks were allocated as unwritten extents. */
  declare unwritten: boolean;
  static {
    fields(
      MpageDaData,
      {
        bio: ref,
        firstPage: int,
        nextPage: int,
        lastPage: int,
        extentPages: int,
        doMap: bool,
        scannedUntilEnd: bool,
        ioEnd: value,
        unwritten: bool,
      },
      "mpd",
    );
  }
}

/** Where reclaim can write inodes, those of such passes. */
export const RECLAIM_MPDS = "ext4 writepages in reclaim";

/** The current task's; what reclaim writes inside a pass has another. */
export function mpdOfCurrent(): MpageDaData {
  const nested = (current().flags & PF_MEMALLOC) !== 0 && kernel().subsystems.has(RECLAIM_MPDS);
  const mpd = kernel().subsystem<readonly MpageDaData[]>(nested ? RECLAIM_MPDS : "ext4 writepages")[current().context];
  if (mpd === undefined) throw new Error(`${current()} has no mpage_da_data`);
  return mpd;
}

export function clearMpd(mpd: MpageDaData): void {
  Object.assign(mpd, { firstPage: 0, nextPage: 0, lastPage: 0, extentPages: 0, doMap: false, scannedUntilEnd: false });
}
