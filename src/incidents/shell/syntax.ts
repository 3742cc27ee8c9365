/**
 * The part of the shell language that reproducers are written in: simple commands with words, quotes, parameters and redirections;
 * lists with `;`, `&`, `&&`, `||`; `( )`, `{ }`, `while`, `until`, `for`, `if`. What is not understood is refused with its line.
 *
 * Not here: pipes, here-documents, functions, `case`, arithmetic, patterns in words, command substitution.
 *
 * Trees are frozen, as a running shell keeps them over steps.
 */

/** A piece of a word: text as it is, or the value of a parameter; `split` where an unquoted value falls apart at spaces. */
export type Part =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "parameter"; readonly name: string; readonly split: boolean };
export type Word = readonly Part[];

export interface Redirection {
  /** `>`, `>>`, `<`. */
  readonly operator: string;
  readonly descriptor: number;
  readonly target: Word;
}
export interface Assignment {
  readonly name: string;
  readonly value: Word;
}

export type Node =
  | {
      readonly kind: "command";
      readonly line: number;
      readonly assignments: readonly Assignment[];
      readonly words: readonly Word[];
      readonly redirections: readonly Redirection[];
    }
  | { readonly kind: "sequence"; readonly items: readonly Node[] }
  | { readonly kind: "background"; readonly body: Node }
  | { readonly kind: "and" | "or"; readonly left: Node; readonly right: Node }
  | { readonly kind: "not"; readonly body: Node }
  | { readonly kind: "subshell" | "group"; readonly body: Node; readonly redirections: readonly Redirection[] }
  | { readonly kind: "loop"; readonly until: boolean; readonly condition: Node; readonly body: Node }
  | { readonly kind: "for"; readonly name: string; readonly words: readonly Word[]; readonly body: Node }
  | { readonly kind: "if"; readonly condition: Node; readonly then: Node; readonly otherwise: Node | undefined };

/** A script, or why it is none. @since 0.3.0 */
export type Parsed =
  | { readonly ok: true; readonly script: Node }
  | { readonly ok: false; readonly line: number; readonly error: string };

/** An operator, a word, or the end of a line. */
interface Token {
  readonly kind: "operator" | "word" | "newline" | "end";
  readonly line: number;
  /** Of an operator. */
  readonly text: string;
  readonly word: Word;
  /** A word without quotes and parameters: it can be a keyword. */
  readonly plain: string | undefined;
}

class SyntaxFault extends Error {
  readonly line: number;
  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

const OPERATORS = ["&&", "||", ">>", ";;", "<<", ";", "&", "(", ")", "<", ">", "|"] as const;
const NAME = /^[A-Za-z_][A-Za-z0-9_]*/;
const KEYWORDS = new Set([
  "while",
  "until",
  "do",
  "done",
  "for",
  "in",
  "if",
  "then",
  "elif",
  "else",
  "fi",
  "{",
  "}",
  "!",
]);

/** Reads words off a text. */
class Lexer {
  private readonly text: string;
  private at = 0;
  private line = 1;
  constructor(text: string) {
    this.text = text;
  }

  tokens(): readonly Token[] {
    const found: Token[] = [];
    for (;;) {
      const token = this.next();
      found.push(token);
      if (token.kind === "end") return found;
    }
  }

  private next(): Token {
    this.skipBlanks();
    const { line } = this;
    const plainToken = (kind: Token["kind"], text: string): Token => ({ kind, line, text, word: [], plain: undefined });
    if (this.at >= this.text.length) return plainToken("end", "");
    if (this.text[this.at] === "\n") {
      this.at++;
      this.line++;
      return plainToken("newline", "\n");
    }
    const operator = OPERATORS.find((one) => this.text.startsWith(one, this.at));
    if (operator !== undefined) {
      this.at += operator.length;
      return plainToken("operator", operator);
    }
    const descriptor = /^[0-9](?=[<>])/.exec(this.text.slice(this.at, this.at + 2));
    const { word, plain } = this.word();
    return { kind: "word", line, text: descriptor === null ? "" : "descriptor", word, plain };
  }

  private skipBlanks(): void {
    for (;;) {
      const rest = this.text.slice(this.at, this.at + 2);
      if (rest === "\\\n") {
        this.at += 2;
        this.line++;
      } else if (/^[ \t]/.test(rest)) this.at++;
      else if (rest.startsWith("#")) while (this.at < this.text.length && this.text[this.at] !== "\n") this.at++;
      else return;
    }
  }

