/** 9p: requests that the server answers, its connection and mount. */
import type { KnowledgeRow } from "../types.ts";

/** 9p. */
export const v9fsRows: readonly KnowledgeRow[] = [
  {
    kind: "wait",
    fn: [
      "p9_client_rpc",
      "p9_client_zc_rpc",
      "p9_virtio_request",
      "p9_virtio_zc_request",
      "p9_xen_request",
      "rdma_request",
    ],
    class: "server",
    id: "9p server",
    event: "reply",
    scope: "server",
    sleep: "killable",
    providers: ["server"],
    source: "net/9p/client.c:p9_client_rpc",
  },
  {
    kind: "caller",
    of: ["work_flush"],
    fn: ["p9_conn_destroy", "p9_fd_close"],
    class: "work_flush",
    id: "p9 connection work",
    event: "complete",
    scope: "work",
    providers: ["worker"],
    source: "net/9p/trans_fd.c:p9_conn_destroy (read and write work of the connection)",
  },
  {
    kind: "hold",
    fn: ["p9_read_work", "p9_write_work"],
    class: "work_flush",
    id: "p9 connection work",
    scope: "work",
    confidence: "proven",
    because: "the connection's work itself",
    source: "net/9p/trans_fd.c:p9_read_work",
  },
  {
    kind: "doing",
    fn: ["v9fs_mount", "v9fs_session_init", "p9_client_create"],
    activity: "mounting 9p",
    source: "fs/9p/vfs_super.c:v9fs_mount",
  },
  {
    kind: "doing",
    fn: [
      "v9fs_vfs_lookup",
      "v9fs_file_open",
      "v9fs_file_read_iter",
      "v9fs_file_write_iter",
      "v9fs_evict_inode",
      "p9_client_clunk",
      "p9_client_read",
      "p9_client_write",
      "p9_client_walk",
    ],
    activity: "9p operation",
    source: "fs/9p, net/9p/client.c",
  },
];
