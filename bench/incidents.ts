/**
 * What the facts predict of each incident, release and switch, decided by the installed command at the incidents' default
 * sizes: outcome, states and steps a second, bytes a state, and seconds from the start of the process to the answer, which for
 * a deadlock is the first one found, shortened and printed. Prints a table and a JSON document; asserts nothing.
 *
 * `npm run bench incidents [-- --seconds N] [--mib N] [--only TEXT] [--param NAME=VALUE]`: bounds of one row (60 s, 2048 MiB),
 * the rows whose text has TEXT, other sizes (of parameters that the row does not set and its incident has).
 */
import { spawnSync } from "node:child_process";
import { cpus } from "node:os";

const argument = (name: string): string | undefined =>
  process.argv.flatMap((word, i) => (word === name ? [process.argv[i + 1] ?? ""] : [])).at(-1);
const seconds = Number(argument("--seconds")) || 60;
const mib = Number(argument("--mib")) || 2048;
const only = argument("--only") ?? "";
const sizes = process.argv.flatMap((word, i) => (word === "--param" ? [process.argv[i + 1] ?? ""] : []));

interface Row {
  readonly incident: string;
  /** Options of `unwedge explore`. */
  readonly options: string;
  readonly predicted: string;
}
const ABBA = "memcg-writeback-abba";
const SWITCH = "wb-switch-irq-nesting";
const XFS = "xfs-page-lock-order";
const WRAP = "--param faulters=0 --param fsyncers=2 --param pages=2";

const ROWS: readonly Row[] = [
  { incident: ABBA, options: "--era 4.4.155", predicted: "none" },
  { incident: ABBA, options: "--era 4.7.4", predicted: "none" },
  { incident: ABBA, options: "--era 4.20.0", predicted: "deadlock" },
  { incident: ABBA, options: "--era 4.20.0 --fix prealloc-pte", predicted: "none" },
  { incident: ABBA, options: "--era 4.20.0 --fix submit-before-lock", predicted: "none" },
  { incident: ABBA, options: "--era 4.20.0 --fix nofs-pte", predicted: "livelock" },
  { incident: ABBA, options: "--era 6.1.192 --revert prealloc-pte", predicted: "deadlock" },
  { incident: ABBA, options: "--era 4.20.0 --nokmem", predicted: "none" },
  { incident: ABBA, options: "--era 4.20.0 --cgroup v2", predicted: "none" },
  { incident: SWITCH, options: "--era 4.16.0", predicted: "none" },
  { incident: SWITCH, options: "--era 4.4.1", predicted: "none" },
  { incident: SWITCH, options: "--era 4.16.0 --hack switching,moving", predicted: "deadlock" },
  { incident: SWITCH, options: "--era 4.4.1 --hack switching,moving", predicted: "deadlock" },
  { incident: SWITCH, options: "--era 4.16.0 --hack switching,moving --param irq-cpu=1", predicted: "none" },
  { incident: SWITCH, options: "--era 4.16.0 --hack switching,moving --fix wb-lock-cookie", predicted: "none" },
  { incident: XFS, options: "--era 4.20.0", predicted: "deadlock" },
  { incident: XFS, options: "--era 4.20.0 --fix prealloc-pte", predicted: "none" },
  { incident: XFS, options: "--era 4.20.0 --fix prealloc-pte --hack hidden-alloc", predicted: "deadlock" },
  // "still deadlocks in 4.20.0" was expected of the wrap; but 64081362e8ff, which ends it, is in 4.20-rc1
  { incident: XFS, options: `--era 4.19.0 ${WRAP}`, predicted: "deadlock" },
  { incident: XFS, options: `--era 4.20.0 --revert no-cyclic-wrap ${WRAP}`, predicted: "deadlock" },
  { incident: XFS, options: `--era 4.20.0 ${WRAP}`, predicted: "none" },
  { incident: "ext4-writepages-reclaim", options: "--era 6.1.190", predicted: "deadlock" },
  { incident: "ext4-writepages-reclaim", options: "--era 6.1.190 --fix writepages-nofs", predicted: "none" },
  { incident: "dm-bufio-loop", options: "--era 5.2.0", predicted: "deadlock" },
  { incident: "dm-bufio-loop", options: "--era 5.2.0 --fix loop-noio", predicted: "none" },
  // the loop thread may evict, with the mutex to be had, the buffer that it is to write itself
  { incident: "dm-bufio-loop", options: "--era 5.2.0 --fix bufio-trylock", predicted: "deadlock" },
  { incident: "erofs-shrink-spin", options: "--era 5.15.0", predicted: "deadlock" },
  { incident: "erofs-shrink-spin", options: "--era 5.15.0 --fix erofs-xa-lock", predicted: "none" },
  { incident: "memory-high-nofs", options: "--era 6.5.0", predicted: "deadlock" },
  { incident: "memory-high-nofs", options: "--era 6.5.0 --fix high-gfp", predicted: "none" },
  { incident: "fuse-server-memcg", options: "", predicted: "deadlock" },
  { incident: "fuse-server-memcg", options: "--fix skip-deadlockable-mappings", predicted: "none" },
  { incident: "fuse-server-memcg", options: "--revert fuse-no-copies", predicted: "none" },
  { incident: "dm-crypt-throttle", options: "", predicted: "none" },
  { incident: "dm-snapshot-cow-throttle", options: "", predicted: "deadlock" },
  { incident: "dm-snapshot-cow-throttle", options: "--fix dm-snap-unlocked-throttle", predicted: "none" },
  { incident: "nbd-server-memcg", options: "", predicted: "deadlock" },
  { incident: "nbd-server-memcg", options: "--fix pr-set-io-flusher", predicted: "none" },
  { incident: "drain-pages-workqueue", options: "", predicted: "deadlock" },
  { incident: "drain-pages-workqueue", options: "--fix drain-rescuer", predicted: "none" },
  { incident: "jbd2-memcg-oom", options: "", predicted: "livelock" },
  { incident: "jbd2-memcg-oom", options: "--fix account-force", predicted: "livelock" },
  { incident: "jbd2-memcg-oom", options: "--fix account-force-jbd2", predicted: "none" },
  { incident: "jbd2-memcg-oom", options: "--fix nofail-without-reclaim --param free=0", predicted: "invariant" },
  { incident: "account-force-nesting", options: "", predicted: "livelock" },
  { incident: "account-force-nesting", options: "--fix account-force-nests", predicted: "none" },
  { incident: "account-force-debt", options: "", predicted: "invariant" },
  { incident: "account-force-debt", options: "--fix account-force-any-debt", predicted: "none" },
  { incident: "nfs-release-kthreadd", options: "", predicted: "deadlock" },
  { incident: "nfs-release-kthreadd", options: "--fix nfs-release-no-wait", predicted: "none" },
];

