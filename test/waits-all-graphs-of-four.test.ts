import { expect, test } from "vitest";
import { analyze, reduce } from "../src/waits/index.ts";
import type { Context, ContextId, EventId, WaitCondition, WaitEvent, WaitGraph } from "../src/waits/types.ts";
import { breakersOf, mask, members, minimalOf } from "./waits-oracle.ts";

// Every node waits for k of a set of nodes (itself allowed), or for nothing: 32 + 1 waits, 33^4 = 1,185,921 graphs.
interface Wait {
  readonly targets: number;
  readonly k: number;
}
const NODES = [0, 1, 2, 3] as const;
const WAITS: Wait[] = [{ targets: 0, k: 0 }];
for (let targets = 1; targets < 16; targets++) {
  for (let k = 1; k <= members(targets).length; k++) WAITS.push({ targets, k });
}
const TOTAL = WAITS.length ** 4;

/** stays[w * 16 + s]: whether a node with wait w stays blocked when exactly the nodes in s are blocked. */
const stays = Uint8Array.from({ length: WAITS.length * 16 }, (_, i) => {
  const { targets, k } = WAITS[i >> 4]!;
  return members(targets & ~i & 15).length < k ? 1 : 0;
});

function setsOf(a: number, b: number, c: number, d: number): number[] {
  const sets: number[] = [];
  for (let s = 1; s < 16; s++) {
    if (
      ((s & 1) === 0 || stays[a * 16 + s] === 1) &&
      ((s & 2) === 0 || stays[b * 16 + s] === 1) &&
      ((s & 4) === 0 || stays[c * 16 + s] === 1) &&
      ((s & 8) === 0 || stays[d * 16 + s] === 1)
    )
      sets.push(s);
  }
  return sets;
}

const events: WaitEvent[] = NODES.map((n) => ({
  resource: { class: "node", id: `${n}` },
  verb: "run",
  providers: [{ context: n as ContextId, confidence: "proven" }],
}));
const contexts: Context[] = WAITS.map(({ targets, k }) => {
  if (targets === 0) return { kind: "task" };
  const of = members(targets).map((n): WaitCondition => ({ kind: "event", event: n as number as EventId }));
  return { kind: "task", wait: { kind: "atLeast", k, of } };
});
const graphOf = (a: number, b: number, c: number, d: number): WaitGraph => ({
  contexts: [contexts[a]!, contexts[b]!, contexts[c]!, contexts[d]!],
  events,
});

test("there are 33 waits of a node", () => {
  expect(WAITS.length).toBe(33);
  expect(TOTAL).toBe(1_185_921);
});

test("reduce agrees with the oracle on all 1,185,921 graphs of four nodes", () => {
  let graphs = 0;
  let withDead = 0;
  const wrong: string[] = [];
  for (let a = 0; a < 33; a++)
    for (let b = 0; b < 33; b++)
      for (let c = 0; c < 33; c++)
        for (let d = 0; d < 33; d++) {
          let expected = 0;
          for (const s of setsOf(a, b, c, d)) expected |= s;
          const dead = mask(reduce(graphOf(a, b, c, d)).dead);
          if (dead !== expected) wrong.push(`${a},${b},${c},${d}: ${dead} instead of ${expected}`);
          if (expected !== 0) withDead++;
          graphs++;
        }
  expect(wrong.slice(0, 5)).toEqual([]);
  expect(graphs).toBe(TOTAL);
  expect(withDead).toBeGreaterThan(100_000);
  expect(withDead).toBeLessThan(TOTAL);
});

/** All orders of four nodes, each with where it moves every wait. */
const ORDERS = [0, 1, 2, 3].flatMap((p) =>
  [0, 1, 2, 3].flatMap((q) =>
    [0, 1, 2, 3]
      .filter((r) => new Set([p, q, r]).size === 3)
      .map((r) => {
        const to = [p, q, r, 6 - p - q - r];
        const moved = WAITS.map(({ targets, k }) => {
          const image = members(targets).reduce((set, n) => set | (1 << to[n]!), 0);
          return WAITS.findIndex((w) => w.targets === image && w.k === k);
        });
        return { to, moved };
      }),
  ),
);

test("cores, breakers and groups agree with the oracle on every graph of four nodes up to the naming of nodes", () => {
  const wrong: string[] = [];
  let graphs = 0;
  const image = [0, 0, 0, 0];
  const isFirst = (waits: readonly number[]): boolean =>
    ORDERS.every(({ to, moved }) => {
      for (const n of NODES) image[to[n]!] = moved[waits[n]!]!;
      for (const n of NODES) if (image[n] !== waits[n]) return image[n]! > waits[n]!;
      return true;
    });
  for (let a = 0; a < 33; a++)
    for (let b = 0; b < 33; b++)
      for (let c = 0; c < 33; c++)
        for (let d = 0; d < 33; d++) {
          if (!isFirst([a, b, c, d])) continue;
          graphs++;
          const sets = setsOf(a, b, c, d);
          const minimal = minimalOf(sets);
          const { dead, cores, stuckBehind, breakers } = analyze(graphOf(a, b, c, d));
          const complain = (what: string) => wrong.push(`${a},${b},${c},${d}: ${what}`);
          const found = cores.map((core) => mask(core.contexts));
          const inCores = found.reduce((x, y) => x | y, 0);
          const stuck = stuckBehind.flatMap((g) => g.contexts);
          if (!found.every((s) => minimal.includes(s))) complain(`cores ${found} of ${minimal}`);
          if (members(inCores).length !== cores.flatMap((core) => core.contexts).length) complain("cores overlap");
          if (minimal.some((s) => (s & inCores) === 0)) complain("a core is missing");
          if (mask(stuck) !== (mask(dead) & ~inCores)) complain("stuck");
          if (`${breakers}` !== `${breakersOf(sets, 4)}`) complain(`breakers ${breakers}`);
        }
  expect(wrong.slice(0, 5)).toEqual([]);
  expect(graphs).toBeGreaterThan(TOTAL / 24);
});
