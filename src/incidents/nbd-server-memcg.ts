/**
 * The server of a local nbd runs in the v1 memcg whose dirty pages it stores. To reply it allocates a socket buffer, reclaim
 * meets a page under writeback that an earlier pass has marked, and waits for the request that the reply would end.
 *
 * From 5.6 a server can say what it is: commit 8d19f1c8e193 ("prctl: PR_{G,S}ET_IO_FLUSHER to support controlling memory
 * reclaim"), made for the servers of nbd, tcmu and iSCSI. This one asks for it, and goes on where the call does not exist. That reclaim then waits
 * for nothing helps as long as something else can be reclaimed, or the charge is forced when the OOM killer finds no victim; it
 * is not from 5.16 on (commit a4ebf1b6ca1e ("memcg: prohibit unconditional exceeding the limit of dying tasks")).
 */
import type { Bio } from "../kernel/block/bio.ts";
import { type NbdDevice, nbdServerRecv, nbdServerReply } from "../kernel/block/nbd.ts";
import { vfsWrite } from "../kernel/mm/filemap-write.ts";
import { OOM_SCORE_ADJ_MIN } from "../kernel/mm/mmap.ts";
import { prSetIoFlusher } from "../kernel/sched/sys.ts";
import type { Resumable } from "../resumable/index.ts";
import { defineIncident } from "./incident.ts";

function* nbdServer(nbd: NbdDevice, asks: boolean): Resumable {
  if (asks) yield* prSetIoFlusher();
  for (;;) {
    const bio: Bio = yield* nbdServerRecv(nbd);
    for (;;) if (yield* nbdServerReply(nbd, bio)) break;
  }
}

export const nbdServerMemcg = defineIncident({
  id: "nbd-server-memcg",
  title: "an nbd server's allocation waits for a request that only its reply can end",
  source: "commit 8d19f1c8e193, Mike Christie, 2019-11-11",
  era: "5.5.0",
  cgroup: "v1",
  parameters: {
    pages: { default: 1, min: 1, max: 8, what: "dirty pages of a file on the device, all charged to the group" },
    clean: { default: 0, min: 0, max: 8, what: "clean pages charged to the group, used more recently" },
    writers: { default: 1, min: 0, max: 3, what: "tasks of the group that write one page more" },
    servers: { default: 1, min: 1, max: 3, what: "threads of the server" },
    asks: { default: 1, min: 0, max: 1, what: "1: the server calls prctl(PR_SET_IO_FLUSHER)" },
    room: { default: 0, min: 0, max: 4, what: "pages that the group may still charge before it has to reclaim" },
    cpus: { default: 1, min: 1, max: 4, what: "CPUs" },
    priority: { default: 0, min: 0, max: 12, what: "where reclaim begins; at 0 one pass scans all there is" },
    retries: { default: 1, min: 1, max: 16, what: "fruitless rounds before a charge gives up" },
  },
  fixes: ["pr-set-io-flusher"],
  fixedChoices: [
    "the OOM killer may not choose the server and the writers (oom_score_adj -1000)",
    "the server tries again when there is no memory for its reply",
    "the flusher is told to write all there is when the story begins; its timer does not fire again",
  ],
  cpus: ({ cpus = 1 }) => cpus,
  setup(s, { pages = 1, clean = 0, writers = 1, servers = 1, asks = 1, room = 0, priority = 0, retries = 1 }) {
    s.memory({ chargeRetries: retries, priority });
    const group = s.memcg("/a", { max: pages + clean + room });
    const nbd = s.nbd(1);
    const fs = s.filesystem("ext4", nbd.queue, { periodic: false });
    const file = s.file(fs, { pages, dirty: true, chargedTo: group });
    if (clean > 0) s.file(fs, { pages: clean, chargedTo: group });
    const mm = s.process({ oomScoreAdj: OOM_SCORE_ADJ_MIN });
    for (let i = 0; i < servers; i++) {
      nbd.queue.servers.push(s.task("nbd-server", { memcg: group, mm, idle: true }, nbdServer, [nbd, asks > 0]));
    }
    for (let i = 0; i < writers; i++) {
      const own = s.process({ oomScoreAdj: OOM_SCORE_ADJ_MIN });
      s.task("dd", { memcg: group, mm: own, newPages: 1 }, vfsWrite, [file, pages + i, 1]);
    }
  },
});
