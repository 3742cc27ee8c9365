/**
 * What the kernel's cgroup self-tests are made of (tools/testing/selftests/cgroup/cgroup_util.c, test_memcontrol.c): control files,
 * children that enter a group, memory of both kinds. Own code, after what those do.
 *
 * Sizes: see {@link mb}. Reading a control file fails as cg_read_long() does, with -1.
 */
import type { Inode } from "../../kernel/fs/inode.ts";
import { mkdirVirtual, readVirtual, rmdirVirtual, writeVirtual } from "../../kernel/fs/virtual-files.ts";
import { vfsRead } from "../../kernel/mm/filemap-read.ts";
import { userPageFault } from "../../kernel/mm/memory.ts";
import { doMunmap } from "../../kernel/mm/mmap.ts";
import { truncateInodePagesRange } from "../../kernel/mm/truncate.ts";
import { current } from "../../kernel/sched/current.ts";
import { exitToUserMode, sleepFor } from "../../kernel/sched/entry.ts";
import { kernelWait4, type Status } from "../../kernel/sched/exit.ts";
import { kernelClone } from "../../kernel/sched/fork.ts";
import { type Process, processOf } from "../../kernel/sched/process.ts";
import { Entity, fields, int, op, type Resumable, ref } from "../../resumable/index.ts";

/** Everything a case is given. Frozen. */
export interface Bench {
  /** The mount of the hierarchy. */
  readonly root: string;
  /** How many pages stand for a megabyte: 256 is life-size. */
  readonly mib: number;
  /** Files that exist without a name (O_TMPFILE), and have no blocks. */
  readonly files: readonly OpenFile[];
  /** CPUs of the machine. */
  readonly cpus: number;
}

/** A file description: a file and its position, shared by who inherits it. */
export class OpenFile extends Entity {
  declare inode: Inode;
  declare position: number;
  static {
    fields(OpenFile, { inode: ref, position: int }, "open_file");
  }
}

export const PAGE = 4096;

/** Bytes that stand for so many megabytes. */
export function mb(bench: Bench, size: number): number {
  return size * bench.mib * PAGE;
}

/** Two numbers differ by less than so many hundredths of their sum. */
export function valuesClose(a: number, b: number, percent: number): boolean {
  return Math.abs(a - b) <= Math.trunc((a + b) / 100) * percent;
}

export function* cgRead(cgroup: string, control: string): Resumable<string | undefined> {
  const found = yield* readVirtual(`${cgroup}/${control}`);
  return typeof found === "string" ? found : undefined;
}
export function* cgReadLong(cgroup: string, control: string): Resumable<number> {
  const text = yield* cgRead(cgroup, control);
  return text === undefined ? -1 : Number.parseInt(text, 10);
}
/** The number after a word at the beginning of a line, or -1. */
export function* cgReadKeyLong(cgroup: string, control: string, key: string): Resumable<number> {
  const text = yield* cgRead(cgroup, control);
  const line = text?.split("\n").find((one) => one.startsWith(`${key} `));
  return line === undefined ? -1 : Number.parseInt(line.slice(key.length + 1), 10);
}
/** True: written. */
export function* cgWrite(cgroup: string, control: string, text: string | number): Resumable<boolean> {
  return (yield* writeVirtual(`${cgroup}/${control}`, String(text))) === "ok";
}
export function* cgCreate(cgroup: string): Resumable<boolean> {
  return (yield* mkdirVirtual(cgroup)) === "ok";
}
/** rmdir until it works: whoever is still in there is killed. */
export function* cgDestroy(cgroup: string): Resumable {
  for (let tries = 0; tries < 100; tries++) {
    if ((yield* rmdirVirtual(cgroup)) !== "EBUSY") return;
    yield* cgWrite(cgroup, "cgroup.kill", 1);
    yield* sleepFor(1);
  }
}

/** A child's function and what it is given; frozen. */
export interface Child {
  readonly bench: Bench;
  readonly cgroup: string;
  readonly fn: (child: Child) => Resumable<number>;
  readonly size: number;
  readonly file: OpenFile | undefined;
}

/** Enters the group, then runs. */
function* childMain(child: Child): Resumable<number> {
  if (!(yield* cgWrite(child.cgroup, "cgroup.procs", 0))) return 1;
  const { fn } = child;
  return yield* fn(child);
}

/** Starts a child in a group; its pid. */
export function* cgRunNowait(
  bench: Bench,
  cgroup: string,
  fn: Child["fn"],
  size: number,
  file?: OpenFile,
): Resumable<number> {
  const argument: Child = Object.freeze({ bench, cgroup, fn, size, file });
  const pid = yield* kernelClone(Object.freeze({ comm: "test_memcontrol", fn: childMain, argument }));
  return pid ?? -1;
}
/** Runs a child in a group to its end: its exit code, -1 when it was killed. */
export function* cgRun(
  bench: Bench,
  cgroup: string,
  fn: Child["fn"],
  size: number,
  file?: OpenFile,
): Resumable<number> {
  const pid = yield* cgRunNowait(bench, cgroup, fn, size, file);
  const status: Status | undefined = yield* kernelWait4(pid);
  return status?.code ?? -1;
}

/** The process itself. */
export function self(): Process {
  return processOf(current()) as Process;
}

/** Touches so many bytes of new memory; false: killed on the way. */
export function* touchAnon(size: number): Resumable<boolean> {
  const { heap } = self();
  for (let index = 0; index < size / PAGE; index++) {
    if (!(yield* userPageFault(heap, index, true))) return false;
  }
  return yield* exitToUserMode();
}
/** free(3) of a large block. */
export function* freeAnon(): Resumable {
  yield* doMunmap(self().heap);
}

export function* allocAnon({ size }: Child): Resumable<number> {
  if (yield* touchAnon(size)) yield* freeAnon();
  return 0;
}
export function* allocAnonNoexit({ size }: Child): Resumable<number> {
  yield* touchAnon(size);
  while (yield* sleepFor(1000));
  return 0;
}

const ftruncate = op<OpenFile, number>("ftruncate", {
  apply({ inode }, pages) {
    inode.size += pages;
    return inode.size;
  },
  describe: ({ inode }, pages) => `make ${inode} longer by ${pages} pages`,
});
const advance = op<OpenFile>("advance the file position", {
  apply(file) {
    if (file.position >= file.inode.size) return -1;
    return file.position++;
  },
});
/** Makes the file longer and reads as often as it has pages; false: killed. */
export function* allocPagecache(file: OpenFile, size: number): Resumable<boolean> {
  const pages: number = yield ftruncate(file, size / PAGE);
  for (let i = 0; i < pages; i++) {
    const at: number = yield advance(file);
    if (at >= 0) yield* vfsRead(file.inode, at, 1);
    if (!(yield* exitToUserMode())) return false;
  }
  return true;
}
export function* allocPagecacheNoexit({ size, file }: Child): Resumable<number> {
  yield* allocPagecache(file as OpenFile, size);
  while (yield* sleepFor(1000));
  return 0;
}
const rewind = op<OpenFile>("forget the file", {
  apply(file) {
    file.inode.size = 0;
    file.position = 0;
  },
});
/** The last close(2) of a file without a name takes its pages along. */
export function* closeTemp(file: OpenFile): Resumable {
  yield* truncateInodePagesRange(file.inode.mapping, 0, 0x3fffffff);
  yield rewind(file);
}
