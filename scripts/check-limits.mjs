#!/usr/bin/env node
// Promises too large for the test suite: a line of 1 GiB and decompression bombs are read in bounded memory, to a
// bounded end. Everything is generated while it is read. Needs a build; one line per promise, exit code 1 if one breaks.
import { gzipSync } from "node:zlib";
import { collectEvidence } from "../dist/evidence/index.js";

const MiB = 2 ** 20;
const rssMb = () => process.resourceUsage().maxRSS / 1024;
const hang = "INFO: task sync:1 blocked for more than 120 seconds.\n";
let failed = 0;

const promise = async (name, run) => {
  const from = Date.now();
  let problem;
  try {
    problem = await run();
  } catch (e) {
    problem = String(e?.message ?? e);
  }
  if (problem === undefined && rssMb() > 500) problem = `peak memory ${rssMb().toFixed(0)} MB`;
  if (problem !== undefined) failed++;
  const facts = `${((Date.now() - from) / 1000).toFixed(1)} s, peak memory ${rssMb().toFixed(0)} MB`;
  console.log(
    `${problem === undefined ? "ok    " : "FAILED"} ${name} (${facts})${problem === undefined ? "" : `: ${problem}`}`,
  );
};
const read = (chunks, options) => collectEvidence([{ name: "generated", chunks }], options);

await promise("a line of 1 GiB is cut, counted, and what follows is read", async () => {
  const block = Buffer.alloc(MiB, "blocked for more than ");
  const e = await read(
    (function* () {
      yield Buffer.from(hang);
      for (let i = 0; i < 1024; i++) yield block;
      yield Buffer.from(`\n${hang}`);
    })(),
  );
  if (e.cutLines !== 1) return `${e.cutLines} lines counted as cut`;
  if (e.inputs[0].lines !== 3) return `${e.inputs[0].lines} lines counted`;
  return e.tasks.length === 2 ? undefined : `${e.tasks.length} reports found around it`;
});

await promise("a gzip bomb stops at the size limit", async () => {
  // every member swells a thousandfold; a thousand of them would be 62 GiB
  const member = gzipSync(Buffer.alloc(64 * MiB), { level: 9 });
  let members = 0;
  const e = await read(
    (function* () {
      for (; members < 1000; members++) yield member;
    })(),
    { limits: { maxBytes: 2048 * MiB, maxRatio: 2000, ratioFrom: 64 * MiB } },
  );
  if (e.inputs[0].bytes > 2048 * MiB) return `${e.inputs[0].bytes} bytes came out`;
  if (members > 40) return `${members} members were read`;
  return e.inputs[0].notes?.some((n) => n.includes("stopped")) ? undefined : "nothing says that it stopped";
});

await promise("a zstd bomb stops at the ratio", async () => {
  // frame header without content size, then blocks of one repeated byte: 4 bytes in, 128 KiB out
  const header = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58]);
  const block = 128 * 1024;
  const rle = Buffer.alloc(3 + 1);
  rle.writeUIntLE((block << 3) | (1 << 1), 0, 3);
  rle[3] = 0x41;
  const blocks = Buffer.concat(Array.from({ length: 4096 }, () => rle));
  const e = await read(
    (function* () {
      yield header;
      for (let i = 0; i < 4096; i++) yield blocks;
    })(),
  );
  if (e.inputs[0].bytes > 1024 * MiB) return `${e.inputs[0].bytes} bytes came out`;
  return e.inputs[0].notes?.some((n) => n.includes("stopped"))
    ? undefined
    : `nothing says that it stopped: ${e.inputs[0].notes}`;
});

process.exitCode = failed > 0 ? 1 : 0;
