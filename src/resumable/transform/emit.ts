/**
 * Second pass, writing: a regenerated function becomes `run(fp)`, which reads the values alive at the frame's label, runs,
 * and saves the values alive at the next one (@internal).
 */
import { types as t } from "@babel/core";
import { type Block, blocksOf, type Instruction, liveness, resumeLabels } from "./blocks.ts";

/** Frame words before the values; `functions.ts` has the same. */
const HEADER = 2;
const LABEL_MASK = 1023;

const id = (name: string): t.Identifier => t.identifier(name);
const num = (value: number): t.NumericLiteral => t.numericLiteral(value);
const reg = (name: string): t.MemberExpression => t.memberExpression(id("$"), id(name));
const word = (offset: number): t.MemberExpression =>
  t.memberExpression(id("$h"), offset === 0 ? id("$fp") : t.binaryExpression("+", id("$fp"), num(offset)), true);
const set = (to: t.LVal, value: t.Expression): t.Statement =>
  t.expressionStatement(t.assignmentExpression("=", to, value));
const call = (name: string, ...args: t.Expression[]): t.CallExpression => t.callExpression(id(name), args);

interface Plan {
  readonly name: string;
  readonly context: string;
  /** Values alive at each label, in frame order. */
  readonly alive: ReadonlyMap<number, readonly string[]>;
  readonly loop: string;
}

/** Saves label and values; the callee's frame, or the end of the stack, comes behind them. */
function save(plan: Plan, label: number): t.Statement[] {
  const names = plan.alive.get(label) ?? [];
  return [
    // the code's number stays, the label changes
    set(word(0), t.binaryExpression("|", t.binaryExpression("&", word(0), num(~LABEL_MASK)), num(label))),
    ...names.map((name, i) => set(word(HEADER + i), call("$encode", id(name)))),
  ];
}
const frameEnd = (plan: Plan, label: number): t.Expression =>
  t.binaryExpression("+", id("$fp"), num(HEADER + (plan.alive.get(label)?.length ?? 0)));

/** Arguments are evaluated, in order, before anything is saved: they may change locals. */
function emitCall(plan: Plan, step: Extract<Instruction, { kind: "call" }>): t.Statement[] {
  const args = step.call.arguments as t.Expression[];
  const temporaries = [step.call.callee as t.Expression, ...args].map((value, i) =>
    t.variableDeclarator(id(`$a${i}`), i === 0 ? value : call("$encode", value)),
  );
  const place = (i: number): t.MemberExpression =>
    t.memberExpression(id("$h"), t.binaryExpression("+", id("$at"), num(HEADER + i)), true);
  return [
    t.blockStatement([
      t.variableDeclaration("const", temporaries),
      ...save(plan, step.label),
      t.variableDeclaration("const", [t.variableDeclarator(id("$at"), frameEnd(plan, step.label))]),
      ...args.map((_, i) => set(place(i), id(`$a${i + 1}`))),
      t.returnStatement(call("$enter", id("$a0"), id("$at"), id("$fp"), num(args.length))),
    ]),
  ];
}

function emitStop(plan: Plan, step: Extract<Instruction, { kind: "stop" }>): t.Statement[] {
  const value = step.value ?? t.unaryExpression("void", num(0));
  return [
    t.blockStatement([
      t.variableDeclaration("const", [t.variableDeclarator(id("$a0"), value)]),
      ...save(plan, step.label),
      t.returnStatement(call("$suspend", frameEnd(plan, step.label), id("$a0"))),
    ]),
  ];
}

function emit(plan: Plan, code: readonly Instruction[]): t.Statement[] {
  return code.flatMap((step): t.Statement[] => {
    switch (step.kind) {
      case "plain":
        return [step.node];
      case "goto":
        return [set(id("$n"), step.label), t.continueStatement(id(plan.loop))];
      case "stop":
        return emitStop(plan, step);
      case "call":
        return emitCall(plan, step);
      case "return":
        return [t.returnStatement(call("$leave", id("$fp"), step.value ?? t.unaryExpression("void", num(0))))];
      case "if": {
        const otherwise = step.otherwise.length === 0 ? null : t.blockStatement(emit(plan, step.otherwise));
        return [t.ifStatement(step.test, t.blockStatement(emit(plan, step.then)), otherwise)];
      }
    }
  });
}

