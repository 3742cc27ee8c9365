/**
 * Searches that were stopped, in files.
 *
 * A line of JSON says what was searched, and by which version. What follows is cut into frames: how many bytes (four, least
 * first), the SHA-256 of the frame before and of these bytes, the bytes; an empty frame ends the file. The first frame
 * follows the header in that chain, so that any change, cut or joint is found. Inside lies a second JSON text in which each
 * array of numbers is only named by its length; their words come after it in that order, as they lie in memory. No buffer is
 * larger than a frame, but for the arrays themselves.
 */
import { createHash } from "node:crypto";
import { closeSync, fstatSync, fsyncSync, openSync, readSync, renameSync, rmSync, writeSync } from "node:fs";
import { endianness } from "node:os";
import type { Bounds } from "../../explore/incident.ts";
import type { Strategy } from "../../explore/incident-witness.ts";
import type { SavedSearch } from "../../explore/saved-search.ts";
import type { Choices } from "../../incidents/prepared.ts";
import { packageVersion } from "../version.ts";
import { modelHash } from "./model-hash.ts";

export const SAVED_SEARCH = "unwedge.saved-search/1";

/** What was searched: all that a search goes on with, except its own state. */
export interface SavedHeader {
  readonly schema: typeof SAVED_SEARCH;
  readonly version: string;
  /** SHA-256 of the model (`model-hash.ts`). */
  readonly model: string;
  readonly byteOrder: string;
  readonly incident: string;
  readonly choices: Choices;
  readonly strategy: Strategy | null;
  readonly seed: number | null;
  readonly bounds: Pick<Bounds, "exact" | "fair" | "unfair" | "all" | "reduce">;
  /** How long it has searched so far. */
  readonly seconds: number;
  /** A proof follows; otherwise the search begins again. */
  readonly proof: boolean;
}

/** The file cannot be used; the message says why, without its name. */
export class SavedSearchFileError extends Error {}

const FRAME = 1 << 22;
const DIGEST = 32;
const MOST_HEADER = 1 << 20;
const NEWLINE = 10;

