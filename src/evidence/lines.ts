/**
 * Bytes to lines. Blocks are decoded up to their last line end, so a character is never cut in two;
 * what is not UTF-8 is read as latin1. A line is kept up to 64 KiB; the rest of it is dropped and counted.
 */
import { isAscii, isUtf8 } from "node:buffer";

/** Longest line that is kept, in bytes. */
export const MAX_LINE_BYTES = 64 * 1024;

/**
 * Receives each line as a range of `text`, without its line end.
 * `plain` promises ASCII without CR, NUL, ESC and `&`.
 */
export type OnLine = (text: string, from: number, to: number, number: number, plain: boolean) => void;

/** Splits a byte stream into lines. */
export interface LineSplitter {
  push(chunk: Uint8Array): void;
  end(): void;
  readonly lines: number;
  readonly cutLines: number;
}

const decode = (b: Buffer): { text: string; ascii: boolean } => {
  if (isAscii(b)) return { text: b.toString("latin1"), ascii: true };
  if (isUtf8(b)) return { text: b.toString("utf8"), ascii: false };
  return { text: b.toString("latin1"), ascii: false };
};

const NOT_PLAIN = ["\r", "\0", "\x1b", "&"] as const;

const BLOCK = 256 * 1024;

/** A splitter that calls `onLine` for each line, in order. */
export const createLineSplitter = (onLine: OnLine): LineSplitter => {
  let carry: Buffer[] = [];
  let carried = 0;
  let dropping = false;
  let number = 0;
  let cut = 0;

  const within = (from: number, to: number): number => {
    if (to - from <= MAX_LINE_BYTES) return to;
    cut++;
    return from + MAX_LINE_BYTES;
  };

  /** Serial consoles end lines with `\r\r\n` or `\n\r`; a CR inside a line starts a new one on the terminal. */
  const splitAtCr = (line: string): void => {
    const parts = line.split("\r").filter((part) => part !== "");
    if (parts.length === 0) onLine("", 0, 0, number, false);
    for (const part of parts) onLine(part, 0, part.length, number, false);
  };

  /** Lines of a block that ends with a line end. */
  const block = (b: Buffer): void => {
    const { text, ascii } = decode(b);
    const special = !ascii || NOT_PLAIN.some((c) => text.includes(c));
    let from = 0;
    for (let next = text.indexOf("\n"); next >= 0; next = text.indexOf("\n", from)) {
      number++;
      const to = within(from, next);
      if (!special) onLine(text, from, to, number, true);
      else {
        const line = text.slice(from, to);
        if (line.includes("\r")) splitAtCr(line);
        else onLine(line, 0, line.length, number, ascii && !NOT_PLAIN.some((c) => line.includes(c)));
      }
      from = next + 1;
    }
  };

  const keep = (b: Buffer): void => {
    if (b.length === 0 || dropping) return;
    const room = MAX_LINE_BYTES + 1 - carried;
    const part = b.subarray(0, room);
    // A copy: the caller may use its chunk again, and a small rest must not hold a large chunk.
    carry.push(Buffer.from(part));
    carried += part.length;
    if (carried > MAX_LINE_BYTES) dropping = true;
    // One byte at a time would make a long list of tiny buffers.
    if (carry.length > 1024) carry = [Buffer.concat(carry)];
  };

  const takeCarry = (): Buffer => {
    const b = carry.length === 1 ? carry[0]! : Buffer.concat(carry);
    carry = [];
    carried = 0;
    dropping = false;
    return b;
  };

  const pushBlock = (b: Buffer): void => {
    const last = b.lastIndexOf(10);
    if (last < 0) {
      keep(b);
      return;
    }
    let start = 0;
    if (carried > 0) {
      const first = b.indexOf(10);
      keep(b.subarray(0, first));
      block(Buffer.concat([takeCarry(), Buffer.from("\n")]));
      start = first + 1;
    }
    if (last >= start) block(b.subarray(start, last + 1));
    keep(b.subarray(last + 1));
  };

  return {
    push(chunk) {
      const b = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      for (let p = 0; p < b.length; p += BLOCK) pushBlock(b.subarray(p, p + BLOCK));
    },
    end() {
      if (carried > 0) block(Buffer.concat([takeCarry(), Buffer.from("\n")]));
    },
    get lines() {
      return number;
    },
    get cutLines() {
      return cut;
    },
  };
};
