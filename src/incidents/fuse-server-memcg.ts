/**
 * A fuse server allocates in its full v1 memcg while it serves a write; reclaim meets a page of its own filesystem under
 * writeback, marked by an earlier pass, and waits for it. The reply that would end the writeback is the server's.
 *
 * No release has it: 6.16 lets fuse write cached pages and tells reclaim not to wait for them in one series. Up to 6.15 the
 * server is sent copies. Commits 0c4f8ed498ce ("mm: skip folio reclaim in legacy memcg contexts for deadlockable mappings") and
 * 0c58a97f919c ("fuse: remove tmp folio for writebacks and internal rb tree") (v6.16-rc1). cgroup v2 never waits there.
 */
import { type FuseConn, type FuseReq, fuseDevRead } from "../kernel/fs/fuse/dev.ts";
import { fuseReplyWrite } from "../kernel/fs/fuse/file.ts";
import { anonPipeWrite, createPipe, type Pipe } from "../kernel/fs/pipe.ts";
import { vfsWrite } from "../kernel/mm/filemap-write.ts";
import { OOM_SCORE_ADJ_MIN } from "../kernel/mm/mmap.ts";
import type { Resumable } from "../resumable/index.ts";
import { defineIncident } from "./incident.ts";

/** A server that passes what it is given to another process, by a pipe. */
function* fuseServer(conn: FuseConn, pipe: Pipe): Resumable {
  for (;;) {
    const req: FuseReq = yield* fuseDevRead(conn);
    yield* anonPipeWrite(pipe);
    yield* fuseReplyWrite(req);
  }
}

export const fuseServerMemcg = defineIncident({
  id: "fuse-server-memcg",
  title: "a fuse server's allocation waits for the writeback of a page that only the server can write",
  source: "commit 0c4f8ed498ce, Joanne Koong, 2025-04-14",
  era: "6.16.0",
  reverted: ["skip-deadlockable-mappings"],
  cgroup: "v1",
  parameters: {
    pages: { default: 2, min: 1, max: 8, what: "dirty pages of the file, all charged to the group" },
    servers: { default: 1, min: 1, max: 3, what: "threads of the server" },
    writers: { default: 1, min: 0, max: 3, what: "tasks of the group that write one page more" },
    room: { default: 0, min: 0, max: 4, what: "pages that the group may still charge before it has to reclaim" },
    cpus: { default: 1, min: 1, max: 4, what: "CPUs" },
    priority: { default: 0, min: 0, max: 12, what: "where reclaim begins; at 0 one pass scans all there is" },
    retries: { default: 1, min: 1, max: 16, what: "fruitless rounds before a charge gives up" },
  },
  fixes: ["skip-deadlockable-mappings", "fuse-no-copies"],
  fixedChoices: [
    "the OOM killer may not choose the server and the writers (oom_score_adj -1000)",
    "for each write the server writes one page to a pipe that nobody empties",
    "nobody aborts the connection",
    "the flusher is told to write all there is when the story begins; its timer does not fire again",
  ],
  cpus: ({ cpus = 1 }) => cpus,
  setup(s, { pages = 2, servers = 1, writers = 1, room = 0, priority = 0, retries = 1 }) {
    s.memory({ chargeRetries: retries, priority });
    const group = s.memcg("/a", { max: pages + room });
    const fs = s.fuse({ periodic: false });
    const file = s.file(fs, { pages, dirty: true, chargedTo: group });
    const pipe = createPipe(s.kernel);
    const mm = s.process({ oomScoreAdj: OOM_SCORE_ADJ_MIN });
    for (let i = 0; i < servers; i++) {
      const options = { memcg: group, mm, newPages: pages + writers, idle: true };
      s.serves(s.task("fuse-server", options, fuseServer, [fs.fsInfo, pipe]), fs);
    }
    for (let i = 0; i < writers; i++) {
      const own = s.process({ oomScoreAdj: OOM_SCORE_ADJ_MIN });
      s.task("dd", { memcg: group, mm: own, newPages: 1 }, vfsWrite, [file, pages + i, 1]);
    }
  },
});