  private word(): { readonly word: Word; readonly plain: string | undefined } {
    const parts: Part[] = [];
    let plain = true;
    let text = "";
    const flush = (): void => {
      if (text !== "") parts.push(Object.freeze({ kind: "text", text }));
      text = "";
    };
    let inQuotes = false;
    for (; this.at < this.text.length; ) {
      const c = this.text[this.at] as string;
      if (!inQuotes && (/[ \t\n]/.test(c) || OPERATORS.some((one) => this.text.startsWith(one, this.at)))) break;
      if (c === '"') {
        inQuotes = !inQuotes;
        plain = false;
        this.at++;
        if (inQuotes) parts.push(Object.freeze({ kind: "text", text: "" }));
      } else if (c === "'" && !inQuotes) {
        plain = false;
        text += this.single();
      } else if (c === "\\") {
        plain = false;
        text += this.text[this.at + 1] ?? "";
        this.at += 2;
      } else if (c === "$") {
        plain = false;
        flush();
        parts.push(this.parameter(!inQuotes));
      } else if (!inQuotes && /[`*?[]/.test(c)) throw new SyntaxFault(this.line, `"${c}" in a word is not understood`);
      else {
        text += c;
        this.at++;
        if (c === "\n") this.line++;
      }
    }
    if (inQuotes) throw new SyntaxFault(this.line, 'a " has no end');
    const whole = text;
    flush();
    return { word: Object.freeze(parts), plain: plain ? whole : undefined };
  }

  private single(): string {
    const end = this.text.indexOf("'", this.at + 1);
    if (end < 0) throw new SyntaxFault(this.line, "a ' has no end");
    const inside = this.text.slice(this.at + 1, end);
    this.line += inside.split("\n").length - 1;
    this.at = end + 1;
    return inside;
  }

  private parameter(split: boolean): Part {
    const rest = this.text.slice(this.at + 1);
    const m = /^(?:\{([A-Za-z_][A-Za-z0-9_]*|[!?$#0-9])\}|([A-Za-z_][A-Za-z0-9_]*|[!?$#0-9]))/.exec(rest);
    if (m === null) throw new SyntaxFault(this.line, `"$${rest.slice(0, 1)}" is not understood`);
    this.at += 1 + m[0].length;
    return Object.freeze({ kind: "parameter", name: m[1] ?? m[2] ?? "", split });
  }
}

class Parser {
  private readonly tokens: readonly Token[];
  private at = 0;
  constructor(tokens: readonly Token[]) {
    this.tokens = tokens;
  }

  script(): Node {
    const body = this.list([]);
    if (this.now.kind !== "end") throw this.fault();
    return body;
  }

  private get now(): Token {
    return this.tokens[this.at] as Token;
  }
  private fault(wanted?: string): SyntaxFault {
    const { line, text, plain, kind } = this.now;
    const what = kind === "end" ? "the end" : kind === "newline" ? "the end of the line" : `"${plain ?? text}"`;
    return new SyntaxFault(line, `${what} was not expected${wanted === undefined ? "" : `: ${wanted} should come`}`);
  }
  private isOperator(...texts: readonly string[]): boolean {
    return this.now.kind === "operator" && texts.includes(this.now.text);
  }
  private isKeyword(...words: readonly string[]): boolean {
    return this.now.kind === "word" && this.now.plain !== undefined && words.includes(this.now.plain);
  }
  private expectKeyword(word: string): void {
    if (!this.isKeyword(word)) throw this.fault(`"${word}"`);
    this.at++;
  }
  private skipNewlines(): void {
    while (this.now.kind === "newline") this.at++;
  }

  /** Commands up to one of these keywords, a `)` or the end. */
  private list(ends: readonly string[]): Node {
    const items: Node[] = [];
    for (;;) {
      this.skipNewlines();
      if (this.now.kind === "end" || this.isOperator(")") || this.isKeyword(...ends)) break;
      const item = this.andOr();
      if (this.isOperator("&")) {
        this.at++;
        items.push(Object.freeze({ kind: "background", body: item }));
      } else {
        items.push(item);
        if (this.isOperator(";")) this.at++;
        else if (!this.endsCommand()) throw this.fault();
      }
    }
    return Object.freeze({ kind: "sequence", items: Object.freeze(items) });
  }

  private endsCommand(): boolean {
    return ["newline", "end"].includes(this.now.kind) || this.isOperator(")");
  }

  private andOr(): Node {
    let left = this.pipeline();
    while (this.isOperator("&&", "||")) {
      const kind = this.now.text === "&&" ? "and" : "or";
      this.at++;
      this.skipNewlines();
      left = Object.freeze({ kind, left, right: this.pipeline() });
    }
    return left;
  }

  private pipeline(): Node {
    if (this.isKeyword("!")) {
      this.at++;
      return Object.freeze({ kind: "not", body: this.command() });
    }
    const first = this.command();
    if (this.isOperator("|")) throw new SyntaxFault(this.now.line, "pipes are not understood");
    return first;
  }

  private command(): Node {
    if (this.isOperator("(")) return this.bracketed("subshell", () => this.expectOperator(")"), []);
    if (this.isKeyword("{")) return this.bracketed("group", () => this.expectKeyword("}"), ["}"]);
    if (this.isKeyword("while", "until")) return this.loop();
    if (this.isKeyword("for")) return this.forLoop();
    if (this.isKeyword("if")) return this.conditional();
    return this.simple();
  }

  private expectOperator(text: string): void {
    if (!this.isOperator(text)) throw this.fault(`"${text}"`);
    this.at++;
  }

  private bracketed(kind: "subshell" | "group", end: () => void, ends: readonly string[]): Node {
    this.at++;
    const body = this.list(ends);
    end();
    return Object.freeze({ kind, body, redirections: this.redirections() });
  }

  private loop(): Node {
    const until = this.isKeyword("until");
    this.at++;
    const condition = this.list(["do"]);
    const body = this.doDone();
    return Object.freeze({ kind: "loop", until, condition, body });
  }
  private doDone(): Node {
    this.skipNewlines();
    this.expectKeyword("do");
    const body = this.list(["done"]);
    this.expectKeyword("done");
    return body;
  }

  private forLoop(): Node {
    this.at++;
    const name = this.now.plain ?? "";
    if (NAME.exec(name)?.[0] !== name) throw this.fault("a name");
    this.at++;
    this.expectKeyword("in");
    const words: Word[] = [];
    for (; this.now.kind === "word"; this.at++) words.push(this.now.word);
    if (this.isOperator(";")) this.at++;
    return Object.freeze({ kind: "for", name, words: Object.freeze(words), body: this.doDone() });
  }

  private conditional(): Node {
    this.at++;
    const condition = this.list(["then"]);
    this.expectKeyword("then");
    const then = this.list(["elif", "else", "fi"]);
    if (this.isKeyword("elif")) return Object.freeze({ kind: "if", condition, then, otherwise: this.conditional() });
    const hasElse = this.isKeyword("else");
    if (hasElse) this.at++;
    const otherwise = hasElse ? this.list(["fi"]) : undefined;
    this.expectKeyword("fi");
    return Object.freeze({ kind: "if", condition, then, otherwise });
  }

  private redirections(): readonly Redirection[] {
    const found: Redirection[] = [];
    for (let one = this.redirection(); one !== undefined; one = this.redirection()) found.push(one);
    return Object.freeze(found);
  }

  /** `> word`, `2> word`. */
  private redirection(): Redirection | undefined {
    const numbered = this.now.kind === "word" && this.now.text === "descriptor";
    const operator = this.tokens[this.at + (numbered ? 1 : 0)] as Token;
    if (operator.kind !== "operator" || !["<", ">", ">>", "<<"].includes(operator.text)) return undefined;
    if (operator.text === "<<") throw new SyntaxFault(operator.line, "here-documents are not understood");
    const standard = operator.text === "<" ? 0 : 1;
    const descriptor = numbered ? Number(this.now.plain) : standard;
    this.at += numbered ? 2 : 1;
    if (this.now.kind !== "word") throw this.fault("a file name");
    const target = this.now.word;
    this.at++;
    return Object.freeze({ operator: operator.text, descriptor, target });
  }

  private simple(): Node {
    if (this.isKeyword(...KEYWORDS)) throw this.fault("a command");
    const { line } = this.now;
    const assignments: Assignment[] = [];
    const words: Word[] = [];
    const redirections: Redirection[] = [];
    for (;;) {
      const redirection = this.redirection();
      if (redirection !== undefined) {
        redirections.push(redirection);
        continue;
      }
      if (this.now.kind !== "word") break;
      const assignment = words.length === 0 ? assignmentOf(this.now.word) : undefined;
      if (assignment === undefined) words.push(this.now.word);
      else assignments.push(assignment);
      this.at++;
    }
    const isEmpty = assignments.length + words.length + redirections.length === 0;
    if (isEmpty) throw this.fault("a command");
    return Object.freeze({
      kind: "command",
      line,
      assignments: Object.freeze(assignments),
      words: Object.freeze(words),
      redirections: Object.freeze(redirections),
    });
  }
}

/** `NAME=value`. */
function assignmentOf(word: Word): Assignment | undefined {
  const [first, ...rest] = word;
  if (first?.kind !== "text") return undefined;
  const name = NAME.exec(first.text)?.[0] ?? "";
  if (name === "" || first.text[name.length] !== "=") return undefined;
  const text = first.text.slice(name.length + 1);
  const head: Word = text === "" ? [] : [Object.freeze({ kind: "text", text })];
  return Object.freeze({ name, value: Object.freeze([...head, ...rest]) });
}

/** @since 0.3.0 */
export function parseScript(text: string): Parsed {
  try {
    return { ok: true, script: new Parser(new Lexer(text).tokens()).script() };
  } catch (error) {
    if (error instanceof SyntaxFault) return { ok: false, line: error.line, error: error.message };
    throw error;
  }
}
