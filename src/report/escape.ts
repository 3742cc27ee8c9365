/**
 * Log text is hostile: a task may call itself `<script>`, carry ANSI escapes, or turn the line around with bidi
 * controls. Every renderer passes every string through one of these functions; none writes a string as it came.
 */

/** Control, format (bidi, zero width, BOM, tags), line separators, lone surrogates, unassigned and private characters. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Cn}\p{Co}]/gu;
const NOT_PRINTABLE_ASCII = /[^\x20-\x7e]/gu;
const SHORT: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

function spell(char: string): string {
  const short = SHORT[char];
  if (short !== undefined) return short;
  const code = char.codePointAt(0) ?? 0;
  if (code <= 0xff) return `\\x${code.toString(16).padStart(2, "0")}`;
  if (code <= 0xffff) return `\\u${code.toString(16).padStart(4, "0")}`;
  return `\\u{${code.toString(16)}}`;
}

/** Makes everything that does not show (or that changes how its neighbours show) visible: ESC becomes `\x1b`, RLO `\u202e`. */
export function visible(text: string): string {
  return text.replace(INVISIBLE, spell);
}

/** As {@link visible}, but tabs stay: for whole log lines in a `white-space: pre` block. */
export function visibleLine(text: string): string {
  return text.replace(INVISIBLE, (char) => (char === "\t" ? char : spell(char)));
}

/** Printable ASCII only, one line: everything else is spelled out. */
export function ascii(text: string): string {
  return text.replace(NOT_PRINTABLE_ASCII, (char) => (char === "\u00a0" ? " " : spell(char)));
}

const MARKUP: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text for HTML and SVG, in element content and in double-quoted attributes. */
export function markup(text: string): string {
  return visible(text).replace(/[&<>"']/g, (char) => MARKUP[char] ?? char);
}

/** As {@link markup} for a whole log line (tabs stay). */
export function markupLine(text: string): string {
  return visibleLine(text).replace(/[&<>"']/g, (char) => MARKUP[char] ?? char);
}

/** A DOT string with its quotes. Graphviz decodes `&lt;` and `\N` in labels, so both are escaped too. */
export function dotString(...lines: readonly string[]): string {
  const inner = lines.map((line) => visible(line).replace(/&/g, "&amp;").replace(/\\/g, "\\\\").replace(/"/g, '\\"'));
  return `"${inner.join("\\n")}"`;
}

/** A Mermaid label with its quotes: all but plain words become `#code;`, so neither Markdown nor HTML has a meaning in it. */
export function mermaidString(...lines: readonly string[]): string {
  const inner = lines.map((line) =>
    visible(line).replace(/[^A-Za-z0-9 _/:,()]/gu, (char) => `#${char.codePointAt(0) ?? 0};`),
  );
  return `"${inner.join("<br/>")}"`;
}

/** One word for a POSIX shell (bash's `$'...'` where control or non-ASCII characters need it). */
export function shellWord(word: string): string {
  if (word === "-") return word;
  const safe = word.startsWith("-") ? `./${word}` : word;
  if (/^[A-Za-z0-9_/.:=@%+,-]+$/.test(safe)) return safe;
  if (!/[^\x20-\x7e]/u.test(safe)) return `'${safe.replace(/'/g, "'\\''")}'`;
  const bytes = [...new TextEncoder().encode(safe)].map((byte) => {
    const char = String.fromCharCode(byte);
    if (char === "'" || char === "\\") return `\\${char}`;
    return byte >= 0x20 && byte <= 0x7e ? char : `\\x${byte.toString(16).padStart(2, "0")}`;
  });
  return `$'${bytes.join("")}'`;
}
