/**
 * gzip, zstd and xz, recognised by their magic bytes, streaming and bounded.
 *
 * A log is compressed about 10:1, a hostile file 1000:1 and more: output stops at a fixed size, or at a ratio once
 * there is enough of it. Damaged data gives what could be decoded and a note.
 */
import { spawn } from "node:child_process";
import { createGunzip } from "node:zlib";
import { Decompress } from "fzstd";

/** Compression formats that are recognised. */
export type Compression = "gzip" | "xz" | "zstd";

/** When decompression stops. */
export interface DecompressLimits {
  readonly maxBytes: number;
  /** Output to input; checked once `ratioFrom` bytes came out. */
  readonly maxRatio: number;
  readonly ratioFrom: number;
}

/** 8 GiB, or 2000:1 after 64 MiB. */
export const DEFAULT_LIMITS: DecompressLimits = { maxBytes: 8 * 2 ** 30, maxRatio: 2000, ratioFrom: 64 * 2 ** 20 };

/** An input that cannot be read at all; the message is one clear line. */
export class EvidenceInputError extends Error {
  readonly input: string;
  constructor(input: string, message: string) {
    super(`${input}: ${message}`);
    this.name = "EvidenceInputError";
    this.input = input;
  }
}

/** Bytes of one input. */
export type Chunks = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** Where decompression reports to. */
export interface DecompressReport {
  compression(kind: Compression): void;
  note(text: string): void;
}

const startsWith = (b: Uint8Array, magic: readonly number[]): boolean => magic.every((m, i) => b[i] === m);

const MAGIC: readonly (readonly [Compression, readonly number[]])[] = [
  ["gzip", [0x1f, 0x8b]],
  ["xz", [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ["zstd", [0x28, 0xb5, 0x2f, 0xfd]],
];

/** Compression of the data that begins with `head`. */
export const detectCompression = (head: Uint8Array): Compression | undefined =>
  MAGIC.find(([, magic]) => startsWith(head, magic))?.[0];

const PIECE = 16 * 1024;
const ZSTD_PIECE = 1024;

async function* pieces(
  first: Uint8Array,
  rest: AsyncIterator<Uint8Array> | Iterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  let chunk: Uint8Array | undefined = first;
  while (chunk !== undefined) {
    // Small pieces: what one of them can swell to stays small too.
    for (let p = 0; p < chunk.length; p += PIECE) yield chunk.subarray(p, p + PIECE);
    const next: IteratorResult<Uint8Array> = await rest.next();
    chunk = next.done ? undefined : next.value;
  }
}

async function* gunzip(source: AsyncIterable<Uint8Array>, note: (why: string) => void): AsyncGenerator<Uint8Array> {
  const z = createGunzip();
  let out: Uint8Array[] = [];
  let failed: string | undefined;
  let wake: (() => void) | undefined;
  z.on("data", (d: Uint8Array) => out.push(d));
  z.on("error", (e: Error) => {
    failed ??= e.message;
    wake?.();
  });
  const settled = (start: (done: () => void) => void): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
      if (failed !== undefined) resolve();
      else start(resolve);
    });
  try {
    for await (const piece of source) {
      await settled((done) => z.write(piece, () => done()));
      yield* out;
      out = [];
      if (failed !== undefined) break;
    }
    if (failed === undefined) {
      await settled((done) => {
        z.once("end", done);
        z.end();
      });
      yield* out;
    }
  } finally {
    z.destroy();
  }
  if (failed !== undefined) note(failed);
}

/** Largest window that is accepted, as the zstd tool does without --long. */
const MAX_ZSTD_WINDOW = 2 ** 27;

/** Window size that the first frame asks for (RFC 8878, 3.1.1.1). */
const zstdWindow = (b: Uint8Array): number => {
  const descriptor = b[4] ?? 0;
  if (descriptor & 0x20) {
    const bytes = [1, 2, 4, 8][descriptor >> 6]!;
    const at = 5 + [0, 1, 2, 4][descriptor & 3]!;
    let size = 0;
    for (let i = bytes - 1; i >= 0; i--) size = size * 256 + (b[at + i] ?? 0);
    return bytes === 2 ? size + 256 : size;
  }
  const window = b[5] ?? 0;
  const base = 2 ** (10 + (window >> 3));
  return base + (base / 8) * (window & 7);
};

