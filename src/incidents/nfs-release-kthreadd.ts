/**
 * The server of an NFSv4.1 mount has forgotten the session. The client wants a thread to make a new one; kthreadd reclaims for
 * its stack, meets a folio of that mount which is written and not committed, and waits for a COMMIT, which waits for the session.
 *
 * With `apps` another task may wait for the COMMIT instead, and keep from kthreadd all that it has isolated: a livelock in so small
 * a memory.
 *
 * Commit cce0be6eb497 ("NFS: Fix a deadlock involving nfs_release_folio()") (CVE-2026-23053), after a report of Wang Zhaolong;
 * since 96780ca55e3c ("NFS: fix up nfs_release_folio() to try to release the page") (v6.3).
 */
import { leaveUncommitted } from "../kernel/fs/nfs/client.ts";
import { createPipe, type Pipe, pipeReadWrite } from "../kernel/fs/pipe.ts";
import { OOM_SCORE_ADJ_MIN } from "../kernel/mm/mmap.ts";
import type { Resumable } from "../resumable/index.ts";
import { defineIncident } from "./incident.ts";

function* app(pipe: Pipe, times: number): Resumable {
  for (let i = 0; i < times; i++) yield* pipeReadWrite(pipe);
}

export const nfsReleaseKthreadd = defineIncident({
  id: "nfs-release-kthreadd",
  title: "kthreadd's reclaim waits for an NFS COMMIT that waits for a thread of kthreadd's",
  source: "commit cce0be6eb497, Trond Myklebust, 2025-12-31",
  era: "6.18.0",
  parameters: {
    uncommitted: { default: 1, min: 0, max: 6, what: "clean NFS pages, written and not committed, the oldest of all" },
    clean: { default: 2, min: 0, max: 6, what: "other clean NFS pages" },
    apps: { default: 0, min: 0, max: 3, what: "tasks that write a page to a pipe and read it again" },
    times: { default: 1, min: 1, max: 3, what: "how often each does" },
    forgets: { default: 1, min: 0, max: 1, what: "1: the server forgets the session at some moment" },
    cpus: { default: 1, min: 1, max: 4, what: "CPUs" },
    priority: { default: 0, min: 0, max: 12, what: "where reclaim begins; at 0 one pass scans all there is" },
  },
  fixes: ["nfs-release-no-wait"],
  fixedChoices: [
    "no page is free when the story begins",
    "the OOM killer may not choose anybody (oom_score_adj -1000); a fork that gets no memory is tried again",
    "the server answers whatever it is asked, the network loses nothing",
  ],
  cpus: ({ cpus = 1 }) => cpus,
  setup(s, { uncommitted = 1, clean = 2, apps = 0, times = 1, forgets = 1, priority = 0 }) {
    s.memory({ priority });
    const mount = s.nfs(forgets > 0);
    leaveUncommitted(s.file(mount, { pages: uncommitted }));
    s.file(mount, { pages: clean });
    for (let i = 0; i < apps; i++) {
      const mm = s.process({ oomScoreAdj: OOM_SCORE_ADJ_MIN });
      s.task("app", { mm }, app, [createPipe(s.kernel), times]);
    }
  },
});
