/**
 * Throughput of the readers over a SysRq-t log of 256 MiB, against a bare loop in the same run that only splits lines
 * and matches one frame pattern. Prints a table and a JSON document; asserts nothing.
 *
 * `npm run bench readers [-- --mib N]`. The log is a real SysRq-t dump, repeated with other pids and later time stamps.
 */
import { createReadStream, createWriteStream, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { gunzipSync } from "node:zlib";
import { diagnoseEvidence } from "../src/diagnose/index.ts";
import { collectEvidence, fileInput } from "../src/evidence/index.ts";

const mib = Number(process.argv[process.argv.indexOf("--mib") + 1]) || 256;
const sample = "samples/tour/ext4-writeback-hang.log.gz";

/** The SysRq-t part of the sample, cut where numbers change from copy to copy. */
function template(): (string | { readonly pid: number } | { readonly time: number })[] {
  const log = gunzipSync(readFileSync(sample)).toString("utf8");
  const from = log.indexOf("sysrq: Show State\n");
  const to = log.indexOf("Showing busy workqueues", from);
  const start = log.lastIndexOf("\n", from) + 1;
  const dump = log.slice(start, to < 0 ? undefined : log.lastIndexOf("\n", to) + 1);
  return dump.split(/((?<=^\[ *)\d+\.\d{6}|(?<= pid: *)\d+)/m).map((piece, i) => {
    if (i % 2 === 0) return piece;
    return piece.includes(".") ? { time: Number(piece) } : { pid: Number(piece) };
  });
}

function* copies(bytes: number): Generator<string> {
  const pieces = template();
  let written = 0;
  for (let n = 0; written < bytes; n++) {
    const copy = pieces
      .map((p) => (typeof p === "string" ? p : "pid" in p ? String(p.pid + 4000 * n) : (p.time + n * 10).toFixed(6)))
      .join("");
    written += copy.length;
    yield copy;
  }
}

interface Result {
  readonly what: string;
  readonly seconds: number;
  readonly mbPerSecond: number;
  readonly found: string;
}

async function timed(what: string, bytes: number, run: () => Promise<string>): Promise<Result> {
  process.stderr.write(`${what} ...\n`);
  const from = process.hrtime.bigint();
  const found = await run();
  const seconds = Number(process.hrtime.bigint() - from) / 1e9;
  return { what, seconds, mbPerSecond: bytes / 1e6 / seconds, found };
}

/** What any reader must at least do. */
async function bareLoop(file: string): Promise<string> {
  const frame = /^\[[ \d.]+\] +(?:\? )?([\w.]+)\+0x[0-9a-f]+\/0x[0-9a-f]+/;
  let rest = "";
  let lines = 0;
  let frames = 0;
  for await (const chunk of createReadStream(file, {
    highWaterMark: 1024 * 1024,
    encoding: "latin1",
  }) as AsyncIterable<string>) {
    const all = (rest + chunk).split("\n");
    rest = all.pop() ?? "";
    lines += all.length;
    for (const line of all) if (frame.test(line)) frames++;
  }
  return `${lines} lines, ${frames} frames`;
}

const peakMb = (): number => process.resourceUsage().maxRSS / 1024;

const folder = mkdtempSync(join(tmpdir(), "unwedge-bench-"));
try {
  const file = join(folder, "sysrq-t.log");
  await pipeline(Readable.from(copies(mib * 2 ** 20)), createWriteStream(file));
  const bytes = statSync(file).size;
  const results: Result[] = [];
  const bare = await timed("bare loop: split lines, one frame pattern", bytes, () => bareLoop(file));
  results.push(bare);
  const peakBare = peakMb();
  let evidence: Awaited<ReturnType<typeof collectEvidence>> | undefined;
  results.push(
    await timed("readers: collectEvidence", bytes, async () => {
      evidence = await collectEvidence([fileInput(file)]);
      const tasks = evidence.tasks.reduce((n, t) => n + (t.count ?? 1), 0);
      return `${evidence.inputs[0]?.lines} lines, ${tasks} tasks in ${evidence.tasks.length} records`;
    }),
  );
  const peakReaders = peakMb();
  results.push(
    await timed("diagnosis of that evidence", bytes, async () => {
      const d = diagnoseEvidence(evidence!);
      return `${d.verdict}, ${d.contexts} contexts`;
    }),
  );
  const document = {
    benchmark: "readers",
    node: process.version,
    cpu: cpus()[0]?.model ?? "unknown",
    bytes,
    results,
    ofBareLoop: results[1]!.mbPerSecond / bare.mbPerSecond,
    peakRssMb: { bareLoop: peakBare, readers: peakReaders, all: peakMb() },
  };
  const rows = results.map(
    (r) =>
      `${r.what.padEnd(44)} ${r.seconds.toFixed(2).padStart(8)} s ${r.mbPerSecond.toFixed(1).padStart(8)} MB/s   ${r.found}`,
  );
  console.log(`SysRq-t log of ${(bytes / 2 ** 20).toFixed(0)} MiB\n${rows.join("\n")}`);
  console.log(
    `readers reach ${(100 * document.ofBareLoop).toFixed(0)} % of the bare loop; peak memory ${document.peakRssMb.all.toFixed(0)} MB`,
  );
  console.log(JSON.stringify(document));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
