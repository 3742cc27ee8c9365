import type { Confidence } from "./types.ts";

/** Every confidence, weakest first. */
export const CONFIDENCES: readonly Confidence[] = ["possible", "likely", "proven"];

/** Orders confidences: negative when `a` is weaker than `b`, 0 when equal. */
export function compareConfidence(a: Confidence, b: Confidence): number {
  return CONFIDENCES.indexOf(a) - CONFIDENCES.indexOf(b);
}

/** The weakest link of a chain of claims; `proven` when there is no link. */
export function weakest(confidences: Iterable<Confidence>): Confidence {
  let found: Confidence = "proven";
  for (const c of confidences) if (compareConfidence(c, found) < 0) found = c;
  return found;
}

/** The surest of alternatives, any of which would do; `proven` when there is none. */
export function strongest(confidences: Iterable<Confidence>): Confidence {
  let found: Confidence | undefined;
  for (const c of confidences) if (found === undefined || compareConfidence(c, found) > 0) found = c;
  return found ?? "proven";
}