/** Reads the values alive at the label the frame is at. */
function restore(plan: Plan, labels: readonly number[]): t.Statement {
  const cases = labels.map((label) => {
    const names = plan.alive.get(label) ?? [];
    const reads = names.map((name, i) => set(id(name), call("$decode", word(HEADER + i))));
    return t.switchCase(num(label), [...reads, t.breakStatement()]);
  });
  return t.switchStatement(id("$n"), cases);
}

/** `_context.v` → the register's value at entry. */
function replaceSent(node: t.Node, context: string): void {
  t.traverse(node, (inner, ancestors) => {
    if (!t.isMemberExpression(inner) || !t.isIdentifier(inner.object, { name: context })) return;
    if (!t.isIdentifier(inner.property, { name: "v" })) return;
    const parent = ancestors.at(-1);
    if (parent === undefined) return;
    const holder = parent.node as unknown as Record<string, unknown>;
    const sent = id("$v");
    if (parent.index === undefined) holder[parent.key] = sent;
    else (holder[parent.key] as unknown[])[parent.index] = sent;
  });
}

const record = (entries: readonly (readonly [number, t.Expression])[]): t.ObjectExpression =>
  t.objectExpression(entries.map(([label, value]) => t.objectProperty(num(label), value)));

/** What `$define` is told about the function, its `run` included. */
export function describeFunction(
  name: string,
  file: string,
  line: number,
  parameters: readonly string[],
  locals: readonly string[],
  body: t.BlockStatement,
  context: string,
): t.ObjectExpression {
  replaceSent(body, context);
  const blocks: Block[] = blocksOf(body, context);
  const names = new Set([...parameters, ...locals]);
  const live = liveness(blocks, names);
  const resumed = new Map([[0, line] as const, ...blocks.flatMap((b) => [...resumeLabels(b.code)])]);
  const labels = [...resumed.keys()].sort((a, b) => a - b);
  const order = [...parameters, ...locals];
  const alive = new Map(labels.map((l) => [l, l === 0 ? parameters : order.filter((n) => live.get(l)?.has(n))]));
  const plan: Plan = { name, context, alive, loop: "$loop" };
  const declared = order.map((n) => t.variableDeclarator(id(n)));
  const choice = t.switchStatement(
    id("$n"),
    blocks.map((b) => t.switchCase(num(b.label), emit(plan, b.code))),
  );
  const run = t.functionExpression(
    null,
    [id("$fp")],
    t.blockStatement([
      t.variableDeclaration("const", [
        t.variableDeclarator(id("$h"), reg("h")),
        t.variableDeclarator(id("$v"), reg("value")),
      ]),
      t.variableDeclaration("let", [t.variableDeclarator(id("$n"), t.binaryExpression("&", word(0), num(LABEL_MASK)))]),
      ...(declared.length === 0 ? [] : [t.variableDeclaration("let", declared)]),
      restore(plan, labels),
      t.labeledStatement(id(plan.loop), t.whileStatement(num(1), t.blockStatement([choice]))),
    ]),
  );
  return t.objectExpression([
    t.objectProperty(id("name"), t.stringLiteral(name)),
    t.objectProperty(id("file"), t.stringLiteral(file)),
    t.objectProperty(id("line"), num(line)),
    t.objectProperty(id("parameters"), num(parameters.length)),
    t.objectProperty(id("lines"), record(labels.map((l) => [l, num(resumed.get(l) ?? 0)] as const))),
    t.objectProperty(
      id("alive"),
      record(labels.map((l) => [l, t.arrayExpression((alive.get(l) ?? []).map((n) => t.stringLiteral(n)))] as const)),
    ),
    t.objectProperty(id("run"), run),
  ]);
}
