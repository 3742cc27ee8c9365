import fc from "fast-check";
import { expect, test } from "vitest";
import { analyze, reduce, strongest, weakest } from "../src/waits/index.ts";
import type {
  Confidence,
  Context,
  ContextId,
  EventId,
  WaitCondition,
  WaitEvent,
  WaitGraph,
} from "../src/waits/types.ts";
import {
  breakersOf,
  mask,
  members,
  minimalOf,
  selfSustaining,
  selfSustainingSets,
  sizeOf,
  union,
} from "./waits-oracle.ts";

const confidence = fc.constantFrom<Confidence>("proven", "likely", "possible");
const RUNS = 1_500;

function conditionOf(events: number): fc.Arbitrary<WaitCondition> {
  const { tree } = fc.letrec<{ tree: WaitCondition; leaf: WaitCondition; parts: readonly WaitCondition[] }>((tie) => ({
    leaf: fc.nat(events - 1).map((event) => ({ kind: "event" as const, event: event as EventId })),
    parts: fc.array(tie("tree"), { maxLength: 4, depthIdentifier: "c" }),
    tree: fc.oneof(
      { depthIdentifier: "c", maxDepth: 3, depthSize: "small" },
      { weight: 3, arbitrary: tie("leaf") },
      { weight: 2, arbitrary: tie("parts").map((of) => ({ kind: "all" as const, of })) },
      { weight: 2, arbitrary: tie("parts").map((of) => ({ kind: "any" as const, of })) },
      {
        weight: 1,
        arbitrary: fc
          .tuple(fc.integer({ min: -1, max: 4 }), tie("parts"))
          .map(([k, of]) => ({ kind: "atLeast" as const, k, of })),
      },
    ),
  }));
  return tree;
}

/** Anything the language can say, over up to seven contexts. */
const anyGraph: fc.Arbitrary<WaitGraph> = fc
  .record({ contexts: fc.integer({ min: 1, max: 7 }), events: fc.integer({ min: 1, max: 7 }), timers: fc.boolean() })
  .chain(({ contexts, events, timers }) => {
    const provider = fc.record({ context: fc.nat(contexts - 1).map((c) => c as ContextId), confidence });
    const event = fc.record(
      {
        resource: fc.record(
          { class: fc.constantFrom("PG_locked", "mutex"), id: fc.constantFrom("a", "b") },
          { requiredKeys: ["class"] },
        ),
        verb: fc.constant("unlock"),
        providers: fc.oneof(
          { weight: 6, arbitrary: fc.array(provider, { minLength: 1, maxLength: 3 }) },
          { weight: 1, arbitrary: fc.constant([]) },
        ),
        providersKnown: confidence,
        ...(timers && { timer: fc.record({ seconds: fc.constantFrom(0, 0.1, 5) }) }),
      },
      { requiredKeys: ["resource", "verb", "providers"] },
    ) as fc.Arbitrary<WaitEvent>;
    const context: fc.Arbitrary<Context> = fc.record(
      { kind: fc.constant("task" as const), retries: fc.boolean(), wait: conditionOf(events) },
      { requiredKeys: ["kind"] },
    );
    return fc.record({
      contexts: fc.array(
        fc.oneof(
          { weight: 1, arbitrary: context },
          { weight: 2, arbitrary: context.filter((c) => c.wait !== undefined) },
        ),
        {
          minLength: contexts,
          maxLength: contexts,
        },
      ),
      events: fc.array(event, { minLength: events, maxLength: events }),
    });
  });

/** Every wait has one way out: an AND over events of one provider each. */
const andGraph: fc.Arbitrary<WaitGraph> = fc
  .integer({ min: 2, max: 9 })
  .chain((n) => fc.array(fc.uniqueArray(fc.nat(n - 1), { maxLength: 3 }), { minLength: n, maxLength: n }))
  .map((targets) => ({
    contexts: targets.map(
      (of): Context => ({
        kind: "task",
        wait: { kind: "all", of: of.map((event) => ({ kind: "event", event: event as EventId })) },
      }),
    ),
    events: targets.map((_, c) => ({
      resource: { class: "mutex", id: `${c}` },
      verb: "unlock",
      providers: [{ context: c as ContextId, confidence: "proven" }],
    })),
  }));

function leaves(condition: WaitCondition): EventId[] {
  return condition.kind === "event" ? [condition.event] : condition.of.flatMap(leaves);
}