/** Writes beside the file and then puts it in its place; returns its size. Throws what the system says. */
export function writeSavedSearch(
  file: string,
  what: Pick<SavedHeader, "incident" | "choices" | "strategy" | "seed" | "bounds" | "seconds">,
  userFile: string | undefined,
  search: SavedSearch | undefined,
): number {
  const head: SavedHeader = {
    schema: SAVED_SEARCH,
    version: packageVersion(),
    model: modelHash(userFile),
    byteOrder: endianness(),
    ...what,
    proof: search !== undefined,
  };
  const part = `${file}.${process.pid}.part`;
  const fd = openSync(part, "w");
  try {
    let bytes: number;
    try {
      bytes = writeAll(fd, Buffer.from(`${JSON.stringify(head)}\n`), search);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(part, file);
    return bytes;
  } catch (error) {
    rmSync(part, { force: true });
    throw error;
  }
}

function writeAll(fd: number, head: Buffer, search: SavedSearch | undefined): number {
  const frames = new FrameWriter(fd, head);
  const arrays: (Int32Array | Uint8Array)[] = [];
  const text = Buffer.from(JSON.stringify(outline(search ?? null, arrays)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  frames.write(length);
  frames.write(text);
  for (const array of arrays) frames.write(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
  return frames.end();
}

/** The data with each typed array replaced by its length, and the arrays in the order of `Object.values`. */
function outline(value: unknown, arrays: (Int32Array | Uint8Array)[]): unknown {
  if (value instanceof Int32Array || value instanceof Uint8Array) {
    arrays.push(value);
    return value instanceof Int32Array ? { $words: value.length } : { $bytes: value.length };
  }
  if (Array.isArray(value)) return value.map((part) => outline(part, arrays));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, outline(part, arrays)]));
}

class FrameWriter {
  readonly #fd: number;
  #digest: Buffer;
  #size: number;
  readonly #frame = Buffer.alloc(4 + DIGEST + FRAME);
  #used = 0;

  constructor(fd: number, head: Buffer) {
    this.#fd = fd;
    this.#digest = createHash("sha256").update(head).digest();
    this.#size = head.length;
    writeWhole(fd, head);
  }

  write(bytes: Uint8Array): void {
    for (let from = 0; from < bytes.length; ) {
      const count = Math.min(FRAME - this.#used, bytes.length - from);
      this.#frame.set(bytes.subarray(from, from + count), 4 + DIGEST + this.#used);
      this.#used += count;
      from += count;
      if (this.#used === FRAME) this.#flush();
    }
  }

  #flush(): void {
    const end = 4 + DIGEST + this.#used;
    const frame = this.#frame.subarray(0, end);
    this.#digest = createHash("sha256")
      .update(this.#digest)
      .update(frame.subarray(4 + DIGEST))
      .digest();
    frame.writeUInt32LE(this.#used, 0);
    frame.set(this.#digest, 4);
    writeWhole(this.#fd, frame);
    this.#size += end;
    this.#used = 0;
  }

  /** Returns how many bytes were written in all. */
  end(): number {
    if (this.#used > 0) this.#flush();
    this.#flush();
    return this.#size;
  }
}

function writeWhole(fd: number, bytes: Uint8Array): void {
  for (let from = 0; from < bytes.length; ) from += writeSync(fd, bytes, from, bytes.length - from);
}

/** What a file holds. Throws a {@link SavedSearchFileError}, or what the system says. */
export function readSavedHeader(file: string): SavedHeader {
  const fd = openSync(file, "r");
  try {
    return headOf(fd).head;
  } finally {
    closeSync(fd);
  }
}

/** The search in a file; undefined: it begins again. Throws like {@link readSavedHeader}. */
export function readSavedSearch(file: string): SavedSearch | undefined {
  const fd = openSync(file, "r");
  try {
    const { bytes } = headOf(fd);
    const frames = new FrameReader(fd, bytes);
    const length = Buffer.alloc(8);
    frames.read(length);
    const textLength = Number(length.readBigUInt64LE());
    if (textLength > frames.left) throw damaged();
    const text = Buffer.alloc(textLength);
    frames.read(text);
    const search = filled(JSON.parse(text.toString()), frames) as SavedSearch | null;
    frames.end();
    return search ?? undefined;
  } finally {
    closeSync(fd);
  }
}

function headOf(fd: number): { readonly head: SavedHeader; readonly bytes: Buffer } {
  const stat = fstatSync(fd);
  if (!stat.isFile()) throw new SavedSearchFileError("is not a file; give what --save has written");
  const first = Buffer.alloc(Math.min(stat.size, MOST_HEADER));
  const read = readSync(fd, first, 0, first.length, 0);
  const end = first.subarray(0, read).indexOf(NEWLINE);
  const head = end < 0 ? undefined : parsed(first.toString("utf8", 0, end));
  if (head?.schema !== SAVED_SEARCH)
    throw new SavedSearchFileError("is no saved search of this version; give what --save has written");
  const version = packageVersion();
  if (head.version !== version)
    throw new SavedSearchFileError(`was written by unwedge ${head.version}, and this is ${version}: search again`);
  if (head.byteOrder !== endianness())
    throw new SavedSearchFileError("was written on a machine with another byte order: search again");
  return { head, bytes: first.subarray(0, end + 1) };
}

/** The model must be the one that was searched; `userFile`: a user's own incident. */
export function checkModel(head: SavedHeader, userFile: string | undefined): void {
  if (head.model !== modelHash(userFile))
    throw new SavedSearchFileError("was written by another version of the model: search again");
}

function parsed(text: string): SavedHeader | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as SavedHeader) : undefined;
  } catch {
    return undefined;
  }
}

function filled(value: unknown, frames: FrameReader): unknown {
  if (Array.isArray(value)) return value.map((part) => filled(part, frames));
  if (typeof value !== "object" || value === null) return value;
  const { $words, $bytes } = value as { readonly $words?: number; readonly $bytes?: number };
  if ($words !== undefined || $bytes !== undefined) {
    if (($words ?? 0) * 4 + ($bytes ?? 0) > frames.left) throw damaged();
    const array = $words === undefined ? new Uint8Array($bytes ?? 0) : new Int32Array($words);
    frames.read(new Uint8Array(array.buffer));
    return array;
  }
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, filled(part, frames)]));
}

const damaged = (): SavedSearchFileError =>
  new SavedSearchFileError("is damaged or cut off: the search in it cannot go on");

class FrameReader {
  readonly #fd: number;
  readonly #fileSize: number;
  #at: number;
  #digest: Buffer;
  #frame = Buffer.alloc(0);
  #used = 0;
  readonly #head = Buffer.alloc(4 + DIGEST);

  constructor(fd: number, head: Buffer) {
    this.#fd = fd;
    this.#fileSize = fstatSync(fd).size;
    this.#at = head.length;
    this.#digest = createHash("sha256").update(head).digest();
  }

  /** At most so many bytes can follow. */
  get left(): number {
    return this.#fileSize - this.#at + this.#frame.length - this.#used;
  }

  read(into: Uint8Array): void {
    for (let to = 0; to < into.length; ) {
      if (this.#used === this.#frame.length) this.#next(false);
      const count = Math.min(into.length - to, this.#frame.length - this.#used);
      into.set(this.#frame.subarray(this.#used, this.#used + count), to);
      this.#used += count;
      to += count;
    }
  }

  end(): void {
    if (this.#used !== this.#frame.length) throw damaged();
    this.#next(true);
    if (this.#at !== this.#fileSize) throw damaged();
  }

  #next(last: boolean): void {
    this.#readWhole(this.#head);
    const length = this.#head.readUInt32LE(0);
    if (length > FRAME || (length === 0) !== last) throw damaged();
    if (this.#frame.length !== length) this.#frame = Buffer.alloc(length);
    this.#readWhole(this.#frame);
    this.#digest = createHash("sha256").update(this.#digest).update(this.#frame).digest();
    if (!this.#digest.equals(this.#head.subarray(4))) throw damaged();
    this.#used = 0;
  }

  #readWhole(into: Buffer): void {
    for (let to = 0; to < into.length; ) {
      const read = readSync(this.#fd, into, to, into.length - to, this.#at);
      if (read === 0) throw damaged();
      to += read;
      this.#at += read;
    }
  }
}
