/** Close misspellings. */

/** Edit distance with swaps of neighbours; stops counting above `limit`. */
function distance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let [before, row] = [[] as number[], Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let d = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) d = Math.min(d, before[j - 2]! + 1);
      next.push(d);
    }
    [before, row] = [row, next];
  }
  return row[b.length]!;
}

/** Up to three of `words` that `word` may have meant, nearest first: a typing error, or a part of the name. */
export function nearest(word: string, words: Iterable<string>): string[] {
  const limit = Math.max(1, Math.floor(word.length / 4));
  const scored: (readonly [number, string])[] = [];
  for (const w of words) {
    const d = distance(word, w, limit);
    if (d <= limit) scored.push([d, w]);
    else if (word.length >= 4 && w.includes(word)) scored.push([limit + w.length - word.length, w]);
  }
  return scored
    .sort((a, b) => a[0] - b[0] || (a[1] < b[1] ? -1 : 1))
    .slice(0, 3)
    .map(([, w]) => w);
}

/** ` (did you mean a or b?)`, or nothing. */
export function didYouMean(word: string, words: Iterable<string>): string {
  const near = nearest(word, words);
  return near.length > 0 ? ` (did you mean ${near.join(" or ")}?)` : "";
}
