/**
 * Direct I/O (fs/direct-io.c, fs/iomap/direct-io.c), asynchronous: the `struct dio` is allocated with GFP_KERNEL, under i_rwsem of
 * the file, then the blocks are read or written without the page cache, and whoever completes the last one frees it.
 *
 * Pages of the same range in the cache, block allocation and the wait of truncation for direct I/O are not modelled.
 */
import type { Resumable } from "../../resumable/index.ts";
import type { Bio } from "../block/bio.ts";
import { bioAlloc, submitBio } from "../block/blk-core.ts";
import { GFP_KERNEL } from "../gfp.ts";
import { downWrite, upWrite } from "../locking/rwsem.ts";
import { kmemCacheAlloc } from "../mm/slab.ts";
import type { Inode } from "./inode.ts";

/** The `write_iter` or `read_iter` of a file opened with O_DIRECT, for the request `bio`; false: no memory. */
export function* ext4FileWriteIter(file: Inode, bio: Bio, endIo: (bio: Bio) => Resumable): Resumable<boolean> {
  yield* downWrite(file.rwsem);
  const begun = yield* __genericFileDirectWrite(file, bio, endIo);
  yield* upWrite(file.rwsem);
  return begun;
}
function* __genericFileDirectWrite(file: Inode, bio: Bio, endIo: (bio: Bio) => Resumable): Resumable<boolean> {
  return yield* ext4DirectIo(file, bio, endIo);
}
function* ext4DirectIo(file: Inode, bio: Bio, endIo: (bio: Bio) => Resumable): Resumable<boolean> {
  return yield* __blockdevDirectIo(file, bio, endIo);
}
function* __blockdevDirectIo(file: Inode, bio: Bio, endIo: (bio: Bio) => Resumable): Resumable<boolean> {
  return yield* doBlockdevDirectIo(file, bio, endIo);
}

/** The bio of the disk carries the request above it and the `struct dio` (`bi_private`). */
function* doBlockdevDirectIo(file: Inode, bio: Bio, endIo: (bio: Bio) => Resumable): Resumable<boolean> {
  const dio = yield* kmemCacheAlloc(GFP_KERNEL);
  if (dio === undefined) return false;
  const below = yield* bioAlloc(file.sb.bdi.queue, bio.write, endIo);
  below.above = bio;
  below.object = dio;
  bio.below = below;
  yield* submitBio(below);
  return true;
}
