/**
 * An NFSv4.1 client as reclaim meets it (fs/nfs/file.c, write.c, nfs4state.c): folios that have been written and not yet committed
 * keep their private data; a COMMIT needs the session; a session that the server has forgotten is made anew by the state
 * manager, a thread that is forked when it is wanted.
 *
 * What reclaim does with such a folio: nothing up to 6.2 (4.x waited for at most a second, which is left out), from 6.3 it
 * commits and waits where GFP_KERNEL is allowed, commit 96780ca55e3c ("NFS: fix up nfs_release_folio() to try to release the
 * page"); it starts a commit and goes on since commit cce0be6eb497 ("NFS: Fix a deadlock involving nfs_release_folio()").
 *
 * Left out: writing (folios begin written), several sessions, the lease, delegations; a server that has answered once answers.
 */
import { bool, create, Entity, fields, type List, list, op, type Resumable, ref } from "../../../resumable/index.ts";
import { currentGfpContext, GFP_KERNEL } from "../../gfp.ts";
import type { Page } from "../../mm/page.ts";
import { currentIsKswapd } from "../../mm/vmscan-throttle.ts";
import { current, era } from "../../sched/current.ts";
import type { Kernel } from "../../sched/kernel.ts";
import { bootKthreadd, type KthreadCreate, kthreadCreateOnNode, newKthread, whenMade } from "../../sched/kthread.ts";
import type { Task } from "../../sched/task.ts";
import { waitOp } from "../../sched/wait.ts";
import type { AddressSpaceOperations } from "../fs-types.ts";
import type { Inode } from "../inode.ts";

/** `struct nfs_client` with its one superblock. */
export class NfsClient extends Entity {
  /** Folios with requests that are not committed: PG_private. */
  declare uncommitted: List<Page>;
  /** A COMMIT is on its way (`rpcs_out`). */
  declare committing: boolean;
  declare sessionLost: boolean;
  /** NFS4CLNT_MANAGER_RUNNING, from the order for its thread on; who has ordered it. */
  declare orderedBy: Task | undefined;
  declare thread: KthreadCreate;
  declare manager: Task;
  /** Executes COMMITs; and hears that the session is gone. */
  declare rpciod: Task;
  declare renewd: Task;
  static {
    fields(
      NfsClient,
      {
        uncommitted: list("pages"),
        committing: bool,
        sessionLost: bool,
        orderedBy: ref,
        thread: ref,
        manager: ref,
        rpciod: ref,
        renewd: ref,
      },
      "nfs_client",
    );
  }
}

/** A client whose session the server may forget, once, if `forgets`. */
export function createNfsClient(k: Kernel, forgets: boolean): NfsClient {
  bootKthreadd(k);
  const client = create(NfsClient, { thread: newKthread() });
  const worker = { kind: "kworker", idle: true } as const;
  client.rpciod = k.spawn({ comm: "kworker/u4:1", ...worker }, rpcAsyncSchedule, [client]);
  if (forgets) client.renewd = k.spawn({ comm: "kworker/u4:2", ...worker }, nfs4RenewState, [client]);
  client.manager = k.spawn({ comm: "nfs4-manager", kind: "kthread", idle: true }, nfs4RunStateManager, [client]);
  return client;
}

const commitReply = op<NfsClient>("COMMIT", {
  ways: (client) => (client.committing && !client.sessionLost ? 1 : 0),
  apply(client) {
    client.committing = false;
    client.uncommitted.clear();
  },
  idle: true,
  describe: () => "COMMIT is sent and answered",
});
/** An RPC without a session sleeps on a queue and occupies no worker. */
function* rpcAsyncSchedule(client: NfsClient): Resumable {
  for (;;) yield commitReply(client);
}

