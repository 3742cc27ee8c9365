/** The files that every directory has, whatever its controllers (kernel/cgroup/cgroup.c: cgroup_base_files; cgroup-v1.c). */
import type { Resumable } from "../../resumable/index.ts";
import { kernel } from "../sched/current.ts";
import { processOf } from "../sched/process.ts";
import type { Cftypes, Directory } from "./cftype.ts";
import {
  cgroupFreezeWrite,
  cgroupKillWrite,
  cgroupMaxWrite,
  cgroupProcsWrite,
  cgroupSubtreeControlWrite,
  dyingBelow,
  isPopulated,
  membersOf,
} from "./cgroup.ts";
import { type Cgroup, INT_MAX, withDescendants } from "./cgroup-types.ts";
import type { Result } from "./errno.ts";

function threadIds({ memcg, cgroup }: Directory): string {
  const members = cgroup === undefined ? [...memcg.tasks] : membersOf(cgroup);
  return members.map((task) => `${task.pid}\n`).join("");
}
/** Thread group leaders. */
function pids({ memcg, cgroup }: Directory): string {
  const members = cgroup === undefined ? [...memcg.tasks] : membersOf(cgroup);
  const leaders = members.filter((task) => processOf(task)?.thread !== true);
  return leaders.map((task) => `${task.pid}\n`).join("");
}

function* procsWrite({ memcg, cgroup }: Directory, text: string): Resumable<Result> {
  return yield* cgroupProcsWrite(memcg, text, cgroup);
}
function* subtreeControlWrite({ cgroup }: Directory, text: string): Resumable<Result> {
  return yield* cgroupSubtreeControlWrite(cgroup as Cgroup, text);
}
function* freezeWrite({ cgroup }: Directory, text: string): Resumable<Result> {
  return yield* cgroupFreezeWrite(cgroup as Cgroup, text);
}
function* killWrite({ cgroup }: Directory, text: string): Resumable<Result> {
  return yield* cgroupKillWrite(cgroup as Cgroup, text);
}
function* maxDepthWrite({ cgroup }: Directory, text: string): Resumable<Result> {
  return yield* cgroupMaxWrite(cgroup as Cgroup, "maxDepth", text);
}
function* maxDescendantsWrite({ cgroup }: Directory, text: string): Resumable<Result> {
  return yield* cgroupMaxWrite(cgroup as Cgroup, "maxDescendants", text);
}

/** What a task of a frozen group waits in: sched/entry.ts. */
export const FROZEN_WAIT = "cgroup_leave_frozen";

/** Every task of the subtree has stopped. */
function isFrozen(cgroup: Cgroup): boolean {
  if (!asksToFreeze(cgroup)) return false;
  const { machine } = kernel();
  return withDescendants(cgroup).every((c) =>
    [...c.tasks].every((task) => !task.fatalSignal && machine.pending(task.context).op === FROZEN_WAIT),
  );
}
/** `CGRP_FREEZE`, its own or from above. */
export function asksToFreeze(cgroup: Cgroup): boolean {
  for (let c: Cgroup | undefined = cgroup; c !== undefined; c = c.parent) if (c.freeze) return true;
  return false;
}

const limit = (n: number | undefined): string => (n === undefined || n === INT_MAX ? "max\n" : `${n}\n`);
const hasMemory = (cgroup: Cgroup | undefined): boolean =>
  cgroup !== undefined && (cgroup.parent === undefined || cgroup.parent.subtreeMemory);

const core = true;
const ofCgroup = true;
const notOnRoot = true;

export const CGROUP_BASE_FILES: Cftypes = {
  "cgroup.type": { since: "4.14", core, ofCgroup, notOnRoot, read: () => "domain\n" },
  "cgroup.procs": { core, read: pids, write: procsWrite },
  "cgroup.threads": { since: "4.14", core, ofCgroup, read: threadIds, write: procsWrite },
  "cgroup.controllers": { core, ofCgroup, read: ({ cgroup }) => (hasMemory(cgroup) ? "memory\n" : "\n") },
  "cgroup.subtree_control": {
    core,
    ofCgroup,
    read: ({ cgroup }) => (cgroup?.subtreeMemory === true ? "memory\n" : "\n"),
    write: subtreeControlWrite,
  },
  "cgroup.events": {
    core,
    ofCgroup,
    notOnRoot,
    read: ({ cgroup }) =>
      `populated ${isPopulated(cgroup as Cgroup) ? 1 : 0}\nfrozen ${isFrozen(cgroup as Cgroup) ? 1 : 0}\n`,
  },
  "cgroup.max.descendants": {
    since: "4.14",
    core,
    ofCgroup,
    read: ({ cgroup }) => limit(cgroup?.maxDescendants),
    write: maxDescendantsWrite,
  },
  "cgroup.max.depth": {
    since: "4.14",
    core,
    ofCgroup,
    read: ({ cgroup }) => limit(cgroup?.maxDepth),
    write: maxDepthWrite,
  },
  "cgroup.stat": {
    since: "4.14",
    core,
    ofCgroup,
    read: ({ cgroup }) =>
      `nr_descendants ${withDescendants(cgroup as Cgroup).length - 1}\nnr_dying_descendants ${dyingBelow(cgroup as Cgroup)}\n`,
  },
  "cgroup.freeze": {
    since: "5.2",
    core,
    ofCgroup,
    notOnRoot,
    read: ({ cgroup }) => `${cgroup?.freeze === true ? 1 : 0}\n`,
    write: freezeWrite,
  },
  "cgroup.kill": { since: "5.14", core, ofCgroup, notOnRoot, write: killWrite },
};

export const CGROUP1_BASE_FILES: Cftypes = {
  "cgroup.procs": { core, read: pids, write: procsWrite },
  tasks: { core, read: threadIds, write: procsWrite },
};
