/** System calls that change names and sizes (fs/namei.c, fs/open.c): under an i_rwsem, then back to user mode. */
import type { Resumable } from "../../resumable/index.ts";
import { downWrite, upWrite } from "../locking/rwsem.ts";
import { resumeUserModeWork } from "../mm/memcontrol.ts";
import { ext4Create, ext4Mkdir, ext4Unlink, type NewInode } from "./ext4/namei.ts";
import { ext4Truncate } from "./ext4/truncate.ts";
import type { Inode } from "./inode.ts";

/** open(2) with O_CREAT. */
export function* __x64SysOpenat(dir: Inode, made: NewInode): Resumable {
  yield* doSysOpenat2(dir, made);
  yield* resumeUserModeWork();
}
function* doSysOpenat2(dir: Inode, made: NewInode): Resumable {
  yield* doFilpOpen(dir, made);
}
function* doFilpOpen(dir: Inode, made: NewInode): Resumable {
  yield* pathOpenat(dir, made);
}
function* pathOpenat(dir: Inode, made: NewInode): Resumable {
  yield* downWrite(dir.rwsem);
  yield* ext4Create(dir, made);
  yield* upWrite(dir.rwsem);
}

/** mkdir(2). */
export function* __x64SysMkdir(dir: Inode, made: NewInode): Resumable {
  yield* doMkdirat(dir, made);
  yield* resumeUserModeWork();
}
function* doMkdirat(dir: Inode, made: NewInode): Resumable {
  yield* filenameCreate(dir);
  yield* vfsMkdir(dir, made);
  yield* upWrite(dir.rwsem);
}
function* filenameCreate(dir: Inode): Resumable {
  yield* downWrite(dir.rwsem);
}
function* vfsMkdir(dir: Inode, made: NewInode): Resumable {
  yield* ext4Mkdir(dir, made);
}

/** unlink(2) of a name whose inode is in block `table` of the inode table. */
export function* __x64SysUnlink(dir: Inode, table: number): Resumable {
  yield* doUnlinkat(dir, table);
  yield* resumeUserModeWork();
}
function* doUnlinkat(dir: Inode, table: number): Resumable {
  yield* downWrite(dir.rwsem);
  yield* vfsUnlink(dir, table);
  yield* upWrite(dir.rwsem);
}
function* vfsUnlink(dir: Inode, table: number): Resumable {
  yield* ext4Unlink(dir, table);
}

/** ftruncate(2) to nothing, of a file without pages whose `extents` lie in as many block groups: bitmaps from block `first` on. */
export function* __x64SysFtruncate(inode: Inode, first: number, extents: number): Resumable {
  yield* doSysFtruncate(inode, first, extents);
  yield* resumeUserModeWork();
}
function* doSysFtruncate(inode: Inode, first: number, extents: number): Resumable {
  yield* downWrite(inode.rwsem);
  yield* ext4Setattr(inode, first, extents);
  yield* upWrite(inode.rwsem);
}
function* ext4Setattr(inode: Inode, first: number, extents: number): Resumable {
  yield* ext4Truncate(inode, first, extents);
}
