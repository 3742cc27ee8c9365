/** Promise: the lab boots a real kernel and its log gives a document of the contract. Needs what `lab --prepare` fetches. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { gunzipSync } from "node:zlib";
import { afterAll, expect, it } from "vitest";
import { runCommandLine } from "../src/cli/program.ts";
import { cacheFolder } from "../src/lab/folders.ts";
import type { LabDocument } from "../src/lab/measured.ts";
import { unpackedBefore } from "../src/lab/packages.ts";
import { findProgram } from "../src/lab/programs.ts";
import { stockKernelPackage } from "../src/lab/tools.ts";
import { diagnosisSchema } from "../src/report/schema.ts";

const cache = cacheFolder(process.env);
const path = process.env.PATH ?? "";
const has = (program: string, packageName: string): boolean =>
  findProgram(program, path) !== undefined || unpackedBefore(cache, packageName) !== undefined;
const lacking = [
  ...(unpackedBefore(cache, stockKernelPackage) === undefined ? [stockKernelPackage] : []),
  ...(has("busybox", "busybox-static") ? [] : ["busybox-static"]),
  ...(has("qemu-system-x86_64", "qemu-system-x86") ? [] : ["qemu-system-x86"]),
];
const why = lacking.length === 0 ? "" : ` (skipped: no ${lacking.join(", ")} in ${cache}; \`unwedge lab --prepare\`)`;

let dir: string | undefined;
afterAll(() => dir !== undefined && rmSync(dir, { recursive: true, force: true }));

it.skipIf(lacking.length > 0)(
  `boots the stock kernel, traces it and brings everything back${why}`,
  async () => {
    let out = "";
    let err = "";
    dir = mkdtempSync(join(tmpdir(), "unwedge-lab-boot-"));
    const folder = join(dir, "out");
    const parameters = ["seconds=4", "collect_seconds=1", "tasks=2"].flatMap((p) => ["--param", p]);
    const code = await runCommandLine(["lab", "healthy", "--json", "-o", folder, ...parameters], {
      out: async (text) => {
        out += text;
      },
      err: (line) => {
        err += `${line}\n`;
      },
      stdin: Readable.from([]),
      stdinPiped: false,
      stdinTty: true,
      outTty: false,
      columns: 80,
      rows: 1000,
      env: process.env,
      interrupted: new AbortController().signal,
    });
    expect(code, err).toBe(0);
    const document = JSON.parse(out) as { lab: LabDocument; verdict: string };
    expect(diagnosisSchema.safeParse(document).error).toBeUndefined();
    expect(["none", "slow"]).toContain(document.verdict);
    const [run] = document.lab.runs;
    expect(run).toMatchObject({ complete: true, panicked: false, ended: "ended", stoodStillAfterGuestSeconds: null });
    expect(run!.counters["disk.sectors_written"]).toBeGreaterThan(0);
    expect(run!.counters["memory.usage_in_bytes"]).toBeGreaterThan(0);
    expect(readFileSync(join(folder, "kernel.log"), "utf8")).toMatch(
      /Linux version .*\n[\s\S]*sysrq: Show Blocked State/,
    );
    expect(gunzipSync(readFileSync(join(folder, "trace.txt.gz"))).toString()).toMatch(/jbd2_handle_start: /);
    for (const file of ["diagnosis.json", "diskstats.txt", "memcg.txt", "run.json"])
      expect(existsSync(join(folder, file)), file).toBe(true);
  },
  600_000,
);
