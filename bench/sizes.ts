/**
 * How the cost of a proof grows with the size: closed variants of incidents at one size after the other, by the installed
 * command, each until it ends or the bound is reached. Prints a table and a JSON document; asserts nothing.
 *
 * `npm run bench sizes [-- --seconds N] [--mib N] [--only TEXT]`: bounds of one proof (60 s, 4096 MiB), the rows whose text has TEXT.
 */
import { spawnSync } from "node:child_process";
import { cpus } from "node:os";

const argument = (name: string): string | undefined =>
  process.argv.flatMap((word, i) => (word === name ? [process.argv[i + 1] ?? ""] : [])).at(-1);
const seconds = Number(argument("--seconds")) || 60;
const mib = Number(argument("--mib")) || 4096;
const only = argument("--only") ?? "";

/** An incident with its fix, and parameters in growing order; what is not named is at its default. */
const SERIES: readonly (readonly [string, readonly string[]])[] = [
  [
    "memcg-writeback-abba --fix prealloc-pte",
    ["faulters=1 room=0", "faulters=1 writers=1 room=0", "faulters=1 writers=1", "", "room=0", "writers=1"],
  ],
  ["xfs-page-lock-order --fix prealloc-pte", ["faulters=1", "faulters=1 writers=1", "", "writers=1"]],
  ["wb-switch-irq-nesting --era 4.16.0", ["pages=1", "pages=2", "pages=3"]],
  ["ext4-writepages-reclaim --fix writepages-nofs", ["", "pages=2 unused=2 chattrs=2", "pages=4 unused=4 chattrs=2"]],
  ["dm-bufio-loop --fix loop-noio", ["", "buffers=2", "readers=2", "readers=2 buffers=2"]],
  ["memory-high-nofs --fix high-gfp", ["", "syncs=2 unused=2", "finds=2"]],
  ["fuse-server-memcg --fix skip-deadlockable-mappings", [""]],
  ["ext4-sync-handle --fix ext4-sync-handle-last", ["", "pages=4", "pages=6"]],
];

interface Answer {
  readonly outcome: string;
  readonly complete: boolean;
  readonly states: number | null;
  readonly steps: number;
}

console.log(
  `${cpus().length} cores; proofs alone, at most ${seconds} s and ${mib} MiB; seconds from the start of the process`,
);
console.log(
  `${"incident and size".padEnd(84)}${"states".padStart(12)}${"steps".padStart(13)}${"s".padStart(7)}  answer`,
);
const rows: unknown[] = [];
for (const [incident, sizes] of SERIES) {
  for (const size of sizes) {
    const text = `${incident} ${size}`;
    if (!text.includes(only)) continue;
    const parameters = size === "" ? [] : size.split(" ").flatMap((p) => ["--param", p]);
    const bounds = ["--strategy", "prove", "--max-seconds", String(seconds), "--max-memory", String(mib), "--json"];
    const began = performance.now();
    const child = spawnSync(
      process.execPath,
      ["--max-old-space-size=8000", "dist/cli/main.js", "explore", ...incident.split(" "), ...parameters, ...bounds],
      { encoding: "utf8", maxBuffer: 1 << 28 },
    );
    const took = (performance.now() - began) / 1000;
    if (child.status === 2) throw new Error(`${text}: ${child.stderr}`);
    const answer = JSON.parse(child.stdout) as Answer;
    rows.push({ incident, size, ...pick(answer), seconds: took });
    const verdict = answer.complete ? answer.outcome : `open (${answer.outcome})`;
    const left = text.padEnd(84) + String(answer.states ?? "-").padStart(12) + String(answer.steps).padStart(13);
    console.log(`${left}${took.toFixed(1).padStart(7)}  ${verdict}`);
  }
}
console.log(JSON.stringify({ bench: "sizes", rows }));

function pick({ outcome, complete, states, steps }: Answer): Answer {
  return { outcome, complete, states, steps };
}
