/**
 * The race against SPIN 6.5.2 (package `spin`, and a C compiler) on the families of `bench/spin/`: each row from the start of
 * the processes to the verdict, one after the other in the same run. SPIN is built in the ways that can be fastest: -O2 with a
 * table for large models, and -O0 with a small one; the faster of the two counts. Ours is `unwedge explore` as
 * it is built into dist/: one process of node, what a user would wait for. Prints a table and JSON; asserts nothing.
 *
 * `npm run bench spin [-- --only TEXT] [--limit SECONDS] [--big] [--ours]`: rows whose text has TEXT, the bound of one run (60),
 * the sizes that SPIN does not finish, too; only our side, as where SPIN or a C compiler is not installed.
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
/** The models lie beside the sources, which are one folder above the compiled bench. */
const models = join(here, "../../bench/spin");
const has = (name: string): boolean => process.argv.includes(name);
const argument = (name: string): string | undefined =>
  process.argv.flatMap((word, i) => (word === name ? [process.argv[i + 1] ?? ""] : []))[0];
const only = argument("--only") ?? "";
const limit = Number(argument("--limit")) || 60;

/** The command line as it is installed, built from the same sources by `npm run bench`. */
const main = join(here, "../../dist/cli/main.js");
const INCIDENTS: Readonly<Record<string, string>> = { a: "spin-abba", b: "spin-irq", c: "spin-jbd2", d: "spin-ring" };
const FILES: Readonly<Record<string, string>> = { a: "a_abba.pml", b: "b_irq.pml", c: "c_jbd2.pml", d: "d_ring.pml" };
interface Mode {
  readonly ours: readonly string[];
  readonly cc: readonly string[];
  readonly run: readonly string[];
}
const MODES: Readonly<Record<string, Mode>> = {
  first: { ours: [], cc: ["-DSAFETY"], run: [] },
  firstNoPor: { ours: [], cc: ["-DSAFETY", "-DNOREDUCE"], run: [] },
  all: { ours: ["--all-findings"], cc: ["-DSAFETY"], run: ["-c0"] },
  allNoPor: { ours: ["--all-findings"], cc: ["-DSAFETY", "-DNOREDUCE"], run: ["-c0"] },
  bfs: { ours: [], cc: ["-DSAFETY", "-DBFS"], run: [] },
  np: { ours: ["--fair"], cc: ["-DNP", "-DNFAIR=6"], run: ["-l", "-f"] },
  npNoPor: { ours: ["--fair"], cc: ["-DNP", "-DNFAIR=6", "-DNOREDUCE"], run: ["-l", "-f"] },
  npUnfair: { ours: ["--unfair"], cc: ["-DNP"], run: ["-l"] },
};
/** Family and sizes, modes, and the bits of SPIN's table for large models; `big`: SPIN does not finish it. */
type Row = readonly [string, string, number, "big"?];
const ROWS: readonly Row[] = [
  ["a N=2 M=1 K=2 PREALLOC=0", "first firstNoPor all allNoPor bfs", 24],
  ["a N=2 M=1 K=2 PREALLOC=1", "all allNoPor", 24],
  ["a N=3 M=1 K=3 PREALLOC=0", "first all allNoPor", 24],
  ["a N=3 M=1 K=3 PREALLOC=1", "all allNoPor", 26],
  ["a N=3 M=2 K=3 PREALLOC=0", "first all", 26],
  ["b CPUS=1 PAGES=1 COOKIE=0", "first all allNoPor bfs", 24],
  ["b CPUS=1 PAGES=1 COOKIE=1", "all allNoPor", 24],
  ["b CPUS=2 PAGES=1 COOKIE=0", "first all allNoPor", 26],
  ["b CPUS=2 PAGES=1 COOKIE=1", "all allNoPor", 26],
  ["c C=1 H=1 P=3 DEFER=0", "all allNoPor np npNoPor", 24],
  ["c C=1 H=1 P=3 DEFER=1", "all allNoPor np npNoPor npUnfair", 24],
  ["c C=2 H=1 P=4 DEFER=0", "all np", 24],
  ["c C=2 H=1 P=4 DEFER=1", "all np", 26],
  ["d N=2 PREALLOC=0", "first all allNoPor bfs", 24],
  ["d N=2 PREALLOC=1", "all allNoPor", 24],
  ["d N=3 PREALLOC=0", "first all allNoPor", 26],
  ["d N=3 PREALLOC=1", "all", 26],
  ["d N=4 PREALLOC=0", "first all", 27, "big"],
  ["d N=4 PREALLOC=1", "all", 27, "big"],
  ["d N=5 PREALLOC=0", "first all", 27, "big"],
  ["d N=5 PREALLOC=1", "all", 27, "big"],
];

interface Timed {
  readonly s: number;
  readonly text: string;
  readonly status: number | null;
}
function timed(command: string, args: readonly string[], cwd?: string): Timed {
  const began = performance.now();
  const child = spawnSync(command, args, {
    encoding: "utf8",
    maxBuffer: 1 << 28,
    ...(cwd === undefined ? {} : { cwd }),
  });
  return {
    s: (performance.now() - began) / 1000,
    text: (child.stdout ?? "") + (child.stderr ?? ""),
    status: child.status,
  };
}
const numberIn = (pattern: RegExp, text: string): number => Number(pattern.exec(text)?.[1] ?? Number.NaN);

