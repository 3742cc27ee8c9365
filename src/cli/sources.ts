/** Keeps the log text that the HTML report shows beside its findings, while the readers stream. */
import { decompress } from "../evidence/decompress.ts";
import type { EvidenceInput } from "../evidence/index.ts";

/** Inputs to read from, and afterwards the text that went by. */
export interface KeptSources {
  readonly inputs: readonly EvidenceInput[];
  /** Decompressed texts in the order of the inputs; cut at a bound, empty when not kept. */
  sources(): Promise<string[]>;
}

/** Bytes kept per input, as read and as decompressed; a larger log is shown up to there. */
const keptBytes = 32 * 1024 * 1024;

/** Wraps inputs so that (when `keep`) what is read from them can be shown later. */
export function keepSources(inputs: readonly EvidenceInput[], keep: boolean): KeptSources {
  if (!keep) return { inputs, sources: async () => inputs.map(() => "") };
  const kept: Uint8Array[][] = inputs.map(() => []);
  return {
    inputs: inputs.map((input, i) => ({ name: input.name, chunks: tee(input, kept[i]!) })),
    sources: () => Promise.all(kept.map((chunks, i) => textOf(inputs[i]!.name, chunks))),
  };
}

async function* tee(input: EvidenceInput, into: Uint8Array[]): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of input.chunks) {
    if (bytes < keptBytes) into.push(Uint8Array.from(chunk.subarray(0, keptBytes - bytes)));
    bytes += chunk.length;
    yield chunk;
  }
}

async function textOf(name: string, chunks: readonly Uint8Array[]): Promise<string> {
  const limits = { maxBytes: keptBytes, maxRatio: Number.POSITIVE_INFINITY, ratioFrom: 0 };
  // damage was reported when the readers met it
  const silent = { compression: () => undefined, note: () => undefined };
  const out: Uint8Array[] = [];
  for await (const chunk of decompress(name, chunks, silent, limits)) out.push(Uint8Array.from(chunk));
  return Buffer.concat(out).toString("utf8");
}
