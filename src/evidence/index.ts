/** Readers: logs, dumps and counters into {@link Evidence}. */
export { type CollectOptions, collectEvidence } from "./collect.ts";
export { DEFAULT_LIMITS, type DecompressLimits, EvidenceInputError } from "./decompress.ts";
export { FORMATS } from "./formats/index.ts";
export { type EvidenceInput, fileInput, textInput } from "./inputs.ts";
export type { EvidenceSink, Format, LineReader, LogLine } from "./reader.ts";
export { type Bounds, DEFAULT_BOUNDS } from "./sink.ts";
export type * from "./types.ts";
