/**
 * One row of the race against SPIN, decided: `node families.js FAMILY MODE` with FAMILY such as "a N=3 M=1 K=3 PREALLOC=0" and
 * MODE `first` (stop at the first fault), `all` (every state), `shortest` (the first fault, made short), `np` (fair cycles
 * without progress) or `npUnfair`. Where a fault is looked for, some random runs come before the proof, as in `unwedge explore`. Prints one line of JSON. The programs are generator code on the machine of all incidents.
 */
import { prove } from "../../src/explore/prove.ts";
import { random } from "../../src/explore/random.ts";
import { contextSwitches } from "../../src/explore/schedule.ts";
import type { SearchOutcome } from "../../src/explore/types.ts";
import { sameFault, shorten } from "../../src/explore/witness.ts";
import type { Machine } from "../../src/resumable/machine.ts";
import { abba } from "./abba-program.ts";
import { irq } from "./irq-program.ts";
import { journal } from "./journal-program.ts";
import { ring } from "./ring-program.ts";

type Sizes = Readonly<Record<string, number>>;

const FAMILIES: Readonly<Record<string, (sizes: Sizes) => Machine>> = {
  a: ({ N = 2, M = 1, K = 2, PREALLOC }) => abba({ tasks: N, flushers: M, pages: K, prealloc: PREALLOC === 1 }),
  b: ({ CPUS = 2, PAGES = 1, IRQS = 2, COOKIE }) => irq({ cpus: CPUS, pages: PAGES, irqs: IRQS, cookie: COOKIE === 1 }),
  c: ({ C = 1, H = 1, P = 3, DEFER }) => journal({ creators: C, holders: H, pages: P, defer: DEFER === 1 }),
  d: ({ N = 2, PREALLOC }) => ring(N, PREALLOC === 1),
};

const [row = "", mode = "all"] = process.argv.slice(2);
const [family = "", ...given] = row.split(" ");
const sizes = Object.fromEntries(given.map((word) => [word.split("=")[0], Number(word.split("=")[1])]));
const build = FAMILIES[family];
if (build === undefined) throw new Error(`no family "${family}"; there are ${Object.keys(FAMILIES).join(", ")}`);
const began = performance.now();
const machine = build(sizes);
const livelocks = mode === "np" ? ("fair" as const) : mode === "npUnfair" ? ("any" as const) : ("endless" as const);
const quick = (): SearchOutcome =>
  random(machine, { maxSteps: 30_000, maxDepth: 300, learn: true, suspectStates: 5_000, livelocks });
const proof = (): SearchOutcome =>
  prove(machine, {
    // whole spaces are searched to the end, as SPIN does with -c0
    find: mode === "all" ? "all" : "first",
    reduce: !mode.startsWith("np"),
    livelocks,
    memoryBytes: 6e9,
  });
const drawn = mode === "all" ? undefined : quick();
const outcome = drawn?.finding === undefined ? proof() : drawn;
const { finding } = outcome;
const short =
  mode === "shortest" && finding !== undefined
    ? shorten(machine, finding.schedule, sameFault(finding), { maxSteps: 20_000 })
    : finding?.schedule;
const { states, steps, depth, bytes, complete, stopped } = outcome;
const kinds = [...new Set(outcome.findings.map(({ kind }) => kind))];
const witness = short === undefined ? {} : { witness: short.length, switches: contextSwitches(short) };
const seconds = (performance.now() - began) / 1000;
console.log(JSON.stringify({ kinds, states, steps, depth, bytes, complete, stopped, seconds, ...witness }));
