/**
 * Unix sockets, as far as sending needs memory (net/core/sock.c:sock_alloc_send_pskb, net/unix/af_unix.c:unix_create1): buffers
 * are allocated with GFP_KERNEL_ACCOUNT, so the sender's group pays until they are received. Commit 3aa9799e1364 ("af_unix:
 * charge buffers to kmemcg") (v4.6) [M]. A buffer counts as one page here.
 */
import type { Resumable } from "../../resumable/index.ts";
import { GFP_KERNEL_ACCOUNT } from "../gfp.ts";
import type { MemCgroup } from "../mm/memcg-types.ts";
import { allocPages } from "../mm/page-alloc.ts";

/** Who pays for the buffer; undefined: there is no memory for it. */
export function* sockAllocSendSkb(): Resumable<MemCgroup | undefined> {
  return yield* allocPages(GFP_KERNEL_ACCOUNT, "table");
}