function holdsWith(condition: WaitCondition, unmet: ReadonlySet<EventId>): boolean {
  if (condition.kind === "event") return !unmet.has(condition.event);
  const met = condition.of.filter((part) => holdsWith(part, unmet)).length;
  return met >= (condition.kind === "all" ? condition.of.length : condition.kind === "any" ? 1 : condition.k);
}

test("dead is the union of all self-sustaining sets", () => {
  fc.assert(
    fc.property(anyGraph, (graph) => {
      const dead = members(union(selfSustainingSets(graph)));
      expect(reduce(graph).dead).toEqual(dead);
      expect(analyze(graph).dead).toEqual(dead);
    }),
    { numRuns: RUNS },
  );
});

test("cores are minimal, disjoint and leave no self-sustaining set untouched", () => {
  fc.assert(
    fc.property(anyGraph, (graph) => {
      const minimal = minimalOf(selfSustainingSets(graph));
      const { cores, moreCores } = analyze(graph);
      expect(moreCores).toBeUndefined();
      const found = cores.map((core) => mask(core.contexts));
      const orphans = minimal.filter((s) => sizeOf(s) === 1 && selfSustaining(withoutItself(graph, s), s));
      expect(minimal).toEqual(expect.arrayContaining(found));
      expect(sizeOf(union(found))).toBe(cores.flatMap((core) => core.contexts).length);
      for (const s of minimal) expect(orphans.includes(s) || found.some((f) => (f & s) !== 0)).toBe(true);
      cores.forEach((core, i) => {
        expect(core.kind === "orphan").toBe(orphans.includes(found[i]!));
        const others = union(found.filter((_, j) => j !== i)) | union(orphans);
        // `exact`: whatever is smaller has a member in a core that was taken before.
        if (core.minimal === "exact" && core.kind !== "orphan")
          for (const s of minimal) expect(sizeOf(s) >= sizeOf(found[i]!) || (s & others) !== 0).toBe(true);
      });
    }),
    { numRuns: RUNS },
  );
});

/** The graph in which the members of the set raise all their events: what stays blocked waits for nobody. */
function withoutItself(graph: WaitGraph, set: number): WaitGraph {
  const free = graph.contexts.length as ContextId;
  const events = graph.events.map((e) => ({
    ...e,
    providers: e.providers.map((p) => (((set >> p.context) & 1) === 1 ? { ...p, context: free } : p)),
  }));
  return { contexts: [...graph.contexts, { kind: "task" }], events };
}

test("the arrows of a core keep every member blocked by themselves", () => {
  fc.assert(
    fc.property(anyGraph, (graph) => {
      for (const core of analyze(graph).cores) {
        for (const c of core.contexts) {
          const unmet = new Set(core.edges.filter((e) => e.waiter === c).map((e) => e.event));
          expect(holdsWith(graph.contexts[c]!.wait!, unmet)).toBe(false);
        }
        for (const edge of core.edges) {
          const event = graph.events[edge.event]!;
          expect(core.contexts).toContain(edge.waiter);
          expect(core.contexts).toEqual(expect.arrayContaining([...edge.providers]));
          expect(new Set(edge.providers)).toEqual(new Set(event.providers.map((p) => p.context)));
          expect(new Set(edge.providers).size).toBe(edge.providers.length);
          expect(event.timer).toBeUndefined();
          expect(edge.confidence).toBe(
            weakest([event.providersKnown ?? "proven", strongest(event.providers.map((p) => p.confidence))]),
          );
        }
        expect(new Set(core.edges.map((e) => `${e.waiter} ${e.event}`)).size).toBe(core.edges.length);
        expect(core.confidence).toBe(weakest(core.edges.map((e) => e.confidence)));
        const retries = core.contexts.some((c) => graph.contexts[c]!.retries);
        expect(core.verdict).toBe(retries ? "livelock" : core.kind === "orphan" ? "missed-wakeup" : "deadlock");
        if (core.kind !== "cycle") continue;
        core.edges.forEach((edge, i) => {
          expect(edge.any).toBe(false);
          expect(edge.waiter).toBe(core.contexts[i]);
          expect(edge.providers).toEqual([core.contexts[(i + 1) % core.contexts.length]]);
        });
        expect(core.contexts[0]).toBe(Math.min(...core.contexts));
      }
    }),
    { numRuns: RUNS },
  );
});

test("where every wait has one way out, the smallest core is a shortest cycle", () => {
  fc.assert(
    fc.property(andGraph, (graph) => {
      const { cores } = analyze(graph);
      const sizes = minimalOf(selfSustainingSets(graph)).map(sizeOf);
      expect(Math.min(...cores.map((core) => core.contexts.length))).toBe(Math.min(...sizes));
      for (const core of cores) expect([core.kind, core.minimal]).toEqual(["cycle", "exact"]);
    }),
    { numRuns: RUNS },
  );
});

