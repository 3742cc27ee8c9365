/**
 * Writes to unwritten extents end in a worker: the extent has to be converted, in a transaction, before the pages may be
 * taken for written (ext4_end_bio with EXT4_IO_END_UNWRITTEN, xfs_end_bio).
 */
import type { List } from "../../resumable/index.ts";
import { Entity, fields, list, op, type Resumable, ref } from "../../resumable/index.ts";
import type { Bio } from "../block/bio.ts";
import { deferBio, resumeBio } from "../block/blk-mq.ts";
import type { Work, Workqueue } from "../sched/workqueue.ts";

/** The list of a superblock, with the work that takes from it. */
export class UnwrittenEnds extends Entity {
  declare queue: Workqueue;
  declare work: Work;
  declare bios: List<Bio>;
  static {
    fields(UnwrittenEnds, { queue: ref, work: ref, bios: list("bios") });
  }
}

/** From the completion of a bio: leaves it to the worker. */
export function* deferUnwritten(bio: Bio): Resumable {
  const ends = bio.pages.at(0)?.mapping?.host?.sb.unwrittenEnds;
  if (ends === undefined) throw new Error(`${bio} has no worker to convert its extents`);
  ends.bios.push(bio);
  yield* deferBio(bio, ends.queue, ends.work);
}

const take = op<UnwrittenEnds>("take unwritten end", {
  apply(ends) {
    const bio = ends.bios.shift();
    if (bio !== undefined) resumeBio(bio);
    return bio;
  },
  describe: () => "take a bio whose extents are to be converted",
});

/** In the worker: the next one. */
export function* takeUnwritten(ends: UnwrittenEnds): Resumable<Bio | undefined> {
  return yield take(ends);
}
