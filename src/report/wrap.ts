/** Breaking ASCII text and shell commands into lines that survive e-mail. */

/** Wraps `text` at blanks; words longer than a line are cut. `first` opens the first line, `rest` the others. */
export function wrap(text: string, width: number, first = "", rest: string = first): string[] {
  const lines: string[] = [];
  let line = first;
  let empty = true;
  const flush = (): void => {
    lines.push(line.trimEnd());
    line = rest;
    empty = true;
  };
  for (let word of text.split(" ").filter((w) => w !== "")) {
    if (!empty && line.length + 1 + word.length > width) flush();
    while (empty && line.length + word.length > width) {
      const room = Math.max(1, width - line.length);
      line += word.slice(0, room);
      word = word.slice(room);
      flush();
    }
    if (word === "") continue;
    line += empty ? word : ` ${word}`;
    empty = false;
  }
  if (!empty || lines.length === 0) lines.push(line.trimEnd());
  return lines;
}

type Quote = "none" | "single" | "double" | "ansi";

/**
 * Wraps a shell command so that it can still be pasted: it breaks at unquoted blanks with ` \`; a word longer than a
 * line is cut where the shell joins it again (`\` and newline; single quotes are closed and opened around the cut).
 */
export function wrapCommand(command: string, width: number, indent: string): string[] {
  const lines: string[] = [];
  let line = indent;
  const words = commandWords(command);
  const commentAt = words.findIndex((word) => word.startsWith("#"));
  for (const word of commentAt < 0 ? words : words.slice(0, commentAt)) {
    const blank = line === indent || line.endsWith("  ") ? "" : " ";
    if (line.length + blank.length + word.length + 2 <= width) {
      line += blank + word;
      continue;
    }
    if (line.trim() !== "") {
      lines.push(`${line} \\`);
      line = `${indent}  `;
    }
    const pieces = cutWord(word, width - line.length - 4, width - 4);
    for (const piece of pieces.slice(0, -1)) {
      lines.push(`${line}${piece}\\`);
      line = "";
    }
    line += pieces.at(-1) ?? "";
  }
  if (line.trim() !== "") lines.push(line);
  // `\` does not join lines inside a comment: it stands above the command, in lines of its own.
  const comment = commentAt < 0 ? "" : words.slice(commentAt).join(" ").replace(/^#+ */, "");
  return comment === "" ? lines : [...wrap(comment, width, `${indent}# `), ...lines];
}

function quoteAfter(state: Quote, text: string, at: number): Quote {
  const char = text[at];
  if (state === "none") {
    if (char === "'") return text[at - 1] === "$" ? "ansi" : "single";
    return char === '"' ? "double" : "none";
  }
  if (state === "double") return char === '"' ? "none" : "double";
  return char === "'" ? "none" : state;
}

/** Steps over one shell character: an escape and what it escapes are one. */
function* shellChars(text: string): Generator<{ readonly unit: string; readonly before: Quote }> {
  let state: Quote = "none";
  for (let at = 0; at < text.length; ) {
    const escaped = text[at] === "\\" && state !== "single" && at + 1 < text.length;
    // `\xNN` of an ANSI-C quoted word must not be torn.
    const length = !escaped ? 1 : state === "ansi" && text[at + 1] === "x" ? 4 : 2;
    const before = state;
    if (!escaped) state = quoteAfter(state, text, at);
    yield { unit: text.slice(at, at + length), before };
    at += length;
  }
}

function commandWords(command: string): string[] {
  const words: string[] = [];
  let word = "";
  for (const { unit, before } of shellChars(command)) {
    if (unit === " " && before === "none") {
      if (word !== "") words.push(word);
      word = "";
    } else word += unit;
  }
  if (word !== "") words.push(word);
  return words;
}

const REOPEN: Readonly<Record<Quote, readonly [string, string]>> = {
  none: ["", ""],
  double: ["", ""],
  single: ["'", "'"],
  ansi: ["'", "$'"],
};

function cutWord(word: string, firstRoom: number, room: number): string[] {
  const pieces: string[] = [];
  let piece = "";
  let left = firstRoom;
  for (const { unit, before } of shellChars(word)) {
    // `$'` opens as one.
    const opening = before === "none" && unit === "'" && piece.endsWith("$");
    if (piece.length + unit.length > left && !opening && piece !== "") {
      const [close, open] = REOPEN[before];
      pieces.push(piece + close);
      piece = open;
      left = room;
    }
    piece += unit;
  }
  pieces.push(piece);
  return pieces;
}
