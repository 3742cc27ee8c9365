/**
 * A task of a full memory cgroup creates a file: under its journal handle it asks for a block of the inode table, and the charge
 * of that page (GFP_NOFS|__GFP_NOFAIL) goes round in reclaim and in the OOM killer. All file pages of the group are dirty; the
 * flusher that would write them needs a handle, the transaction is locked for its commit, the commit waits for the handle that
 * is open. The victim of the OOM killer is no way out: a thread of it holds mmap_lock and waits for the same transaction, others
 * wait for mmap_lock, and the OOM reaper only tries for it. "A victim is still dying" counts as success, so that the charge goes
 * round again.
 *
 * "[PATCH 1/2] mm: memcg: introduce PF_MEMALLOC_ACCOUNTFORCE to postpone reclaim to return-to-userland path" (Zhongkun He, 18 June
 * 2025), on a kernel after commit a4ebf1b6ca1e ("memcg: prohibit unconditional exceeding the limit of dying tasks") (v5.16;
 * 5.10.80, 5.15.3): before, such a charge was forced when its rounds were used up.
 *
 * It is no endless livelock: the reaper gives a victim up after a second, the next one is killed, and when nobody is left the
 * charge is forced. On the machine of the document there were 1463 tasks to go through. Time is no state here; that the reaper may
 * try any number of times stands for it, and is listed as what would end it. In the document the mmap_lock is held by a thread that
 * reclaims in __split_vma() (`splitters`); such a one, once killed, ends after some rounds.
 */
import type { Inode } from "../kernel/fs/inode.ts";
import { __x64SysMkdir, __x64SysOpenat } from "../kernel/fs/namei.ts";
import { doExit } from "../kernel/mm/exit.ts";
import { userPageFault } from "../kernel/mm/memory.ts";
import type { MmStruct, Vma } from "../kernel/mm/mm-types.ts";
import { __x64SysMmap, __x64SysMprotect } from "../kernel/mm/mprotect.ts";
import type { Resumable } from "../resumable/index.ts";
import { defineIncident, type Parameters } from "./incident.ts";
import type { Scene } from "./scene.ts";

/** Blocks of the device: of the inode table, of a new directory. */
const TABLE = 0;
const DIRECTORY = 1;

function* create(dir: Inode, space: MmStruct): Resumable {
  yield* __x64SysOpenat(dir, Object.freeze({ table: TABLE }));
  yield* doExit(space);
}
function* mkdir(dir: Inode, space: MmStruct): Resumable {
  yield* __x64SysMkdir(dir, Object.freeze({ table: TABLE, directory: DIRECTORY }));
  yield* doExit(space);
}
/** mmap(2) of a file that was written since it was read last. */
function* map(file: Inode, space: MmStruct): Resumable {
  yield* __x64SysMmap(space, file);
  yield* doExit(space);
}
/** Touches anonymous memory that is not there yet. */
function* fault(vma: Vma, index: number): Resumable {
  yield* userPageFault(vma, index, true);
  yield* doExit(vma.mm);
}
/** mprotect(2) of a part of a mapping, which splits it. */
function* split(vma: Vma): Resumable {
  yield* __x64SysMprotect(vma);
  yield* doExit(vma.mm);
}

/** What the incident is made of; `account-force-nesting` is made of the same. @internal */
export function setUpJbd2MemcgOom(s: Scene, given: Parameters): void {
  const { pages = 1, anon = 1, faulters = 0, splitters = 0 } = given;
  const { mkdir: makes = 0, free = 1, priority = 0, retries = 0 } = given;
  s.memory({ chargeRetries: retries, priority, reapAttempts: "free" });
  const group = s.memcg("/a", { max: pages + anon });
  const [disk] = s.disks(1, { irqCpu: 0 });
  const fs = s.filesystem("ext4", disk!, { periodic: false, journal: true });
  s.blockDevice(fs, 2);
  const dir = s.file(fs, { pages: 0 });
  const file = s.file(fs, { pages, dirty: true, mapped: false, chargedTo: group, unasked: true });
  const space = s.process();
  const vma = s.anonymous(space, anon, group);
  const own = s.process();
  const newPages = free * (1 + makes);
  s.task("creat", { memcg: group, mm: own, newPages }, makes > 0 ? mkdir : create, [dir, own]);
  s.task("map", { memcg: group, mm: space }, map, [file, space]);
  for (let i = 0; i < faulters; i++) {
    s.task("fault", { memcg: group, mm: space, newPages: 1 }, fault, [vma, anon + i]);
  }
  for (let i = 0; i < splitters; i++) {
    const other = s.process();
    s.task("split", { memcg: group, mm: other }, split, [s.anonymous(other, 0, group)]);
  }
}

export const jbd2MemcgOom = defineIncident({
  id: "jbd2-memcg-oom",
  title: "a charge under a journal handle goes round while the OOM victim waits for the transaction",
  source: "[PATCH 1/2] mm: memcg: introduce PF_MEMALLOC_ACCOUNTFORCE, Zhongkun He, 2025-06-18",
  era: "5.15.135",
  cgroup: "v1",
  fair: true,
  parameters: {
    pages: { default: 1, min: 1, max: 16, what: "dirty pages of the group's file, without blocks: all its page cache" },
    anon: { default: 1, min: 1, max: 16, what: "anonymous pages of the process that maps the file: the first victim" },
    faulters: { default: 0, min: 0, max: 4, what: "more threads of that process, which fault" },
    splitters: { default: 0, min: 0, max: 2, what: "processes that split a mapping and so charge under mmap_lock" },
    mkdir: { default: 0, min: 0, max: 1, what: "1: the task makes a directory instead of a file" },
    free: { default: 1, min: 0, max: 1, what: "0: no page of the machine is free, either" },
    priority: { default: 0, min: 0, max: 12, what: "where reclaim begins; at 0 one pass scans all there is" },
    retries: { default: 0, min: 0, max: 16, what: "fruitless rounds before a charge calls the OOM killer" },
    cpus: { default: 1, min: 1, max: 4, what: "CPUs; completion interrupts arrive on the first" },
  },
  fixes: ["account-force", "account-force-jbd2", "account-force-ext4", "nofail-without-reclaim", "no-dying-force"],
  fixedChoices: [
    "the group is full when the story begins: dirty pages and anonymous memory, no swap",
    "the process that maps the file has the most memory, so that it is the first victim; its file was written since it was read last, so that mmap(2) changes its time",
    "the commit timer fires at any time; the log is large enough; the flusher writes when reclaim asks for it",
    "the block of the inode table is not in the cache and holds no other inode, so that it is not read",
  ],
  cpus: ({ cpus = 1 }) => cpus,
  setup: setUpJbd2MemcgOom,
});
