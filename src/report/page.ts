/** Lines of a text report: escaped, wrapped, styled. */
import { ascii } from "./escape.ts";
import { wrap, wrapCommand } from "./wrap.ts";

/** What a piece of text is; a `style` function may colour it. The text says the same without. */
export type TextRole = "verdict" | "heading" | "name" | "says" | "command" | "dim";

export class Page {
  readonly #out: string[] = [];
  readonly width: number;
  readonly all: boolean;
  readonly #style: (role: TextRole, text: string) => string;

  constructor(width: number, style: (role: TextRole, text: string) => string, all: boolean) {
    this.width = width;
    this.all = all;
    this.#style = style;
  }
  /** The first `n`, or all when asked for. */
  first<T>(items: readonly T[], n: number): readonly T[] {
    return this.all ? items : items.slice(0, n);
  }
  blank(): void {
    this.#out.push("");
  }
  /** One line that is known to fit. */
  line(role: TextRole | undefined, text: string): void {
    const safe = ascii(text).trimEnd();
    this.#out.push(role === undefined ? safe : this.#style(role, safe));
  }
  wrapped(role: TextRole | undefined, text: string, first = "  ", rest: string = first): void {
    for (const line of wrap(ascii(text), this.width, first, rest)) this.line(role, line);
  }
  bullet(text: string, indent = "  "): void {
    this.wrapped(undefined, text, `${indent}* `, `${indent}  `);
  }
  command(text: string, indent = "        "): void {
    for (const line of wrapCommand(ascii(text), this.width, indent)) this.line("command", line);
  }
  /** A command on one line, however long: a path broken by `\\` cannot be pasted everywhere. */
  pasted(text: string, indent: string): void {
    for (const line of wrapCommand(ascii(text), Number.POSITIVE_INFINITY, indent)) this.line("command", line);
  }
  toString(): string {
    return `${this.#out.join("\n")}\n`;
  }
}
