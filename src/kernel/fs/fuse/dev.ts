/**
 * The queue between a fuse filesystem and its server (fs/fuse/dev.c): writes in the background only.
 *
 * A request waits in the connection until a thread of the server reads it from /dev/fuse, and ends when that thread writes the
 * reply. Which process the server is, and what it waits for while it serves, the kernel does not know: no allocation flag of
 * the kernel covers it.
 *
 * Left out: limits on background requests (12, and nothing here sends as many), interrupts, splice, aborting a connection
 * (an administrator's way out).
 */
import {
  bool,
  create,
  Entity,
  fields,
  int,
  type List,
  list,
  op,
  type Resumable,
  ref,
  value,
} from "../../../resumable/index.ts";
import type { Page } from "../../mm/page.ts";
import { current } from "../../sched/current.ts";
import type { Kernel } from "../../sched/kernel.ts";
import type { Task } from "../../sched/task.ts";
import { waitOp } from "../../sched/wait.ts";
import type { Inode } from "../inode.ts";

/** What becomes of a request. */
export type FuseReqState = "free" | "building" | "pending" | "sent";

/** `struct fuse_req` of a FUSE_WRITE that carries pages which follow each other. */
export class FuseReq extends Entity {
  declare state: FuseReqState;
  declare conn: FuseConn;
  declare inode: Inode | undefined;
  declare start: number;
  declare count: number;
  /** The pages of the cache whose writeback it ends; those of a request made of copies have ended theirs before. */
  declare pages: List<Page>;
  /** Who builds it, then the thread of the server that has read it. */
  declare holder: Task | undefined;
  static {
    fields(
      FuseReq,
      { state: value, conn: ref, inode: ref, start: int, count: int, pages: list("pages"), holder: ref },
      "fuse_req",
    );
  }
  /** Who can bring its end about: the builder, any thread of the server, the one that has it. */
  enders(): readonly Task[] {
    if (this.state === "pending") return [...this.conn.servers];
    return this.holder === undefined ? [] : [this.holder];
  }
}

/** `struct fuse_conn`. */
export class FuseConn extends Entity {
  declare servers: List<Task>;
  declare reqs: List<FuseReq>;
  /** Sent and not yet read, oldest first. */
  declare pending: List<FuseReq>;
  /** Writes go to the page cache first (FUSE_WRITEBACK_CACHE). */
  declare writebackCache: boolean;
  static {
    fields(
      FuseConn,
      { servers: list("contexts"), reqs: list("pages"), pending: list("pages"), writebackCache: bool },
      "fuse_conn",
    );
  }
}

/** A connection with a request for every page there is. */
export function createFuseConn(kernel: Kernel): FuseConn {
  const conn = create(FuseConn, { writebackCache: true });
  for (let i = 0; i < kernel.config.capacities.pages; i++) conn.reqs.push(create(FuseReq, { state: "free", conn }));
  return conn;
}

/** Part of the step that found the first page: kzalloc(GFP_NOFS), which this small never fails. */
export function fuseGetReq(conn: FuseConn, inode: Inode, start: number): FuseReq {
  const req = [...conn.reqs].find((r) => r.state === "free");
  if (req === undefined) throw new Error(`${conn} has no request left`);
  return Object.assign(req, { state: "building", inode, start, count: 0, holder: current() });
}

const queueRequest = op<FuseReq>("fuse_simple_background", {
  apply(req) {
    req.state = "pending";
    req.holder = undefined;
    req.conn.pending.push(req);
  },
  describe: (req) => `queue ${req} to the server`,
});

/** `fuse_simple_background()`: to the server, without waiting for it. */
export function* fuseSimpleBackground(req: FuseReq): Resumable {
  yield queueRequest(req);
}

const readRequest = op<FuseConn>("fuse_dev_do_read", {
  ways: (conn) => (conn.pending.length > 0 ? 1 : 0),
  apply(conn) {
    const req = conn.pending.shift() as FuseReq;
    req.state = "sent";
    req.holder = current();
    return req;
  },
  idle: true,
  describe: (conn) => `read a request of ${conn}`,
});

/** read(2) of /dev/fuse: a thread of the server waits for a request, interruptibly, and takes it. */
export function* fuseDevRead(conn: FuseConn): Resumable<FuseReq> {
  return yield* fuseDevDoRead(conn);
}
function* fuseDevDoRead(conn: FuseConn): Resumable<FuseReq> {
  return yield readRequest(conn);
}

/** What the end of a request does, in the context of the server: `args->end`. */
export type FuseEnd = (req: FuseReq) => Resumable;

const endRequest = op<FuseReq>("fuse_request_end", {
  apply(req) {
    req.pages.clear();
    Object.assign(req, { state: "free", inode: undefined, start: 0, count: 0, holder: undefined });
  },
  describe: (req) => `end ${req}`,
});

/** write(2) to /dev/fuse: the reply to a request that this thread has read. */
export function* fuseDevWrite(req: FuseReq, end: FuseEnd): Resumable {
  yield* fuseDevDoWrite(req, end);
}
function* fuseDevDoWrite(req: FuseReq, end: FuseEnd): Resumable {
  if (req.holder !== current()) throw new Error(`${current()} answers ${req}, which it has not read`);
  yield* end(req);
  yield endRequest(req);
}

/** A request that writes the page of this index; undefined when none is under way. */
export function fuseFindWriteback(inode: Inode, index: number): FuseReq | undefined {
  const conn = inode.sb.fsInfo as FuseConn;
  return [...conn.reqs].find((r) => r.inode === inode && index >= r.start && index < r.start + r.count);
}

/** `fuse_wait_on_page_writeback()`: up to 6.15 a page does not tell that its copy is being written. */
export const waitOnPageWriteback = waitOp<Inode, number>("fuse_wait_on_page_writeback", {
  ways: (inode, index) => (fuseFindWriteback(inode, index) === undefined ? 1 : 0),
  wait: (inode, index) => ({
    resource: { class: "fuse_request", id: String(index) },
    verb: "reply",
    providers: fuseFindWriteback(inode, index)?.enders() ?? [],
    state: "D",
    top: "schedule",
  }),
  describe: (inode, index) => `wait until no request writes index ${index} of ${inode}`,
});