const sequence = op<NfsClient>("SEQUENCE", {
  apply(client) {
    client.sessionLost = true;
    client.orderedBy = current();
  },
  describe: () => "SEQUENCE is answered with BADSESSION",
});
/** Renews the lease and learns that the session is gone. */
function* nfs4RenewState(client: NfsClient): Resumable {
  yield sequence(client);
  yield* nfs4ScheduleStateManager(client);
}
/** Tried again where there is no memory for the thread: the next renewal would. */
function* nfs4ScheduleStateManager(client: NfsClient): Resumable {
  for (;;) if (yield* kthreadCreateOnNode(client.thread)) return;
}

const recover = op<NfsClient>("CREATE_SESSION", {
  apply(client) {
    client.sessionLost = false;
    client.orderedBy = undefined;
  },
  describe: () => "CREATE_SESSION is answered",
});
function* nfs4RunStateManager(client: NfsClient): Resumable {
  yield* whenMade(client.thread);
  yield recover(client);
}

/** Who can bring the answer to a COMMIT about. */
function commitEnders(client: NfsClient): readonly Task[] {
  if (!client.sessionLost) return [client.rpciod];
  const { orderedBy, thread, manager } = client;
  return thread.state === "made" || orderedBy === undefined ? [manager] : [orderedBy];
}

const startCommit = op<NfsClient>("nfs_commit_inode", {
  apply(client) {
    client.committing = true;
  },
});
const committed = waitOp<NfsClient, Task>("wait_on_commit", {
  ways: (client, task) => (client.committing && !task.fatalSignal ? 0 : 1),
  wait: (client) => ({
    resource: { class: "nfs_rpc", id: "COMMIT" },
    verb: "reply",
    providers: commitEnders(client),
    state: "K",
    top: "schedule",
  }),
  describe: () => "wait for COMMIT",
});

function* nfsCommitInode(client: NfsClient, wait: boolean): Resumable {
  yield startCommit(client);
  if (wait) yield* waitOnCommit(client);
}
function* waitOnCommit(client: NfsClient): Resumable {
  yield committed(client, current());
}

/** `nfs_wb_folio()` of a clean folio: until nothing of it is left to commit. */
function* nfsWbFolio(client: NfsClient, page: Page): Resumable {
  while (client.uncommitted.includes(page)) {
    yield* nfsCommitInode(client, true);
    if (current().fatalSignal) return;
  }
}
function* nfsWbFolioReclaim(client: NfsClient): Resumable {
  yield* nfsCommitInode(client, false);
}

const testPrivate = op<Page, NfsClient>("test PG_private", {
  apply: (page, client) => client.uncommitted.includes(page),
  describe: (page) => `test PG_private of ${page}`,
});

function* nfsReleaseFolio(page: Page, gfp: number): Resumable<boolean> {
  const client = page.mapping?.host?.sb.fsInfo as NfsClient;
  if (!(yield testPrivate(page, client))) return true;
  const how = era().nfsReleaseFolio;
  const allowed = currentGfpContext(gfp, current().flags, era()) & GFP_KERNEL;
  if (how === "never" || allowed !== GFP_KERNEL || currentIsKswapd()) return false;
  if (how === "waits") yield* nfsWbFolio(client, page);
  else yield* nfsWbFolioReclaim(client);
  return !(yield testPrivate(page, client));
}

/** Written folios of a file that are still to be committed, when an incident is set up. */
export function leaveUncommitted(inode: Inode): void {
  for (const page of inode.mapping.pages) (inode.sb.fsInfo as NfsClient).uncommitted.push(page);
}

function notModelled(what: string): never {
  throw new Error(`NFS is modelled for what reclaim does with it: no ${what}`);
}

/** `nfs_file_aops`. */
export const nfsAops: AddressSpaceOperations = Object.freeze({
  name: "nfs",
  writepages: () => notModelled("writepages"),
  writeBegin: () => notModelled("write_begin"),
  writeEnd: () => notModelled("write_end"),
  pageMkwrite: () => notModelled("page_mkwrite"),
  releasepage: nfsReleaseFolio,
});