test("breakers are exactly the contexts in every self-sustaining set", () => {
  fc.assert(
    fc.property(fc.oneof(anyGraph, andGraph), (graph) => {
      expect(analyze(graph).breakers).toEqual(breakersOf(selfSustainingSets(graph), graph.contexts.length));
    }),
    { numRuns: 2 * RUNS },
  );
});

test("the groups partition what is dead outside the cores, under an unmet event of each wait", () => {
  fc.assert(
    fc.property(anyGraph, (graph) => {
      const { dead, cores, stuckBehind } = analyze(graph);
      const listed = [...cores.flatMap((core) => core.contexts), ...stuckBehind.flatMap((g) => g.contexts)];
      expect(listed.sort((a, b) => a - b)).toEqual(dead);
      const names = stuckBehind.map((g) => `${g.resource.class} ${g.resource.id}`);
      expect(new Set(names).size).toBe(names.length);
      const set = new Set(dead);
      const raised = (e: WaitEvent) => e.timer !== undefined || e.providers.some((p) => !set.has(p.context));
      for (const group of stuckBehind) {
        expect(group.contexts).toEqual([...group.contexts].sort((a, b) => a - b));
        for (const c of group.contexts) {
          const unmet = leaves(graph.contexts[c]!.wait!)
            .map((id) => graph.events[id]!)
            .filter((e) => !raised(e));
          expect(unmet.map((e) => e.resource)).toContainEqual(group.resource);
        }
      }
    }),
    { numRuns: RUNS },
  );
});

test("timed are the contexts that only a timer releases, with the shortest one that does", () => {
  fc.assert(
    fc.property(anyGraph, (graph) => {
      const deadWith = (maxTimer: number) => union(selfSustainingSets(graph, maxTimer));
      const never = deadWith(Infinity);
      const expected = members(deadWith(-1) & ~never).map((c) => {
        const seconds = [0, 0.1, 5].find((s) => ((deadWith(s) >> c) & 1) === 0);
        return { context: c, seconds };
      });
      const { timed } = analyze(graph);
      expect(timed.map(({ context, seconds }) => ({ context, seconds }))).toEqual(expected);
      for (const { event, seconds } of timed) expect(graph.events[event]!.timer).toEqual({ seconds });
      expect(reduce(graph).timed).toEqual(timed);
    }),
    { numRuns: RUNS },
  );
});

test("renaming contexts and events changes no answer", () => {
  const shuffled = fc.oneof(anyGraph, andGraph).chain((graph) =>
    fc.record({
      graph: fc.constant(graph),
      contexts: fc.shuffledSubarray([...graph.contexts.keys()], { minLength: graph.contexts.length }),
      events: fc.shuffledSubarray([...graph.events.keys()], { minLength: graph.events.length }),
    }),
  );
  fc.assert(
    fc.property(shuffled, ({ graph, contexts, events }) => {
      // `contexts[i]` is the old id of the new context i.
      const context = (old: ContextId) => contexts.indexOf(old) as ContextId;
      const rename = (c: WaitCondition): WaitCondition =>
        c.kind === "event"
          ? { kind: "event", event: events.indexOf(c.event) as EventId }
          : { ...c, of: c.of.map(rename) };
      const renamed: WaitGraph = {
        contexts: contexts.map((old) => {
          const c = graph.contexts[old]!;
          return c.wait ? { ...c, wait: rename(c.wait) } : c;
        }),
        events: events.map((old) => {
          const e = graph.events[old]!;
          return { ...e, providers: e.providers.map((p) => ({ ...p, context: context(p.context) })) };
        }),
      };
      const sorted = (ids: readonly ContextId[]) => ids.map(context).sort((a, b) => a - b);
      const before = analyze(graph);
      const after = analyze(renamed);
      expect(after.dead).toEqual(sorted(before.dead));
      expect(after.breakers).toEqual(sorted(before.breakers));
      const rate = ({ context: c, seconds }: { context: ContextId; seconds: number }) => [c, seconds];
      expect(after.timed.map(rate)).toEqual(
        before.timed.map((t) => rate({ ...t, context: context(t.context) })).sort((a, b) => a[0]! - b[0]!),
      );
      expect(analyze(graph)).toEqual(before);
    }),
    { numRuns: RUNS },
  );
});
