/** The crypto API: requests that a worker carries out, algorithms that are being loaded or tested. */
import type { KnowledgeRow } from "../types.ts";
import { completionFrames } from "./locking.ts";

/** The crypto API. */
export const cryptoRows: readonly KnowledgeRow[] = [
  {
    kind: "wait",
    fn: [
      "crypto_wait_req",
      "test_aead_vec_cfg",
      "test_skcipher_vec_cfg",
      "test_ahash_vec_cfg",
      "crypto_wait_for_test",
      "do_one_aead_op",
      "do_one_acipher_op",
      "skcipher_wait",
      "drbg_kcapi_sym_ctr",
    ],
    callees: completionFrames,
    class: "completion",
    id: "crypto_request",
    event: "complete",
    scope: "lock",
    sleep: "uninterruptible",
    providers: ["worker"],
    source:
      "include/linux/crypto.h:crypto_wait_req (ends by crypto_req_done, called when the queued request was worked off)",
  },
  {
    kind: "wait",
    fn: ["crypto_larval_wait", "crypto_alg_mod_lookup"],
    callees: completionFrames,
    class: "completion",
    id: "crypto_larval",
    event: "complete",
    scope: "global",
    sleep: "timed",
    seconds: 60,
    providers: ["kthread", "timer"],
    source: "crypto/api.c:crypto_larval_wait",
  },
  {
    kind: "doing",
    fn: ["cryptomgr_test", "alg_test", "alg_test_aead", "test_aead"],
    activity: "tests a crypto algorithm",
    source: "crypto/testmgr.c:alg_test",
  },
];
