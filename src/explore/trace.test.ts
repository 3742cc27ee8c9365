import { describe, expect, test } from "vitest";
import { RandomNumbers } from "./random-numbers.ts";
import { conflicts, Trace } from "./trace.ts";

interface Access {
  readonly context: number;
  readonly reads: ReadonlySet<number>;
  readonly writes: ReadonlySet<number>;
}

const set = (...words: number[]): ReadonlySet<number> => new Set(words);
const CONTEXTS = 4;

function randomAccess(draw: RandomNumbers): Access {
  const some = (most: number): ReadonlySet<number> =>
    new Set(Array.from({ length: draw.below(most) }, () => draw.below(3)));
  return { context: draw.below(CONTEXTS), reads: some(3), writes: some(2) };
}

function dependent(a: Access, b: Access): boolean {
  const shares = (x: ReadonlySet<number>, y: ReadonlySet<number>): boolean => [...x].some((word) => y.has(word));
  return (
    a.context === b.context || shares(a.writes, b.writes) || shares(a.reads, b.writes) || shares(a.writes, b.reads)
  );
}

/** By pairs: what happened before what, the closure of the order of dependent events. */
function happensBefore(events: readonly Access[]): boolean[][] {
  const before = events.map(() => events.map(() => false));
  for (let j = 0; j < events.length; j++)
    for (let i = j - 1; i >= 0; i--)
      if (dependent(events[i]!, events[j]!)) {
        before[i]![j] = true;
        for (let h = 0; h < i; h++) if (before[h]![i]) before[h]![j] = true;
      }
  return before;
}

/** Events in a race with the last one: dependent, of another context, and ordered before it by nothing in between. */
function racesOfLast(events: readonly Access[], before: readonly (readonly boolean[])[]): number[] {
  const last = events.length - 1;
  return events.flatMap((event, i) => {
    const direct = i < last && event.context !== events[last]!.context && dependent(event, events[last]!);
    return direct && !events.some((_, k) => k > i && k < last && before[i]![k] && before[k]![last]) ? [i] : [];
  });
}

/** Contexts that can begin a run of what does not depend on the event at `position`, and then the last event. */
function initialsOfLast(
  events: readonly Access[],
  before: readonly (readonly boolean[])[],
  position: number,
): number[] {
  const last = events.length - 1;
  const kept = events.map((_, k) => k).filter((k) => k > position && (k === last || !before[position]![k]));
  return [...new Set(kept.filter((k) => !kept.some((h) => h < k && before[h]![k])).map((k) => events[k]!.context))];
}

const ascending = (numbers: readonly number[]): number[] => [...numbers].sort((a, b) => a - b);

test("two accesses conflict when one writes what the other touches", () => {
  const [none, one, two] = [set(), set(1), set(2)];
  expect(conflicts(one, none, one, none)).toBe(false);
  expect(conflicts(one, none, none, one)).toBe(true);
  expect(conflicts(none, one, one, none)).toBe(true);
  expect(conflicts(none, one, none, one)).toBe(true);
  expect(conflicts(one, two, one, none)).toBe(false);
  expect(conflicts(two, one, one, two)).toBe(true);
  expect(conflicts(none, none, one, two)).toBe(false);
});

describe("an execution and its order", () => {
  test("clocks, races and initials are those of the plain definitions", () => {
    const seen = { races: 0, initials: 0, several: 0 };
    for (let seed = 0; seed < 40; seed++) {
      const draw = new RandomNumbers(seed);
      const trace = new Trace(CONTEXTS);
      const events: Access[] = [];
      for (let n = 0; n < 12; n++) {
        const access = randomAccess(draw);
        const { context, reads, writes } = access;
        events.push(access);
        const before = happensBefore(events);
        const races = trace.races(context, reads, writes);
        expect(ascending(races), `seed ${seed}, event ${n}`).toEqual(racesOfLast(events, before));
        expect(races).toEqual(ascending(races).reverse());
        for (const position of races) {
          const begin = trace.initials(position, context, reads, writes);
          expect(ascending(begin), `seed ${seed}, event ${n}`).toEqual(
            ascending(initialsOfLast(events, before, position)),
          );
          seen.initials++;
          if (begin.length > 1) seen.several++;
        }
        seen.races += races.length;
        const event = trace.push(context, 3, reads, writes);
        expect(trace.clockOf(context)).toBe(event.clock);
        for (let i = 0; i <= n; i++) expect(trace.before(i, event.clock)).toBe(i === n || before[i]![n]);
      }
    }
    expect(Math.min(...Object.values(seen))).toBeGreaterThan(50);
  });

  test("an access of nobody knows what races with the writes of others that nothing orders before it", () => {
    let found = 0;
    for (let seed = 0; seed < 60; seed++) {
      const draw = new RandomNumbers(seed);
      const trace = new Trace(CONTEXTS);
      const events: Access[] = [];
      for (let n = 0; n < 12; n++) {
        const access = randomAccess(draw);
        events.push(access);
        trace.push(access.context, 0, access.reads, access.writes);
      }
      const before = happensBefore(events);
      for (let context = 0; context < CONTEXTS; context++) {
        const own = events.map((event, i) => (event.context === context ? i : -1));
        const writes = events.map((event, i) => (event.writes.size > 0 ? i : -1)).filter((i) => i >= 0);
        // it depends on every write and on its own last event
        const expected = writes.filter(
          (i) => !own.some((k) => k >= 0 && (k === i || before[i]![k])) && !writes.some((k) => k > i && before[i]![k]),
        );
        expect(ascending(trace.writeRaces(context)), `seed ${seed}`).toEqual(expected);
        found += expected.length;
      }
    }
    expect(found).toBeGreaterThan(100);
  });

  test("taking events back leaves what was before them", () => {
    const draw = new RandomNumbers(8);
    const trace = new Trace(CONTEXTS);
    const kept: Access[] = [];
    const look = (t: Trace) =>
      Array.from({ length: CONTEXTS }, (_, c) => [
        t.races(c, set(0, 1), set(2)),
        t.writeRaces(c),
        [...t.clockOf(c)],
        t.last[c],
      ]);
    for (let n = 0; n < 200; n++) {
      if (draw.below(3) === 0 && kept.length > 0) {
        trace.pop();
        kept.pop();
      } else {
        const access = randomAccess(draw);
        kept.push(access);
        const event = trace.push(access.context, n, access.reads, access.writes);
        expect(event).toMatchObject({ context: access.context, way: n });
      }
      const again = new Trace(CONTEXTS);
      for (const { context, reads, writes } of kept) again.push(context, 0, reads, writes);
      expect(look(trace)).toEqual(look(again));
      expect(trace.events.map((event) => event.previous)).toEqual(again.events.map((event) => event.previous));
      expect(trace.events.length).toBe(kept.length);
    }
  });
});
