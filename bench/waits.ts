/**
 * How long wait graphs of a million edges take: compile to flat arrays, reduce, explain (cores, groups, breakers).
 * `node bench/waits.js` prints a table, with `--json` one JSON document; `--only=TEXT` picks graphs. An edge is one "context waits for event".
 */
import { analyze } from "../src/waits/index.ts";
import { compile } from "../src/waits/net.ts";
import { blockedContexts } from "../src/waits/propagate.ts";
import { reduceNet } from "../src/waits/reduce.ts";
import type { Context, ContextId, EventId, WaitCondition, WaitEvent, WaitGraph } from "../src/waits/types.ts";

const EDGES = 1_000_000;

/** A small generator with a fixed seed (xorshift32), so that every run measures the same graphs. */
function random(seed: number): (below: number) => number {
  let x = seed;
  return (below) => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) % below;
  };
}

/** One event per context, raised by it alone; `waits(c)` gives what context c waits for. */
function graph(size: number, waits: (c: number) => WaitCondition | undefined): WaitGraph {
  const contexts: Context[] = [];
  const events: WaitEvent[] = [];
  for (let c = 0; c < size; c++) {
    const wait = waits(c);
    contexts.push(wait ? { kind: "task", wait } : { kind: "task" });
    events.push({
      resource: { class: "mutex", id: `${c}` },
      verb: "unlock",
      providers: [{ context: c as ContextId, confidence: "proven" }],
    });
  }
  return { contexts, events };
}

const on = (event: number): WaitCondition => ({ kind: "event", event: event as EventId });

const CASES: readonly { readonly name: string; readonly make: () => WaitGraph }[] = [
  {
    name: "random AND of 2, one in 1,000 runs",
    make: () => {
      const pick = random(1);
      const n = EDGES / 2;
      return graph(n, () => (pick(1000) === 0 ? undefined : { kind: "all", of: [on(pick(n)), on(pick(n))] }));
    },
  },
  {
    name: "random OR of 5, all released",
    make: () => {
      const pick = random(2);
      const n = EDGES / 5;
      return graph(n, (c) =>
        c === 0 ? undefined : { kind: "any", of: Array.from({ length: 5 }, () => on(pick(n))).concat(on(c - 1)) },
      );
    },
  },
  {
    name: "random 2 of 5",
    make: () => {
      const pick = random(3);
      const n = EDGES / 5;
      return graph(n, () => ({ kind: "atLeast", k: 2, of: Array.from({ length: 5 }, () => on(pick(n))) }));
    },
  },
  { name: "chain, the end runs", make: () => graph(EDGES + 1, (c) => (c === EDGES ? undefined : on(c + 1))) },
  { name: "chain behind a pair", make: () => graph(EDGES, (c) => on(c + 1 < EDGES ? c + 1 : c - 1)) },
  { name: "one cycle", make: () => graph(EDGES, (c) => on((c + 1) % EDGES)) },
  {
    name: "dense OR, 1,000 wait for any of 1,000",
    make: () => {
      const everybody = Array.from({ length: 1000 }, (_, e) => on(e));
      return graph(1000, () => ({ kind: "any", of: everybody }));
    },
  },
  {
    name: "ring, each waits for both neighbours",
    make: () => {
      const n = EDGES / 2;
      return graph(n, (c) => ({ kind: "all", of: [on((c + 1) % n), on((c + n - 1) % n)] }));
    },
  },
  { name: "500,000 pairs", make: () => graph(EDGES, (c) => on(c ^ 1)) },
  {
    name: "one condition 1,000,000 deep",
    make: () => {
      let deep = on(1);
      for (let i = 0; i < EDGES; i++) deep = { kind: i % 2 === 0 ? "any" : "all", of: [deep] };
      return graph(2, (c) => (c === 0 ? deep : on(0)));
    },
  },
];

function milliseconds<T>(run: () => T): { readonly result: T; readonly ms: number } {
  const start = performance.now();
  const result = run();
  return { result, ms: performance.now() - start };
}

function measure({ name, make }: (typeof CASES)[number]) {
  const input = make();
  const compileRuns = [1, 2, 3].map(() => milliseconds(() => compile(input)));
  const net = compileRuns[0]!.result;
  const reduceRuns = [1, 2, 3].map(() => milliseconds(() => blockedContexts(reduceNet(input, net).state)));
  const best = (runs: readonly { readonly ms: number }[]) => Math.min(...runs.map((r) => r.ms));
  const compileMs = best(compileRuns);
  const reduceMs = best(reduceRuns);
  const { result, ms } = milliseconds(() => analyze(input));
  const core = result.cores[0];
  return {
    name,
    contexts: input.contexts.length,
    arcs: net.inputs.length,
    compileMs: Math.round(compileMs),
    reduceMs: Math.round(reduceMs),
    analyzeMs: Math.round(ms),
    explainMs: Math.max(0, Math.round(ms - compileMs - reduceMs)),
    dead: result.dead.length,
    cores: result.cores.length,
    moreCores: result.moreCores === true,
    firstCore: core ? `${core.kind} of ${core.contexts.length}, ${core.minimal}` : "-",
    breakers: result.breakers.length,
  };
}

const columns = ["contexts", "arcs", "compileMs", "reduceMs", "explainMs", "dead", "cores", "breakers"] as const;
const json = process.argv.includes("--json");
if (!json) console.log(`${"graph".padEnd(40)}${columns.map((c) => c.padStart(11)).join("")}  first core`);
const only = process.argv.find((a) => a.startsWith("--only="))?.slice(7) ?? "";
const results = CASES.filter((c) => c.name.includes(only)).map((c) => {
  const r = measure(c);
  const cell = (column: (typeof columns)[number]) =>
    `${r[column]}${column === "cores" && r.moreCores ? "+" : ""}`.padStart(11);
  if (!json) console.log(`${r.name.padEnd(40)}${columns.map(cell).join("")}  ${r.firstCore}`);
  return r;
});
if (json)
  console.log(JSON.stringify({ benchmark: "waits", edges: EDGES, node: process.version, results }, undefined, 2));
