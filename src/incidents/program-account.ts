/**
 * What a state of an abstract program says to a reader. The program does not tell who holds what. Who is blocked waits for what
 * its test reads to change, and whoever changed that last on the way here is held to be who has to change it back: right for
 * locks and bits that are set and cleared, likely for anything else.
 */
import type { Machine } from "../resumable/machine.ts";
import { type ContextId, graphBuilder, type WaitGraph } from "../waits/index.ts";
import { type Account, accountFrom, type ContextName } from "./account.ts";
import type { AbstractIncident } from "./incident.ts";

/** Who wrote a word last, and in which step of the schedule. */
interface LastWrite {
  readonly context: number;
  readonly why: string;
}

/**
 * The account of the machine's present state, to which `steps` (contexts by name) lead from the state `first`; `also` as for
 * kernels.
 */
export function programAccount(
  incident: AbstractIncident,
  machine: Machine,
  first: Int32Array,
  steps: readonly { readonly context: string; readonly way: number }[],
  also: readonly number[],
): Account {
  const writes = lastWrites(machine, first, steps);
  const graph = waitsOf(incident, machine, writes);
  return accountFrom(
    graph,
    {
      name: (id) => contextName(incident, machine.name(id)),
      shown: (context) => ({
        state: machine.ways(context) > 0 ? "can step" : "blocked",
        position: machine.position(context),
        trace: traceOf(machine, context),
      }),
      spins: () => false,
      canStep: () => canStep(machine),
    },
    also,
  );
}

function canStep(machine: Machine): boolean {
  for (let c = 0; c < machine.contexts; c++) if (machine.ways(c) > 0) return true;
  return false;
}

/** Runs the steps once more, watching who writes what; leaves the machine as it is. */
function lastWrites(
  machine: Machine,
  first: Int32Array,
  steps: readonly { readonly context: string; readonly way: number }[],
): ReadonlyMap<number, LastWrite> {
  const present = machine.words.slice();
  const byName = new Map<string, number>();
  for (let c = machine.contexts - 1; c >= 0; c--) byName.set(machine.name(c), c);
  const writes = new Map<number, LastWrite>();
  machine.words.set(first);
  machine.track(true);
  try {
    for (const [at, step] of steps.entries()) {
      const context = byName.get(step.context) as number;
      const why = `${step.context} changed it last, in step ${at + 1}: ${operation(machine, context)}`;
      machine.step(context, step.way);
      for (const word of machine.touched.writes) writes.set(word, { context, why });
    }
  } finally {
    machine.track(false);
    machine.words.set(present);
  }
  return writes;
}

/** `lockPage page 0`. */
function operation(machine: Machine, context: number): string {
  return machine.position(context).replace(/^\S+ /, "");
}

function waitsOf(incident: AbstractIncident, machine: Machine, writes: ReadonlyMap<number, LastWrite>): WaitGraph {
  const graph = graphBuilder();
  const ids: ContextId[] = [];
  for (let c = 0; c < machine.contexts; c++) {
    const { kind, comm } = contextName(incident, machine.name(c));
    ids.push(graph.context({ kind, ...(comm === undefined ? {} : { comm }) }));
  }
  machine.track(true);
  try {
    for (let c = 0; c < machine.contexts; c++) {
      if (machine.finished(c) || machine.idle(c) || machine.ways(c) > 0) continue;
      const by = new Map<number, string>();
      for (const word of machine.touched.reads) {
        const write = writes.get(word);
        if (write !== undefined) by.set(write.context, write.why);
      }
      const { resource, event } = waitOf(incident, machine, c);
      const at = graph.event(resource, event, { providersKnown: "likely" });
      for (const [context, why] of by)
        if (!rests(machine, context)) graph.provide(at, ids[context] as ContextId, "likely", [why]);
      graph.wait(ids[c] as ContextId, at);
    }
  } finally {
    machine.track(false);
  }
  return graph.build();
}

/** It is at its end, or idles until somebody else does something. */
function rests(machine: Machine, context: number): boolean {
  return machine.finished(context) || (machine.idle(context) && machine.ways(context) === 0);
}

function waitOf({ waits = {} }: AbstractIncident, machine: Machine, context: number) {
  const { op, object } = machine.pending(context);
  const named = Object.hasOwn(waits, op) ? waits[op] : undefined;
  const id = named?.id ?? (named === undefined ? operation(machine, context) : object && String(object));
  return {
    resource: { class: named?.class ?? "operation", ...(typeof id === "string" ? { id } : {}) },
    event: named?.event ?? "change",
  };
}

function contextName({ kinds = {} }: AbstractIncident, name: string): ContextName {
  const before = name.split("/")[0] ?? name;
  return { key: name, kind: (Object.hasOwn(kinds, before) ? kinds[before] : undefined) ?? "task", comm: name };
}

/** The operation and the functions around it, innermost first. */
function traceOf(machine: Machine, context: number): readonly string[] {
  const verb = machine.ways(context) > 0 ? "is about to" : machine.finished(context) ? "is at its" : "is blocked at";
  return [
    `${machine.name(context)} ${verb} ${operation(machine, context)}`,
    ...machine.stack(context).map((frame) => `  in ${frame.name}, line ${frame.line}`),
  ];
}
