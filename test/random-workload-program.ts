/** Test support: tasks that do what they like with one file, in a group that is exactly full. */
import type { SceneOptions } from "../src/incidents/scene.ts";
import { Scene } from "../src/incidents/scene.ts";
import { parseEra, withFix, withoutFix } from "../src/kernel/era.ts";
import type { Inode } from "../src/kernel/fs/inode.ts";
import { __x64SysFsync, __x64SysSync } from "../src/kernel/fs/sync.ts";
import { vfsWrite } from "../src/kernel/mm/filemap-write.ts";
import { userPageFault } from "../src/kernel/mm/memory.ts";
import type { Vma } from "../src/kernel/mm/mm-types.ts";
import type { Kernel } from "../src/kernel/sched/kernel.ts";
import { op, type Resumable } from "../src/resumable/index.ts";

/** One of so many ways to go on; the schedule decides. */
const choose = op<number>("choose", { ways: (n) => n, apply: (_n, _, way) => way });

/** So many rounds of a read fault, a write fault, a write, an fsync or a sync, each on any page. */
function* anything(file: Inode, vma: Vma, rounds: number): Resumable {
  for (let round = 0; round < rounds; round++) {
    const what: number = yield choose(5);
    if (what === 3) yield* __x64SysFsync(file);
    else if (what === 4) yield* __x64SysSync();
    else {
      const page: number = yield choose(file.size);
      if (what === 2) yield* vfsWrite(file, page, 1);
      else yield* userPageFault(vma, page, what === 1);
    }
  }
}

/** Waits without a word about what for. */
function* silent(): Resumable {
  yield choose(0);
}

/** What the machine is like. */
export interface World extends Partial<Omit<SceneOptions, "era">> {
  readonly era?: string;
  readonly fix?: string;
  readonly revert?: string;
}

const PAGES = 3;
const TASKS = 3;
const ROUNDS = 3;

/** A kernel with three such tasks, each a process of its own. */
export function randomWorkload({ era: release = "4.20.0", fix, revert, ...options }: World = {}): Kernel {
  let chosen = parseEra(release);
  if (chosen.ok && fix !== undefined) chosen = withFix(chosen.era, fix);
  if (chosen.ok && revert !== undefined) chosen = withoutFix(chosen.era, revert);
  if (!chosen.ok) throw new Error(chosen.error);
  const all = { cgroup: "v1" as const, kmem: true, hacks: [], cpus: 2, invariants: false, ...options, era: chosen.era };
  return Scene.build(all, (s) => {
    s.memory({ chargeRetries: 1 });
    const group = s.memcg("/a", { max: PAGES });
    const [disk] = s.disks(PAGES);
    const file = s.file(s.filesystem("ext4", disk!), { pages: PAGES, dirty: true, chargedTo: group });
    for (let i = 0; i < TASKS; i++) {
      const mm = s.process();
      const vma = s.map(mm, file, { shared: true });
      s.task("anything", { memcg: group, mm, newPages: 1 }, anything, [file, vma, ROUNDS]);
    }
  }).kernel;
}

/** A kernel whose only task waits and does not say for what. */
export function silentWait(): Kernel {
  const parsed = parseEra("4.20.0");
  if (!parsed.ok) throw new Error(parsed.error);
  const options = { era: parsed.era, cgroup: "v1" as const, kmem: true, hacks: [], cpus: 1, invariants: true };
  return Scene.build(options, (s) => {
    s.task("silent", {}, silent);
  }).kernel;
}
