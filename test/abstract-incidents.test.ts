import { describe, expect, test } from "vitest";
import { prove } from "../src/explore/prove.ts";
import { spinAbba } from "../src/incidents/abstract/spin-abba.ts";
import { spinIrq } from "../src/incidents/abstract/spin-irq.ts";
import { spinJbd2 } from "../src/incidents/abstract/spin-jbd2.ts";
import { spinRing } from "../src/incidents/abstract/spin-ring.ts";
import { catalogue, loadIncident } from "../src/incidents/catalogue.ts";
import { abstractIncidents, incidents, prepareAbstract } from "../src/incidents/index.ts";

type Counted = readonly [typeof spinAbba, Record<string, number>, states: number, deadlocks: number];

describe("the abstract families have the states of their Promela models", () => {
  // SPIN 6.5.2 with -DSAFETY -DNOREDUCE -c0; it counts one or two states of its init process more
  const INIT = { "spin-abba": 2, "spin-ring": 1 };
  test.each<Counted>([
    [spinAbba, {}, 3244, 4],
    [spinAbba, { PREALLOC: 1 }, 15415, 0],
    [spinAbba, { RETRY: 1 }, 1855, 2],
    [spinAbba, { BIOMAX: 1 }, 4751, 0],
    [spinAbba, { K: 3, BIOMAX: 2 }, 45755, 4],
    [spinRing, {}, 34541, 4],
    [spinRing, { PREALLOC: 1 }, 44546, 0],
    [spinRing, { RETRY: 1 }, 18534, 1],
  ])("%o %o", (incident, parameters, states, deadlocks) => {
    const made = prepareAbstract(incident, { parameters });
    if (!made.ok) throw new Error(made.error.message);
    const outcome = prove(made.prepared.start(), { find: "all" });
    expect(outcome.states + INIT[incident.id as keyof typeof INIT]).toBe(states);
    expect(outcome.deadlocks.size).toBe(deadlocks);
  });

  // those models have steps that only their own process can see, so they have more states; not more or fewer ends
  test.each<Counted>([
    [spinIrq, { CPUS: 1 }, 42597, 24],
    [spinIrq, { CPUS: 1, COOKIE: 1 }, 42249, 0],
    [spinJbd2, { DEFER: 1 }, 242935, 0],
  ])("%o %o ends as there", (incident, parameters, states, deadlocks) => {
    const made = prepareAbstract(incident, { parameters });
    if (!made.ok) throw new Error(made.error.message);
    const outcome = prove(made.prepared.start(), { find: "all" });
    expect(outcome.states).toBeLessThan(states);
    expect(outcome.deadlocks.size).toBe(deadlocks);
    expect(outcome.finding === undefined).toBe(deadlocks === 0);
  });
});

test("a charge retried under a handle is an endless livelock; deferred, only an unfair scheduler stays in one", () => {
  const found = (parameters: Record<string, number>, livelocks?: "fair" | "any") => {
    const made = prepareAbstract(spinJbd2, { parameters });
    if (!made.ok) throw new Error(made.error.message);
    return prove(made.prepared.start(), livelocks === undefined ? {} : { livelocks }).finding?.kind;
  };
  expect(found({})).toBe("livelock");
  expect(found({ DEFER: 1 }, "fair")).toBeUndefined();
  expect(found({ DEFER: 1 }, "any")).toBe("livelock");
});

test("switches of a kernel are refused in one sentence, parameters are held against what there is", () => {
  const refused = (choices: Parameters<typeof prepareAbstract>[1]) => {
    const made = prepareAbstract(spinRing, choices);
    return made.ok ? undefined : made.error;
  };
  expect(refused({ era: "6.1.192", hacks: ["moving"] })?.message).toBe(
    "--era and --hack need a kernel, and spin-ring is an abstract model; it has only --param",
  );
  expect(refused({ fixes: ["prealloc-pte"] })?.message).toContain("--fix needs a kernel");
  expect(refused({ parameters: { PAGES: 1 } })?.known).toEqual(["N", "PREALLOC", "RETRY"]);
  expect(refused({ parameters: { N: 17 } })?.message).toBe("parameter N must be a whole number from 1 to 16, not 17");
  expect(refused({ fixes: [], reverted: [], hacks: [], parameters: { N: 1 } })).toBeUndefined();
});

test("the account says who waits for whom, by who changed last what is waited for", () => {
  const made = prepareAbstract(spinRing, {});
  if (!made.ok) throw new Error(made.error.message);
  const { prepared } = made;
  const machine = prepared.start();
  const first = machine.words.slice();
  const { finding } = prove(machine, {});
  const schedule = finding?.schedule ?? [];
  const byName = new Map(Array.from({ length: machine.contexts }, (_, c) => [machine.name(c), c]));
  for (const step of schedule) machine.step(byName.get(step.context) ?? -1, step.way);
  const end = machine.words.slice();
  const account = prepared.account(finding?.contexts ?? [], schedule);
  expect(machine.words).toEqual(end);
  expect(account.kind).toBe("circle");
  const said = account.core.map(
    (edge) => `${edge.waiter.comm}: ${edge.waitsFor.class} ${edge.waitsFor.id} of ${edge.heldBy.map((h) => h.comm)}`,
  );
  expect(said.sort()).toEqual([
    "flusher/0: PG_locked page 3 of task/1",
    "flusher/1: PG_locked page 2 of task/0",
    "task/0: PG_writeback page 0 of flusher/0",
    "task/1: PG_writeback page 1 of flusher/1",
  ]);
  expect(account.contexts.map(({ trace }) => trace[0]).sort()[0]).toBe("flusher/0 is blocked at lockPage page 3");
  machine.words.set(first);
});

test("the catalogue has every incident, in the order of the list", async () => {
  const all = [...incidents, ...abstractIncidents];
  expect(Object.keys(catalogue)).toEqual(all.map(({ id }) => id));
  for (const incident of all) expect(await loadIncident(incident.id)).toBe(incident);
  expect(await loadIncident("toString")).toBeUndefined();
});
