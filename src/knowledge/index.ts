export { decodeGfp, type GfpDecoding } from "./gfp.ts";
export { type HoldMeaning, Interpreter, type StackMeaning, type WaitMeaning } from "./interpret.ts";
export { inEra, parseRelease, type Release } from "./release.ts";
export { allRows } from "./rows.ts";
export type {
  CallerRow,
  DoingRow,
  Era,
  HoldRow,
  KnowledgeRow,
  NeutralRow,
  ProviderHint,
  Scope,
  Sleep,
  WaitRow,
} from "./types.ts";
