/** Waits for a daemon in user space: automount, audit, key requests. */
import type { KnowledgeRow } from "../types.ts";

/** Daemons of user space. */
export const userServerRows: readonly KnowledgeRow[] = [
  {
    kind: "wait",
    fn: ["autofs_wait", "autofs4_wait", "autofs_mount_wait"],
    direct: true,
    class: "server",
    id: "autofs",
    event: "reply",
    scope: "server",
    sleep: "killable",
    providers: ["server"],
    source: "fs/autofs/waitq.c:autofs_wait",
  },
  {
    kind: "wait",
    fn: ["audit_log_start", "wait_for_auditd"],
    direct: true,
    class: "server",
    id: "auditd",
    event: "backlog_drained",
    scope: "global",
    sleep: "timed",
    seconds: 60,
    providers: ["server", "timer"],
    source: "kernel/audit.c:audit_log_start (backlog wait time)",
  },
  {
    kind: "wait",
    fn: [
      "wait_for_key_construction",
      "request_key",
      "request_key_with_auxdata",
      "request_key_and_link",
      "request_key_tag",
    ],
    class: "server",
    id: "request_key",
    event: "reply",
    scope: "global",
    sleep: "interruptible",
    providers: ["server"],
    source: "security/keys/request_key.c:wait_for_key_construction",
  },
];