/** What is read of `unwedge.exploration/1`. */
interface Answer {
  readonly outcome: string;
  readonly complete: boolean;
  readonly stopped: string | null;
  readonly strategy: string;
  readonly states: number | null;
  readonly steps: number;
  readonly memoryBytes: number;
  readonly seconds: number;
  readonly parameters: Readonly<Record<string, number>>;
}

interface Result extends Row {
  /** From the start of the process to its end. */
  readonly wallSeconds: number;
  readonly answer: Answer | undefined;
  readonly error: string | undefined;
}

function explore(row: Row, params: readonly string[]): Result {
  process.stderr.write(`${row.incident} ${row.options} ...\n`);
  const bounds = ["--max-seconds", String(seconds), "--max-memory", String(mib)];
  const sized = params.flatMap((param) => ["--param", param]);
  const words = ["explore", row.incident, ...sized, ...row.options.split(" ").filter(Boolean), ...bounds, "--json"];
  const from = process.hrtime.bigint();
  const done = spawnSync(process.execPath, ["dist/cli/main.js", ...words], {
    encoding: "utf8",
    input: "",
    maxBuffer: 2 ** 28,
  });
  const wallSeconds = Number(process.hrtime.bigint() - from) / 1e9;
  const answer = done.stdout.startsWith("{") ? (JSON.parse(done.stdout) as Answer) : undefined;
  return { ...row, wallSeconds, answer, error: answer === undefined ? done.stderr.trim() : undefined };
}

/** With other sizes where the incident has such a parameter. */
function measured(row: Row): Result {
  const unknown = new Set<string>();
  for (;;) {
    const result = explore(
      row,
      sizes.filter((size) => !unknown.has(size)),
    );
    const refused = sizes.find((size) => result.error?.includes(`no parameter "${size.split("=")[0]}"`));
    if (refused === undefined || unknown.has(refused)) return result;
    unknown.add(refused);
  }
}

function cells({ incident, options, predicted, wallSeconds, answer, error }: Result): readonly string[] {
  const name = `${incident.split("-")[0]} ${options.replace("--era ", "").replaceAll("--param ", "")}`;
  if (answer === undefined) return [name, predicted, `refused: ${error}`];
  const { outcome, complete, states, steps, memoryBytes } = answer;
  const found = outcome !== "none";
  const covered = found ? outcome : complete ? "none, complete" : `none so far (${answer.stopped})`;
  const perSecond = states === null ? "" : Math.round(states / answer.seconds).toLocaleString("en");
  const perState = states === null ? "" : String(Math.round(memoryBytes / states));
  return [
    name,
    predicted,
    covered,
    found && outcome !== predicted ? "NO" : found || complete ? "yes" : "open",
    (states ?? "").toLocaleString("en"),
    steps.toLocaleString("en"),
    wallSeconds.toFixed(2),
    perSecond,
    perState,
    found ? wallSeconds.toFixed(2) : "",
  ];
}

const results = ROWS.filter((row) => `${row.incident} ${row.options}`.includes(only)).map(measured);
const HEAD = [
  "incident, era, switches",
  "predicted",
  "found",
  "as predicted",
  "states",
  "steps",
  "s",
  "states/s",
  "B/state",
  "s to finding",
];
const table = [HEAD, ...results.map(cells)];
const widths = HEAD.map((_, i) => Math.max(...table.map((row) => row[i]?.length ?? 0)));
for (const row of table) {
  console.log(
    row
      .map((cell, i) => (i < 4 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join("  ")
      .trimEnd(),
  );
}
console.log(
  "s: from the start of the process. The wrap of range_cyclic ends with 64081362e8ff (4.20-rc1): 4.20.0 has it only reverted.",
);
console.log(
  JSON.stringify({
    benchmark: "incidents",
    node: process.version,
    cpu: cpus()[0]?.model ?? "unknown",
    bounds: { seconds, mib },
    results: results.map(({ answer, ...row }) => ({
      ...row,
      ...(answer && {
        outcome: answer.outcome,
        complete: answer.complete,
        stopped: answer.stopped,
        strategy: answer.strategy,
        parameters: answer.parameters,
        states: answer.states,
        steps: answer.steps,
        memoryBytes: answer.memoryBytes,
        searchSeconds: answer.seconds,
      }),
    })),
  }),
);
