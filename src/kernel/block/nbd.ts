/**
 * A network block device whose server runs on the same machine (drivers/block/nbd.c): requests go through a socket to a process,
 * its replies to a worker per socket (`recv_work`), which ends the requests. What the server does before it replies is its own.
 *
 * Left out: timeouts and reconnecting (an administrator's ways out), several sockets, flushes; a request that has been issued is
 * in the socket (nbd sends under PF_MEMALLOC and GFP_NOIO), and the server gets them in the order of their numbers.
 */
import { create, Entity, fields, type List, list, op, type Resumable, ref } from "../../resumable/index.ts";
import { memcgKmemUnchargePage } from "../mm/memcg-kmem.ts";
import type { MemCgroup } from "../mm/memcg-types.ts";
import { sockAllocSendSkb } from "../net/af-unix.ts";
import { current } from "../sched/current.ts";
import type { Kernel } from "../sched/kernel.ts";
import type { Task } from "../sched/task.ts";
import type { Bio, RequestQueue } from "./bio.ts";
import { blkMqEndRequest } from "./blk-mq.ts";

/** `struct nbd_device` with its socket. */
export class NbdDevice extends Entity {
  declare queue: RequestQueue;
  /** Who executes recv_work. */
  declare recv: Task;
  /** Replies in the socket, and who pays for each. */
  declare replies: List<Bio>;
  declare payers: List<MemCgroup>;
  static {
    fields(NbdDevice, { queue: ref, recv: ref, replies: list("bios"), payers: list("bios") }, "nbd");
  }
}

/** Attaches a queue whose requests are completed by a server to the device; `queue.servers` are the threads of the server. */
export function createNbd(kernel: Kernel, queue: RequestQueue): NbdDevice {
  const nbd = create(NbdDevice, { queue });
  nbd.recv = kernel.spawn({ comm: "kworker/u5:0", kind: "kworker", idle: true }, recvWork, [nbd]);
  const known = (kernel.subsystems.get("nbds") as readonly NbdDevice[] | undefined) ?? [];
  kernel.subsystems.set("nbds", Object.freeze([...known, nbd]));
  return nbd;
}

const receive = op<NbdDevice>("recv request", {
  ways: ({ queue }) => (queue.inFlight.length > 0 ? 1 : 0),
  apply({ queue }) {
    const bio = queue.inFlight.shift() as Bio;
    bio.state = "completing";
    bio.owner = current();
    return bio;
  },
  idle: true,
  describe: (nbd) => `receive a request of ${nbd.queue.device}`,
});

/** recv(2) of the server: waits for a request, interruptibly. */
export function* nbdServerRecv(nbd: NbdDevice): Resumable<Bio> {
  return yield receive(nbd);
}

const queueReply = op<NbdDevice, { readonly bio: Bio; readonly payer: MemCgroup }>("send reply", {
  apply(nbd, { bio, payer }) {
    bio.owner = nbd.recv;
    nbd.replies.push(bio);
    nbd.payers.push(payer);
  },
  describe: (nbd) => `send a reply to ${nbd.queue.device}`,
});

/** send(2) of the server's reply through a Unix socket; false: out of memory, nothing was sent. */
export function* nbdServerReply(nbd: NbdDevice, bio: Bio): Resumable<boolean> {
  const payer = yield* sockAllocSendSkb();
  if (payer === undefined) return false;
  yield queueReply(nbd, Object.freeze({ bio, payer }));
  return true;
}

const readReply = op<NbdDevice>("recv reply", {
  ways: (nbd) => (nbd.replies.length > 0 ? 1 : 0),
  apply(nbd) {
    const payer = nbd.payers.shift() as MemCgroup;
    memcgKmemUnchargePage(payer);
    return nbd.replies.shift();
  },
  idle: true,
  describe: (nbd) => `receive a reply of ${nbd.queue.device}`,
});

function* recvWork(nbd: NbdDevice): Resumable {
  for (;;) {
    const bio: Bio = yield readReply(nbd);
    yield* blkMqEndRequest(bio);
  }
}