async function* unzstd(
  source: AsyncIterable<Uint8Array>,
  head: Uint8Array,
  note: (why: string) => void,
): AsyncGenerator<Uint8Array> {
  // A single-segment frame announces its whole content as window; only memory that is really written counts there.
  if (zstdWindow(head) > ((head[4] ?? 0) & 0x20 ? 2 ** 30 : MAX_ZSTD_WINDOW)) {
    note("window size above 128 MiB");
    return;
  }
  let out: Uint8Array[] = [];
  const z = new Decompress((d) => out.push(d.slice()));
  try {
    for await (const piece of source) {
      // four bytes (a block of one repeated byte) can swell to 128 KiB
      for (let p = 0; p < piece.length; p += ZSTD_PIECE) {
        z.push(piece.subarray(p, p + ZSTD_PIECE));
        yield* out;
        out = [];
      }
    }
    z.push(new Uint8Array(0), true);
  } catch (e) {
    note(e instanceof Error ? e.message : "damaged");
  }
  yield* out;
}

async function* unxz(
  source: AsyncIterable<Uint8Array>,
  input: string,
  note: (why: string) => void,
): AsyncGenerator<Uint8Array> {
  const child = spawn("xz", ["-dc"], { stdio: ["pipe", "pipe", "pipe"] });
  let missing = false;
  let complaint = "";
  const closed = new Promise<void>((resolve) => {
    child.on("error", () => {
      missing = true;
      resolve();
    });
    child.on("close", () => resolve());
  });
  child.stdin.on("error", () => undefined);
  child.stderr.on("data", (d: Buffer) => {
    if (complaint.length < 500) complaint += d.toString("utf8");
  });
  let stop = false;
  const feeding = (async (): Promise<void> => {
    for await (const piece of source) {
      if (stop || missing) return;
      if (!child.stdin.write(piece)) await Promise.race([new Promise((r) => child.stdin.once("drain", r)), closed]);
    }
    child.stdin.end();
  })();
  try {
    for await (const d of child.stdout) yield d as Uint8Array;
    await closed;
    await feeding;
  } finally {
    stop = true;
    child.kill();
  }
  if (missing)
    throw new EvidenceInputError(
      input,
      "is compressed with xz, and there is no xz program here; install xz-utils or decompress it first",
    );
  if (complaint !== "")
    note(
      complaint
        .trim()
        .replace(/^xz: (?:\(stdin\): )?/, "")
        .split("\n")[0] ?? "damaged",
    );
}

/** Plain bytes of one input, decompressed when its first bytes say so. */
export async function* decompress(
  input: string,
  source: Chunks,
  report: DecompressReport,
  limits: DecompressLimits = DEFAULT_LIMITS,
): AsyncGenerator<Uint8Array> {
  const iterator: AsyncIterator<Uint8Array> | Iterator<Uint8Array> =
    Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  let head = new Uint8Array(0);
  while (head.length < 18) {
    const next: IteratorResult<Uint8Array> = await iterator.next();
    if (next.done) break;
    if (head.length === 0) head = next.value as Uint8Array<ArrayBuffer>;
    else {
      const both = new Uint8Array(head.length + next.value.length);
      both.set(head);
      both.set(next.value, head.length);
      head = both;
    }
  }
  const kind = detectCompression(head);
  if (kind === undefined) {
    if (startsWith(head, [0x42, 0x5a, 0x68])) report.note("looks like bzip2, which is not read; decompress it first");
    if (startsWith(head, [0x50, 0x4b, 0x03, 0x04]))
      report.note("looks like a zip archive, which is not read; unpack it first");
    if (head.length > 0) yield head;
    for (let next: IteratorResult<Uint8Array> = await iterator.next(); !next.done; next = await iterator.next())
      yield next.value;
    return;
  }
  report.compression(kind);
  let consumed = 0;
  let produced = 0;
  const counted = (async function* (): AsyncGenerator<Uint8Array> {
    for await (const piece of pieces(head, iterator)) {
      consumed += piece.length;
      yield piece;
    }
  })();
  const damaged = (why: string): void =>
    report.note(`${kind} data is damaged after ${produced} bytes of output (${why}); read up to there`);
  const plain =
    kind === "gzip"
      ? gunzip(counted, damaged)
      : kind === "zstd"
        ? unzstd(counted, head, damaged)
        : unxz(counted, input, damaged);
  for await (const chunk of plain) {
    const room = limits.maxBytes - produced;
    produced += Math.min(chunk.length, room);
    if (chunk.length > room) {
      yield chunk.subarray(0, room);
      report.note(`stopped after ${limits.maxBytes} bytes of decompressed output`);
      return;
    }
    yield chunk;
    if (produced > limits.ratioFrom && produced > consumed * limits.maxRatio) {
      report.note(`stopped: ${produced} bytes came out of ${consumed}, more than ${limits.maxRatio} to 1`);
      return;
    }
  }
}