interface Verdict {
  readonly verdict: string;
  readonly states: number | null;
  readonly steps: number;
  /** Seconds from the start of the first process, and of the search alone. */
  readonly seconds: number;
  readonly runSeconds: number;
}

/** What a run of the verifier says; a bound that was reached is no verdict. */
function spinVerdict(run: Timed): string {
  const cut =
    run.status === 124 || /out of memory|memory limit|depth too small|Interrupted|reached -DMEMLIM/i.test(run.text);
  const error = /pan:\d+: ([a-z -]+) \(at depth/.exec(run.text)?.[1];
  if (error !== undefined) return error === "non-progress cycle" ? "livelock" : "deadlock";
  return cut ? "undecided" : "none";
}

function spin(sizes: string, { cc, run }: Mode, optimise: string, bits: number): Verdict {
  const [family = "", ...parameters] = sizes.split(" ");
  const dir = mkdtempSync(join(tmpdir(), "unwedge-spin-"));
  try {
    const file = FILES[family] as string;
    copyFileSync(join(models, file), join(dir, file));
    const generated = timed("spin", ["-a", ...parameters.map((p) => `-D${p}`), file], dir);
    const flags = [optimise, "-w", "-DMEMLIM=6000", "-DVECTORSZ=2048", ...cc];
    const built = timed("cc", [...flags, "-o", "pan", "pan.c"], dir);
    if (built.status !== 0) throw new Error(`${sizes}: cc failed: ${built.text.slice(0, 300)}`);
    const search = ["-n", `-w${bits}`, "-m1000000", ...run];
    const ran = timed("timeout", ["-s", "INT", String(limit), "./pan", ...search], dir);
    return {
      verdict: spinVerdict(ran),
      states: numberIn(/([\d.e+]+) states, stored/, ran.text),
      steps: numberIn(/([\d.e+]+) transitions/, ran.text),
      seconds: generated.s + built.s + ran.s,
      runSeconds: ran.s,
    };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** What `unwedge explore` says, end to end: one process of node, from its start to its exit. */
function ours(sizes: string, mode: readonly string[]): Verdict {
  const [family = "", ...parameters] = sizes.split(" ");
  const words = [...parameters.flatMap((p) => ["--param", p]), ...mode, "--json", "--max-seconds", String(limit)];
  const run = timed(process.execPath, [main, "explore", INCIDENTS[family] as string, "--max-memory", "6000", ...words]);
  if (run.status !== 0 && run.status !== 1 && run.status !== 3)
    throw new Error(`${sizes} ${mode.join(" ")}: ${run.text.slice(-600)}`);
  const said = JSON.parse(run.text) as {
    readonly outcome: string;
    readonly states: number | null;
    readonly steps: number;
    readonly seconds: number;
    readonly complete: boolean;
  };
  const { outcome, complete, states, steps, seconds } = said;
  const verdict = outcome === "none" && !complete ? "undecided" : outcome;
  return { verdict, states, steps, seconds: run.s, runSeconds: seconds };
}

/** What the race needs besides us, and is not there. */
const absent = ["spin", "cc"].filter((command) => spawnSync(command, ["--version"]).error !== undefined);
const alone = has("--ours") || absent.length > 0;
if (absent.length > 0 && !has("--ours"))
  console.log(`${absent.join(" and ")} not installed (apt install spin gcc): only our side is measured`);

const fixed = (seconds: number | undefined): string => (seconds === undefined ? "-" : seconds.toFixed(2));
const rows: unknown[] = [];
console.log(`${cpus().length} cores, load ${loadavg()[0]!.toFixed(1)}; seconds end to end (search alone)`);
console.log(
  `${"row".padEnd(38)}${"SPIN".padStart(16)}${"unwedge".padStart(16)}${"times".padStart(7)}  verdicts; states`,
);
for (const [sizes, modes, bits, big] of ROWS) {
  if (big !== undefined && !has("--big")) continue;
  for (const name of modes.split(" ")) {
    if (!`${sizes} ${name}`.includes(only)) continue;
    const mode = MODES[name] as Mode;
    const us = ours(sizes, mode.ours);
    const them = alone
      ? undefined
      : [spin(sizes, mode, "-O2", bits), ...(big ? [] : [spin(sizes, mode, "-O0", 18)])].sort(
          (a, b) => a.seconds - b.seconds,
        )[0];
    const times = them === undefined ? "" : (them.seconds / us.seconds).toFixed(1);
    rows.push({ sizes, mode: name, spin: them, unwedge: us });
    const left = `${sizes} ${name}`.padEnd(38);
    const spinCell = `${fixed(them?.seconds)} (${fixed(them?.runSeconds)})`.padStart(16);
    const ourCell = `${fixed(us.seconds)} (${fixed(us.runSeconds)})`.padStart(16);
    const tail = `${them?.verdict ?? "-"}, ${us.verdict}; ${them?.states ?? "-"}, ${us.states}`;
    console.log(`${left}${spinCell}${ourCell}${times.padStart(7)}  ${tail}`);
  }
}
console.log(JSON.stringify({ bench: "spin", rows }));
