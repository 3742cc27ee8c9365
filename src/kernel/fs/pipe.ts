/**
 * Writing to a pipe (fs/pipe.c:anon_pipe_write): every buffer is a page of its own, allocated with `GFP_HIGHUSER |
 * __GFP_ACCOUNT` with the pipe's mutex held, and charged to who writes: commit d86133bd396f ("pipe: account to kmemcg") (v4.6).
 *
 * Left out: the waits for a free slot and for something to read.
 */
import { create, Entity, fields, type List, list, op, type Resumable, ref } from "../../resumable/index.ts";
import { __GFP_ACCOUNT, __GFP_HIGHMEM, GFP_USER } from "../gfp.ts";
import { Mutex, mutexLock, mutexUnlock } from "../locking/mutex.ts";
import { memcgKmemUnchargePage } from "../mm/memcg-kmem.ts";
import type { Page } from "../mm/page.ts";
import { allocPages, toPool } from "../mm/page-alloc.ts";
import type { Kernel } from "../sched/kernel.ts";

/** `struct pipe_inode_info`. */
export class Pipe extends Entity {
  declare mutex: Mutex;
  declare bufs: List<Page>;
  static {
    fields(Pipe, { mutex: ref, bufs: list("pages") }, "pipe");
  }
}

/** pipe(2), when an incident is set up. */
export function createPipe(kernel: Kernel): Pipe {
  const pipe = create(Pipe, { mutex: create(Mutex, { lockName: "pipe->mutex" }) });
  const known = (kernel.subsystems.get("pipes") as readonly Pipe[] | undefined) ?? [];
  kernel.subsystems.set("pipes", Object.freeze([...known, pipe]));
  return pipe;
}

const release = op<Pipe>("anon_pipe_buf_release", {
  apply(pipe) {
    const page = pipe.bufs.shift();
    if (page === undefined) return;
    if (page.memcg !== undefined) memcgKmemUnchargePage(page.memcg);
    page.memcg = undefined;
    toPool(page);
  },
});

/** Writes a page's worth, reads it again, and so gives the buffer back. */
export function* pipeReadWrite(pipe: Pipe): Resumable {
  if (yield* anonPipeWrite(pipe)) yield* anonPipeRead(pipe);
}
function* anonPipeRead(pipe: Pipe): Resumable {
  yield* mutexLock(pipe.mutex);
  yield release(pipe);
  yield* mutexUnlock(pipe.mutex);
}

/** Writes a page's worth; false: out of memory (ENOMEM). */
export function* anonPipeWrite(pipe: Pipe): Resumable<boolean> {
  yield* mutexLock(pipe.mutex);
  const page: Page | undefined = yield* allocPages(GFP_USER | __GFP_HIGHMEM | __GFP_ACCOUNT);
  if (page !== undefined) pipe.bufs.push(page);
  yield* mutexUnlock(pipe.mutex);
  return page !== undefined;
}
