/** The core of a deadlock as text: who to release, and the ring of waits. */
import type { Diagnosis } from "../diagnose/types.ts";
import { ascii } from "./escape.ts";
import { type FoldedCore, foldCore, moreLikeIt } from "./fold.ts";
import type { Page } from "./page.ts";
import { findRing, type Ring } from "./ring.ts";
import { breakerSentence, edgeSentence } from "./sections.ts";
import * as words from "./words.ts";
import { wrap } from "./wrap.ts";

/** Most waits listed beside the ring. */
const MAX_OTHERS = 12;

/** Draws a core that is not empty. */
export function drawCore(page: Page, d: Pick<Diagnosis, "core" | "breakers">): void {
  const breaker = breakerSentence(d);
  if (breaker !== undefined) page.wrapped(undefined, breaker, "  ", "    ");
  const folded = foldCore(d.core);
  const ring = findRing(folded.edges);
  if (ring !== undefined) drawRing(page, ring, folded);
  const others = ring === undefined ? folded.edges : ring.others;
  if (ring !== undefined && others.length > 0) page.line(undefined, "  and also:");
  for (const edge of page.first(others, MAX_OTHERS)) {
    page.bullet(edgeSentence(folded.original(edge), moreLikeIt(folded, edge.waiter.key)));
  }
  if (!page.all && others.length > MAX_OTHERS) page.bullet(`${words.plural(others.length - MAX_OTHERS, "more wait")}`);
}

/** The ring as a column of contexts with what stands between them, and the way back on the left. */
function drawRing(page: Page, ring: Ring, folded: FoldedCore): void {
  const at = (mark: string, text: string): void => {
    for (const line of wrap(ascii(text), page.width, `  ${mark}`, "  |      ")) page.line(undefined, line);
  };
  ring.edges.forEach((edge, index) => {
    const { waiter, waitsFor, event, any, confidence } = edge;
    at(
      index === 0 ? "+--> " : "|    ",
      words.contextName(waiter) + words.assumed(waiter) + moreLikeIt(folded, waiter.key),
    );
    const several = any ? "any of several, one of them " : "";
    at("|      | ", `waits for ${several}${words.waitedFor(waitsFor)}${words.eventSuffix(waitsFor, event)}`);
    const only = any || folded.original(edge).heldBy.length > 1 ? "" : "only ";
    at("|      | ", `which ${only}${ring.edges.length === 1 ? "it itself" : "the next one"} can end (${confidence}):`);
    if (index < ring.edges.length - 1) page.line(undefined, "  |      v");
  });
  page.line(undefined, "  |      |");
  page.line(undefined, "  +------+");
}
