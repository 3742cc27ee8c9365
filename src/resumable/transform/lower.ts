/**
 * Statements become instructions (@internal). A statement without a stop stays as it is; around a stop, control flow becomes
 * jumps, and `expressions.ts` takes what contains it apart.
 */
import { types as t } from "@babel/core";
import { type Code, type Instruction, type Label, newLabel } from "./code.ts";
import { Operands } from "./expressions.ts";
import { children, lineOf, refuse, stops } from "./syntax.ts";

/** A statement that `break` or `continue` can mean. */
interface Target {
  readonly names: readonly string[];
  /** Plain `break` means it, not only a named one. */
  readonly plain: boolean;
  readonly out: Label;
  readonly on?: Label;
}

class Lowering {
  readonly list: Instruction[] = [];
  readonly jumps = new Map<t.Node, Label>();
  private readonly operands: Operands;
  private readonly targets: Target[] = [];
  private readonly file: string;

  constructor(operands: (push: (step: Instruction) => void) => Operands, file: string) {
    this.operands = operands((step) => this.list.push(step));
    this.file = file;
  }

  private mark(label: Label): void {
    this.list.push({ kind: "label", label });
  }
  private goto(target: Label): void {
    this.list.push({ kind: "goto", target });
  }
  private branch(test: t.Expression, when: boolean, target: Label): void {
    this.list.push({ kind: "branch", test: this.operands.lower(test), when, target });
  }

  statements(nodes: readonly t.Statement[]): void {
    for (const node of nodes) this.statement(node);
  }

  private statement(node: t.Statement, names: readonly string[] = []): void {
    if (!stops(node)) {
      this.plain(node);
      return;
    }
    switch (node.type) {
      case "BlockStatement":
        this.statements(node.body);
        return;
      case "ExpressionStatement":
        this.operands.run(node.expression);
        return;
      case "ReturnStatement":
        this.list.push({ kind: "return", value: this.operands.lower(node.argument as t.Expression), node });
        return;
      case "ThrowStatement":
        this.plain(t.inherits(t.throwStatement(this.operands.lower(node.argument)), node));
        return;
      case "IfStatement":
        this.choice(node);
        return;
      case "LabeledStatement":
        this.labeled(node, names);
        return;
      case "WhileStatement":
        this.loop(node.test, undefined, node.body, names);
        return;
      case "DoWhileStatement":
        this.doWhile(node, names);
        return;
      case "ForStatement":
        if (node.init != null) this.operands.run(node.init as t.Expression);
        this.loop(node.test ?? undefined, node.update ?? undefined, node.body, names);
        return;
      case "ForOfStatement":
        this.turns(node, names);
        return;
      case "SwitchStatement":
        this.switch(node, names);
        return;
      default:
        refuse(this.file, node, `a stop inside ${node.type} is not supported`);
    }
  }

  /** A statement that stays: where its jumps lead is noted. */
  private plain(node: t.Statement): void {
    if (t.isEmptyStatement(node)) return;
    if (t.isReturnStatement(node)) {
      this.list.push({ kind: "return", value: node.argument ?? undefined, node });
      return;
    }
    this.noteJumps(node, [], false, false);
    const target = this.jumps.get(node);
    if (target === undefined) this.list.push({ kind: "plain", node });
    else this.goto(target);
  }

  private noteJumps(node: t.Node, inner: readonly string[], inLoop: boolean, inSwitch: boolean): void {
    if (t.isFunction(node)) return;
    if (t.isBreakStatement(node) || t.isContinueStatement(node)) {
      const name = node.label?.name;
      const stays = name === undefined ? inLoop || (inSwitch && t.isBreakStatement(node)) : inner.includes(name);
      if (!stays) this.jumps.set(node, this.targetOf(node, name));
      return;
    }
    const labels = t.isLabeledStatement(node) ? [...inner, node.label.name] : inner;
    const loop = inLoop || t.isLoop(node);
    for (const child of children(node)) this.noteJumps(child, labels, loop, inSwitch || t.isSwitchStatement(node));
  }

  private targetOf(node: t.BreakStatement | t.ContinueStatement, name: string | undefined): Label {
    const isContinue = t.isContinueStatement(node);
    const target = this.targets.findLast((x) =>
      name === undefined ? x.plain && (!isContinue || x.on !== undefined) : x.names.includes(name),
    ) as Target;
    return isContinue ? (target.on as Label) : target.out;
  }

