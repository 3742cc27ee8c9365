/** Inputs of the readers' fuzz test: real logs, spoiled in ways that a seed decides. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync, gzipSync } from "node:zlib";
import { FORMATS } from "../src/evidence/index.ts";

/** mulberry32: 32 bits of state, good enough to spoil logs with, the same everywhere. */
export function random(seed: number): () => number {
  let a = Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
type Random = () => number;
const below = (r: Random, n: number): number => Math.floor(r() * n);
const pick = <T>(r: Random, list: readonly T[]): T => list[below(r, list.length)]!;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const sampleFolders = ["samples/tour", "src/evidence/samples", "src/evidence/formats/samples", "src/diagnose/samples"];

/** Text of every real sample in the tree, and the literal sample line of every format. */
const corpus: readonly string[] = [
  ...sampleFolders.flatMap((d) => texts(join(root, d))),
  ...FORMATS.map((f) => `${f.sample}\n`.repeat(3)),
];

function texts(dir: string): string[] {
  let names: string[];
  try {
    names = readdirSync(dir).sort();
  } catch {
    return [];
  }
  return names.flatMap((n) => {
    if (n.endsWith(".gz")) return [gunzipSync(readFileSync(join(dir, n))).toString("latin1")];
    return /\.(txt|log|md)$/.test(n) ? [readFileSync(join(dir, n), "latin1")] : [];
  });
}

/** Some consecutive lines of some sample. */
function excerpt(r: Random): string {
  const text = pick(r, corpus);
  const size = 300 + below(r, 3000);
  const at = text.length <= size ? 0 : text.lastIndexOf("\n", below(r, text.length - size)) + 1;
  return text.slice(at, at + size);
}

const tokens = [
  "INFO: task ",
  " blocked for more than ",
  "task:",
  " state:D",
  "[<ffffffff",
  ">] ",
  "+0x",
  "/0x",
  "Call Trace:",
  "\n",
  "\r\n",
  "\r",
  "\0",
  " ",
  "\t",
  "? ",
  "#0 [",
  "PID: ",
  'COMMAND: "',
  "== ",
  "[<0>] ",
  "-- memory.stat",
  "> ",
  "&gt;",
  "=20",
  "=\n",
  "99999999999999999999",
  "-1",
  "0x",
  ":",
  "[",
  "]",
  "(",
  ")",
  "sysrq: Show Blocked State",
  "Showing all locks held in the system:",
  "\u001b[31m",
  "<script>",
  "\u00ff\u00fe",
  "\u00ef\u00bb\u00bf",
  "Workqueue: writeback wb_workfn (flush-8:0)",
  "oom-kill:constraint=",
  "4,1234,567890,-;",
  "[T123] ",
  "[  C1] ",
  "Linux version ",
];

type Change = (text: string, r: Random) => string;
const changes: Readonly<Record<string, Change>> = {
  bytes: (s, r) => {
    const b = Buffer.from(s, "latin1");
    for (let i = below(r, 20); i >= 0 && b.length > 0; i--) b[below(r, b.length)] = below(r, 256);
    return b.toString("latin1");
  },
  tokens: (s, r) => {
    let out = s;
    for (let i = below(r, 8); i >= 0; i--) {
      const at = below(r, out.length + 1);
      out = out.slice(0, at) + pick(r, tokens) + out.slice(at + below(r, 6));
    }
    return out;
  },
  truncated: (s, r) => s.slice(below(r, 40), Math.max(1, below(r, s.length))),
  spliced: (s, r) => {
    const other = excerpt(r);
    return s.slice(0, below(r, s.length)) + other.slice(below(r, other.length));
  },
  interleaved: (s, r) => {
    const [a, b] = [s.split("\n"), excerpt(r).split("\n")];
    return a.flatMap((l, i) => (r() < 0.5 && b[i] !== undefined ? [l, b[i]] : [l])).join("\n");
  },
  shuffled: (s, r) => {
    const lines = s.split("\n");
    for (let i = lines.length - 1; i > 0; i--) {
      const j = below(r, i + 1);
      [lines[i], lines[j]] = [lines[j]!, lines[i]!];
    }
    return lines.join("\n");
  },
  repeated: (s, r) => {
    const at = below(r, s.length);
    return s.slice(0, at) + s.slice(at, at + 1 + below(r, 60)).repeat(1 + below(r, 200)) + s.slice(at);
  },
  "line ends": (s, r) => s.replaceAll("\n", pick(r, ["\r\n", "\r", "\n\n", "\\n", "\0\n", " \n"])),
  quoted: (s, r) =>
    s
      .split("\n")
      .map((l) => pick(r, ["> ", ">> ", "> > ", "| "]) + l)
      .join("\n"),
  wrapped: (s, r) => s.replace(new RegExp(`(.{${30 + below(r, 50)}}) `, "g"), "$1\n"),
  "one line": (s, r) => s.replaceAll("\n", " ").repeat(1 + below(r, 40)),
  binary: (_, r) => Buffer.from(Array.from({ length: below(r, 4000) }, () => below(r, 256))).toString("latin1"),
};
const kinds = Object.keys(changes);

/** The input of a seed: one to three changes of a real excerpt; now and then compressed, whole or damaged. */
export function makeInput(seed: number): { readonly bytes: Uint8Array; readonly kind: string } {
  const r = random(seed);
  let text = excerpt(r);
  const done: string[] = [];
  for (let i = below(r, 3); i >= 0; i--) {
    const kind = pick(r, kinds);
    text = changes[kind]!(text, r).slice(0, 200_000);
    done.push(kind);
  }
  const bytes: Buffer = Buffer.from(text, "latin1");
  if (r() > 0.02) return { bytes, kind: done.join(", ") };
  const packed = gzipSync(bytes);
  if (r() < 0.7) packed[below(r, packed.length)] = below(r, 256);
  return {
    bytes: packed.subarray(0, r() < 0.5 ? packed.length : below(r, packed.length)),
    kind: `${done.join(", ")}, gzip`,
  };
}

/** The bytes in chunks whose sizes depend on the seed: a reader must not care where a chunk ends. */
export function splitInto(bytes: Uint8Array, seed: number): Uint8Array[] {
  const r = random(seed ^ 0x55555555);
  const out: Uint8Array[] = [];
  const most = pick(r, [7, 64, 1000, 1 << 20]);
  for (let at = 0; at < bytes.length; ) {
    const size = 1 + below(r, most);
    out.push(bytes.subarray(at, at + size));
    at += size;
  }
  return out;
}
