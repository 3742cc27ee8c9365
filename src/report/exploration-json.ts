/** The public documents of an exploration: `unwedge.exploration/1` and `unwedge.witness/1`. */

import type { Exploration } from "../explore/incident.ts";
import type { Witness } from "../explore/incident-witness.ts";
import type { ContextName } from "../incidents/account.ts";
import type { ExplorationDocument, WitnessDocument } from "./exploration-schema.ts";
import { contextDocument, edgeDocument, resourceDocument } from "./json.ts";

/** What the caller knows: its version, and by its clock how long the search took. */
export interface ExplorationDocumentOptions {
  readonly version: string;
  readonly seconds?: number;
  /** The schedule was given, not searched for. */
  readonly replayed?: boolean;
  /** The file in which the search was kept, to go on with. */
  readonly saved?: string;
}

const ref = (context: ContextName) => contextDocument(context);

/**
 * The document of the contract, ready for `JSON.stringify`.
 *
 * @since 0.2.0
 */
export function explorationDocument(e: Exploration, options: ExplorationDocumentOptions): ExplorationDocument {
  const { account, scope } = e;
  return {
    schema: "unwedge.exploration/1",
    tool: { name: "unwedge", version: options.version },
    incident: e.incident,
    title: e.title,
    ...(e.file === undefined ? {} : { file: e.file }),
    parameters: { ...e.parameters },
    fixes: [...e.fixes],
    era: e.era ?? null,
    reverted: [...e.reverted],
    cgroup: e.cgroup ?? null,
    kmem: e.kmem ?? null,
    hacks: [...e.hacks],
    strategy: e.strategy,
    seed: e.seed ?? null,
    outcome: e.outcome,
    message: e.message ?? null,
    exits: [...e.exits],
    complete: e.complete,
    stopped: e.stopped ?? null,
    preemptions: e.preemptions ?? null,
    ...(e.all === undefined ? {} : { findings: e.all.findings, deadlockStates: e.all.deadlocks }),
    replayed: options.replayed ?? false,
    lawsChecked: e.lawsChecked,
    scope: { ...scope, fixedChoices: [...scope.fixedChoices] },
    executions: e.executions,
    steps: e.steps,
    states: e.states ?? null,
    pruned: e.pruned,
    depth: e.depth,
    memoryBytes: e.bytes,
    omissionProbability: e.omission,
    seconds: options.seconds ?? null,
    saved: options.saved ?? null,
    witness: e.witness === undefined ? null : witnessDocument(e.witness, options.version),
    core: account === undefined || account.core.length === 0 ? null : account.core.map((edge) => edgeDocument(edge)),
    breakers: (account?.breakers ?? []).map(ref),
    stuckBehind: (account?.stuckBehind ?? []).map((group) => ({
      waitsFor: resourceDocument(group.waitsFor),
      event: group.event,
      contexts: group.contexts.map(ref),
      count: group.count,
      heldBy: group.heldBy.map(ref),
    })),
    contexts: (account?.contexts ?? []).map(({ state, role, position, trace, ...name }) => ({
      ref: ref(name),
      state,
      role,
      position,
      trace: [...trace],
    })),
  };
}

/** The document of a witness file. @since 0.2.0 */
export function witnessDocument(w: Witness, version: string): WitnessDocument {
  const { schema, ...rest } = w;
  const steps = (schedule: Witness["schedule"]) => schedule.map((step) => ({ ...step }));
  return {
    schema,
    tool: { name: "unwedge", version },
    ...rest,
    era: w.era ?? null,
    cgroup: w.cgroup ?? null,
    kmem: w.kmem ?? null,
    parameters: { ...w.parameters },
    fixes: [...w.fixes],
    reverted: [...w.reverted],
    hacks: [...w.hacks],
    schedule: steps(w.schedule),
    cycle: steps(w.cycle),
  };
}
