/**
 * Instructions become `run(fp)`: a `switch` over labels, which reads the locals it needs at the frame's label, runs, and
 * writes those that changed at the next stop (@internal).
 */
import { types as t } from "@babel/core";
import type { Code, Instruction, Label } from "./code.ts";
import type { FramePlan, Slots } from "./slots.ts";

/** Frame words before the locals; `functions.ts` has the same. */
const HEADER = 2;
/** Bits of the frame's first word that hold the label; `functions.ts` has the same. */
const LABEL_BITS = 10;

const num = (value: number): t.NumericLiteral => t.numericLiteral(value);
const set = (to: t.LVal, value: t.Expression): t.Statement =>
  t.expressionStatement(t.assignmentExpression("=", to, value));
const constant = (name: t.Identifier, value: t.Expression): t.Statement =>
  t.variableDeclaration("const", [t.variableDeclarator(name, value)]);
const plus = (left: t.Expression, right: number): t.Expression =>
  right === 0 ? left : t.binaryExpression("+", left, num(right));
const nothing = (): t.Expression => t.unaryExpression("void", num(0));

/** What {@link emitFunction} is told. */
export interface FunctionParts {
  readonly name: string;
  readonly file: string;
  readonly line: number;
  readonly parameters: readonly string[];
  /** All locals with the names that readers see. */
  readonly shown: ReadonlyMap<string, string>;
  readonly code: Code;
  readonly plan: FramePlan;
  /** Begins every name that is made here. */
  readonly prefix: string;
}

class Emitter {
  private readonly parts: FunctionParts;
  private readonly numbers = new Map<Label, number>();

  constructor(parts: FunctionParts) {
    this.parts = parts;
    for (const label of parts.plan.at.keys()) this.numbers.set(label, this.numbers.size);
  }

  private own(name: string): t.Identifier {
    return t.identifier(this.parts.prefix + name);
  }
  private word(base: string, offset: number): t.MemberExpression {
    return t.memberExpression(this.own("h"), plus(this.own(base), offset), true);
  }
  private register(name: string): t.MemberExpression {
    return t.memberExpression(this.own(""), t.identifier(name));
  }
  private call(name: string, ...args: t.Expression[]): t.CallExpression {
    return t.callExpression(this.own(name), args);
  }
  private number(label: Label): t.NumericLiteral {
    let known = this.numbers.get(label);
    if (known === undefined) {
      known = this.numbers.size;
      this.numbers.set(label, known);
    }
    return num(known);
  }
  private slots(label: Label): Slots {
    return this.parts.plan.at.get(label) as Slots;
  }
  private place(name: string): t.MemberExpression {
    return this.word("fp", HEADER + (this.parts.plan.slotOf.get(name) as number));
  }

  private jump(label: Label): t.Statement[] {
    return [set(this.own("n"), this.number(label)), t.continueStatement(this.own("loop"))];
  }

  /** The label's number, over the old one. */
  private arrive(label: Label): t.Statement {
    const code = t.binaryExpression("&", this.word("fp", 0), num(-(1 << LABEL_BITS)));
    return set(this.word("fp", 0), t.binaryExpression("|", code, this.number(label)));
  }

  /** Writes what changed; words without a local are zero. */
  private save(label: Label): t.Statement[] {
    const { words, write } = this.slots(label);
    const changed = write.map((name) =>
      set(this.place(name), this.call("encode", t.identifier(name), t.stringLiteral(this.shown(name)))),
    );
    const dead = words.flatMap((name, i) => (name === undefined ? [set(this.word("fp", HEADER + i), num(0))] : []));
    return [...changed, ...dead];
  }
  private shown(name: string): string {
    return this.parts.shown.get(name) ?? name;
  }
  private end(label: Label): t.Expression {
    return plus(this.own("fp"), HEADER + this.slots(label).words.length);
  }

  private stop(step: Extract<Instruction, { kind: "stop" }>): t.Statement[] {
    const value = step.value === undefined ? [] : [t.inherits(t.expressionStatement(step.value), step.node)];
    return [
      this.arrive(step.resume),
      ...value,
      ...this.save(step.resume),
      t.returnStatement(this.call("suspend", this.end(step.resume))),
    ];
  }

  /** Arguments are evaluated, in order, before anything is saved: they may change locals. */
  private enter(step: Extract<Instruction, { kind: "call" }>): t.Statement[] {
    const args = step.args.map((arg, i) => {
      const word = this.call("encode", arg, t.stringLiteral(`argument ${i + 1}`));
      return constant(this.own(`a${i}`), t.inherits(word, arg));
    });
    const places = step.args.map((_, i) => set(this.word("at", HEADER + i), this.own(`a${i}`)));
    const entered = this.call("enter", this.own("f"), this.own("at"), this.own("fp"), num(args.length));
    return [
      this.arrive(step.resume),
      t.blockStatement([
        constant(this.own("f"), step.callee),
        ...args,
        ...this.save(step.resume),
        constant(this.own("at"), this.end(step.resume)),
        ...places,
        t.inherits(t.returnStatement(entered), step.node),
      ]),
    ];
  }

