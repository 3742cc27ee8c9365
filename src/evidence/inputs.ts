/** Inputs from files and strings. */
import { createReadStream } from "node:fs";
import type { Chunks } from "./decompress.ts";

/** One input: a name for people and its bytes, compressed or not. */
export interface EvidenceInput {
  readonly name: string;
  readonly chunks: Chunks;
}

/** An input of text that is already in memory. */
export const textInput = (name: string, text: string): EvidenceInput => ({ name, chunks: [Buffer.from(text, "utf8")] });

/** A file as input; it is opened when it is read. */
export const fileInput = (path: string): EvidenceInput => ({
  name: path,
  chunks: {
    [Symbol.asyncIterator]: () =>
      createReadStream(path, { highWaterMark: 1024 * 1024 })[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>,
  },
});