  private within(target: Target, work: () => void): void {
    this.targets.push(target);
    work();
    this.targets.pop();
  }

  private choice(node: t.IfStatement): void {
    const [otherwise, after] = [newLabel(), newLabel()];
    this.branch(node.test, false, node.alternate ? otherwise : after);
    this.statement(node.consequent);
    if (node.alternate) {
      this.goto(after);
      this.mark(otherwise);
      this.statement(node.alternate);
    }
    this.mark(after);
  }

  private labeled(node: t.LabeledStatement, names: readonly string[]): void {
    const all = [...names, node.label.name];
    if (t.isLoop(node.body) || t.isLabeledStatement(node.body) || t.isSwitchStatement(node.body)) {
      this.statement(node.body, all);
      return;
    }
    const out = newLabel();
    this.within({ names: all, plain: false, out }, () => this.statement(node.body));
    this.mark(out);
  }

  private loop(
    test: t.Expression | undefined,
    update: t.Expression | undefined,
    body: t.Statement,
    names: readonly string[],
  ): void {
    const [head, on, out] = [newLabel(), newLabel(), newLabel()];
    this.mark(head);
    if (test !== undefined) this.branch(test, false, out);
    this.within({ names, plain: true, out, on }, () => this.statement(body));
    this.mark(on);
    if (update !== undefined) this.operands.run(update);
    this.goto(head);
    this.mark(out);
  }

  private doWhile(node: t.DoWhileStatement, names: readonly string[]): void {
    const [head, on, out] = [newLabel(), newLabel(), newLabel()];
    this.mark(head);
    this.within({ names, plain: true, out, on }, () => this.statement(node.body));
    this.mark(on);
    this.branch(node.test, true, head);
    this.mark(out);
  }

  /** `for (x of xs)`: a counter over a frozen copy, both of which live in the frame. */
  private turns(node: t.ForOfStatement, names: readonly string[]): void {
    const values = this.operands.keep(this.operands.frozen(this.operands.lower(node.right)), "values of for...of");
    const index = this.operands.keep(t.numericLiteral(0), "place in for...of");
    const test = t.binaryExpression("<", index, t.memberExpression(values, t.identifier("length")));
    const item = t.memberExpression(t.cloneNode(values), t.cloneNode(index), true);
    const bind = t.expressionStatement(t.assignmentExpression("=", node.left as t.LVal, item));
    const body = t.blockStatement([t.inherits(bind, node.left), node.body]);
    this.loop(test, t.updateExpression("++", t.cloneNode(index)), body, names);
  }

  private switch(node: t.SwitchStatement, names: readonly string[]): void {
    const out = newLabel();
    const chosen = this.operands.keep(this.operands.lower(node.discriminant), "value of switch");
    const entries = node.cases.map(() => newLabel());
    node.cases.forEach(({ test }, i) => {
      if (test == null) return;
      const equal = t.binaryExpression("===", t.cloneNode(chosen), this.operands.lower(test));
      this.list.push({ kind: "branch", test: equal, when: true, target: entries[i] as Label });
    });
    this.goto(entries[node.cases.findIndex((c) => c.test == null)] ?? out);
    this.within({ names, plain: true, out }, () => {
      node.cases.forEach((one, i) => {
        this.mark(entries[i] as Label);
        this.statements(one.consequent);
      });
    });
    this.mark(out);
  }
}

/** The instructions of a function whose locals are hoisted; `isStable` names keep their values. `prefix` begins no name of the source. */
export function lowerFunction(fn: t.Function, isStable: (name: string) => boolean, prefix: string, file: string): Code {
  const start: Label = { resumesLine: lineOf(fn) };
  const temporaries = new Map<string, string>();
  const lowering = new Lowering((push) => new Operands(push, isStable, temporaries, prefix, file), file);
  lowering.list.push({ kind: "label", label: start });
  lowering.statements((fn.body as t.BlockStatement).body);
  lowering.list.push({ kind: "return", value: undefined, node: t.emptyStatement() });
  return { start, list: lowering.list, jumps: lowering.jumps, temporaries };
}