  private leave(value: t.Expression | null | undefined): t.Statement {
    return t.returnStatement(this.call("leave", this.own("fp"), value ?? nothing()));
  }

  /** A statement without a stop: only its ways out change. */
  private plain(node: t.Node): t.Node {
    if (t.isFunction(node)) return node;
    if (t.isReturnStatement(node)) return t.inherits(this.leave(node.argument), node);
    const target = this.parts.code.jumps.get(node);
    if (target !== undefined) return t.blockStatement(this.jump(target));
    const holder = node as unknown as Record<string, t.Node | (t.Node | null)[] | null | undefined>;
    for (const key of t.VISITOR_KEYS[node.type] ?? []) {
      const child = holder[key];
      if (Array.isArray(child))
        holder[key] = child.map((c) => (t.isStatement(c) || t.isSwitchCase(c) ? this.plain(c) : c));
      else if (t.isStatement(child) || t.isCatchClause(child)) holder[key] = this.plain(child);
    }
    return node;
  }

  private step(step: Instruction): t.Statement[] {
    switch (step.kind) {
      case "label":
        return [];
      case "plain":
        return [this.plain(step.node) as t.Statement];
      case "goto":
        return this.jump(step.target);
      case "branch": {
        const test = step.when ? step.test : t.unaryExpression("!", step.test);
        return [t.inherits(t.ifStatement(test, t.blockStatement(this.jump(step.target))), step.test)];
      }
      case "stop":
        return this.stop(step);
      case "call":
        return this.enter(step);
      case "return":
        return [t.inherits(this.leave(step.value), step.node)];
    }
  }

  /** Instructions between labels; what no one can reach is left out. */
  private cases(): t.SwitchCase[] {
    const { list, jumps } = this.parts.code;
    const used = new Set<Label>([...this.parts.plan.at.keys(), ...jumps.values()]);
    for (const step of list) if (step.kind === "goto" || step.kind === "branch") used.add(step.target);
    const cases: t.SwitchCase[] = [];
    let ended = true;
    for (const step of list) {
      if (step.kind === "label") {
        if (!used.has(step.label)) continue;
        const read = this.parts.plan.at.get(step.label)?.read ?? [];
        const reads = read.map((name) => set(t.identifier(name), this.call("decode", this.place(name))));
        cases.push(t.switchCase(this.number(step.label), reads));
        ended = false;
      } else if (!ended) {
        cases.at(-1)?.consequent.push(...this.step(step));
        ended = step.kind === "goto" || step.kind === "stop" || step.kind === "call" || step.kind === "return";
      }
    }
    return cases;
  }

  run(): t.FunctionExpression {
    const label = t.binaryExpression("&", this.word("fp", 0), num((1 << LABEL_BITS) - 1));
    const locals = [...this.parts.shown.keys()].map((name) => t.variableDeclarator(t.identifier(name)));
    const loop = t.whileStatement(t.booleanLiteral(true), t.switchStatement(this.own("n"), this.cases()));
    return t.functionExpression(
      null,
      [this.own("fp")],
      t.blockStatement([
        constant(this.own("h"), this.register("h")),
        constant(this.own("v"), this.register("value")),
        t.variableDeclaration("let", [t.variableDeclarator(this.own("n"), label), ...locals]),
        t.labeledStatement(this.own("loop"), loop),
      ]),
    );
  }

  /** For those who read frames: by label, the line it waits at and the locals in its words. */
  describe(): t.ObjectProperty[] {
    const labels = [...this.parts.plan.at];
    const lines = labels.map(([label]) => num(label.resumesLine ?? 0));
    const words = labels.map(([, slots]) =>
      t.arrayExpression(slots.words.map((name) => t.stringLiteral(name === undefined ? "" : this.shown(name)))),
    );
    return [
      t.objectProperty(t.identifier("lines"), t.arrayExpression(lines)),
      t.objectProperty(t.identifier("alive"), t.arrayExpression(words)),
    ];
  }
}

/** How many places a function may be resumed at or jumped to. */
export const MOST_LABELS = 1 << LABEL_BITS;

/** What `define` is told about the function, its `run` included. */
export function emitFunction(parts: FunctionParts): t.ObjectExpression {
  const emitter = new Emitter(parts);
  const run = emitter.run();
  return t.objectExpression([
    t.objectProperty(t.identifier("name"), t.stringLiteral(parts.name)),
    t.objectProperty(t.identifier("file"), t.stringLiteral(parts.file)),
    t.objectProperty(t.identifier("line"), num(parts.line)),
    t.objectProperty(t.identifier("parameters"), num(parts.parameters.length)),
    ...emitter.describe(),
    t.objectProperty(t.identifier("run"), run),
  ]);
}
