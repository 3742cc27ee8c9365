/** The third document: kcryptd throttled 0.1 s per request. The mail has no stack; this one follows its description. */
import type { ContextView, Diagnosis } from "../../diagnose/types.ts";
import { EMPTY, frames, inputInfo, refOf, type Sample } from "./build.ts";

const LOG = `sysrq: SysRq : Show Blocked State
  task                        PC stack   pid father
kworker/u8:3    D ffff88003d3a3658     0   211      2 0x00000000
Workqueue: kcryptd kcryptd_crypt [dm_crypt]
Call Trace:
 [<ffffffff815b2a35>] schedule+0x35/0x80
 [<ffffffff815b5a2e>] schedule_timeout+0x12e/0x240
 [<ffffffff815b2184>] io_schedule_timeout+0xa4/0x110
 [<ffffffff8117c9f1>] congestion_wait+0x71/0x100
 [<ffffffff81171b5a>] throttle_vm_writeout+0x8a/0xb0
 [<ffffffff8117a0d6>] shrink_zone_memcg+0x5a6/0x6b0
 [<ffffffff8117a2b3>] shrink_zone+0xd3/0x2f0
 [<ffffffff8117a5cb>] do_try_to_free_pages+0xfb/0x3a0
 [<ffffffff8117a951>] try_to_free_pages+0xe1/0x190
 [<ffffffff8116d5a4>] __alloc_pages_nodemask+0x5f4/0xa30
 [<ffffffff81165f45>] mempool_alloc_pages+0x15/0x20
 [<ffffffff811660a7>] mempool_alloc+0x67/0x180
 [<ffffffffa01a0c61>] kcryptd_crypt+0x1b1/0x3a0 [dm_crypt]
 [<ffffffff81087d5c>] process_one_work+0x14c/0x410
 [<ffffffff810886d4>] worker_thread+0x114/0x470
 [<ffffffff8108dbe8>] kthread+0xd8/0xf0
 [<ffffffff815b6a92>] ret_from_fork+0x22/0x40
Xorg            D ffff88003b0bb8a8     0  1422   1410 0x00400004
Call Trace:
 [<ffffffff815b2a35>] schedule+0x35/0x80
 [<ffffffff815b5a2e>] schedule_timeout+0x12e/0x240
 [<ffffffff815b2184>] io_schedule_timeout+0xa4/0x110
 [<ffffffff815b3016>] bit_wait_io+0x16/0x60
 [<ffffffff815b2b8d>] __wait_on_bit+0x5d/0x90
 [<ffffffff811640bd>] wait_on_page_bit+0xbd/0xd0
 [<ffffffff81195c7c>] do_swap_page+0x3fc/0x5f0
 [<ffffffff811980f5>] handle_mm_fault+0xa35/0x1060
 [<ffffffff8105fd2e>] __do_page_fault+0x1ce/0x4a0
 [<ffffffff815b8d28>] page_fault+0x28/0x30`;

const kcryptd: ContextView = {
  key: "task:211", kind: "kworker", pid: 211, comm: "kworker/u8:3", input: 0, line: 3, state: "D", role: "holder", count: 1,
  workqueue: "kcryptd kcryptd_crypt [dm_crypt]", doing: ["encryption of a swap write", "reclaim"], holds: [],
  wait: { resource: { class: "dirty_limit" }, event: "timer", sleep: "timed", any: true, because: "frame throttle_vm_writeout", line: 10 },
  frames: frames(LOG, 4, 22, {
    throttle_vm_writeout: "sleeps 0.1 s, then goes on", mempool_alloc: "takes memory before the reserve", kcryptd_crypt: "owes the end of a bio on dm-crypt",
  }),
};
const xorg: ContextView = {
  key: "task:1422", kind: "task", pid: 1422, comm: "Xorg", input: 0, line: 23, state: "D", role: "victim", count: 1, doing: ["swap-in"], holds: [],
  wait: { resource: { class: "PG_locked" }, event: "unlock", sleep: "uninterruptible", any: false, because: "frame do_swap_page", line: 31 },
  frames: frames(LOG, 24, 34, { wait_on_page_bit: "waits for PG_locked", do_swap_page: "reads a page from swap" }),
};

const diagnosis: Diagnosis = {
  ...EMPTY,
  inputs: [inputInfo("sysrq-w.txt", "sysrq-w", LOG)],
  kernel: { release: "4.7.0-rc7", pageApi: "page" },
  verdict: "slow", confidence: "likely",
  summary: "the swap device's encryption worker kworker/u8:3 (211) is throttled 0.1 s per request, about 10 requests a second; everybody who swaps waits for it.",
  contexts: 2,
  stuckBehind: [{ waitsFor: { class: "PG_locked" }, event: "unlock", contexts: [refOf(xorg)], count: 1, heldBy: [refOf(kcryptd)], why: ["frame do_swap_page (line 31): waits for a page that is read from swap"] }],
  knownBugs: [{
    id: "dm-crypt-throttle", title: "mm: throttle on IO only when there are too many dirty and writeback pages", fix: "throttle_vm_writeout removed from the reclaim path",
    affected: "4.6 and 4.7-rc with swap on dm-crypt", today: "swap to a plain device, or lower vm.dirty_ratio", match: 0.8, incident: "dm-crypt-throttle", why: ["a dm-crypt worker allocates from a mempool and is throttled"],
  }],
  advice: ["Wait, or switch swap off: the machine recovers by itself."],
  missing: [{ fact: "the rate: how many sectors the swap device moves", command: "for i in 1 2 3; do grep dm- /proc/diskstats; sleep 5; done" }],
  assumptions: ["submitted bios complete"],
  details: [kcryptd, xorg],
};

export const slow: Sample = { name: "slow", diagnosis, sources: [{ name: "sysrq-w.txt", text: LOG }] };
