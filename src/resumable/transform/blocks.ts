/**
 * Second pass, reading: what the regenerator transform emitted, as blocks of simple instructions, with what is alive at each
 * label (@internal).
 *
 * The regenerator emits one `switch` whose cases run into each other; `_context.n = 5` followed by `break` jumps,
 * `_context.n = 5; return x` stops, `_context.d(_regeneratorValues(f(x)), 5)` calls, `_context.a(2, x)` returns,
 * `_context.a(3, 5)` jumps, and `_context.v` is the value a stop or call resumed with.
 */
import { types as t } from "@babel/core";

export type Instruction =
  | { readonly kind: "plain"; readonly node: t.Statement }
  | { readonly kind: "goto"; readonly label: t.Expression }
  | { readonly kind: "stop"; readonly value: t.Expression | null; readonly label: number }
  | { readonly kind: "call"; readonly call: t.CallExpression; readonly label: number }
  | { readonly kind: "return"; readonly value: t.Expression | null }
  | {
      readonly kind: "if";
      readonly test: t.Expression;
      readonly then: readonly Instruction[];
      readonly otherwise: readonly Instruction[];
    };

export interface Block {
  readonly label: number;
  readonly code: readonly Instruction[];
}

/** `_context.<member>` → its name. */
function contextMember(node: t.Node | null | undefined, context: string): string | undefined {
  if (!t.isMemberExpression(node) || !t.isIdentifier(node.object, { name: context })) return undefined;
  return t.isIdentifier(node.property) ? node.property.name : undefined;
}

function contextCall(
  node: t.Node | null | undefined,
  context: string,
): { name: string; args: t.Expression[] } | undefined {
  if (!t.isCallExpression(node)) return undefined;
  const name = contextMember(node.callee, context);
  return name === undefined ? undefined : { name, args: node.arguments as t.Expression[] };
}

function unexpected(node: t.Node): never {
  throw new Error(`resumable transform: unexpected output of the regenerator transform: ${node.type}`);
}

function numberOf(node: t.Node | undefined): number {
  return t.isNumericLiteral(node) ? node.value : unexpected(node as t.Node);
}

/** Assignment to `_context.n`, whose effect depends on the statement behind it. */
function jumpTarget(statement: t.Statement, context: string): t.Expression | undefined {
  if (!t.isExpressionStatement(statement) || !t.isAssignmentExpression(statement.expression)) return undefined;
  const { left, right } = statement.expression;
  return contextMember(left, context) === "n" ? right : undefined;
}

function parseReturn(statement: t.ReturnStatement, pending: t.Expression | undefined, context: string): Instruction {
  const call = contextCall(statement.argument, context);
  if (call === undefined) return { kind: "stop", value: statement.argument ?? null, label: numberOf(pending) };
  if (call.name === "d") {
    const delegated = (call.args[0] as t.CallExpression).arguments[0];
    if (!t.isCallExpression(delegated)) unexpected(statement);
    return { kind: "call", call: delegated, label: numberOf(call.args[1]) };
  }
  if (call.name !== "a") unexpected(statement);
  if (numberOf(call.args[0]) === 3) return { kind: "goto", label: call.args[1] as t.Expression };
  return { kind: "return", value: call.args[1] ?? null };
}

function parse(statements: readonly t.Statement[], context: string): Instruction[] {
  const code: Instruction[] = [];
  let pending: t.Expression | undefined;
  for (const statement of statements) {
    const target = jumpTarget(statement, context);
    if (target !== undefined) {
      pending = target;
    } else if (t.isBreakStatement(statement)) {
      code.push({ kind: "goto", label: pending ?? unexpected(statement) });
    } else if (t.isReturnStatement(statement)) {
      code.push(parseReturn(statement, pending, context));
    } else if (t.isIfStatement(statement) && mentions(statement, context)) {
      const otherwise = statement.alternate ? parse(statementsOf(statement.alternate), context) : [];
      code.push({
        kind: "if",
        test: statement.test,
        then: parse(statementsOf(statement.consequent), context),
        otherwise,
      });
    } else {
      code.push({ kind: "plain", node: statement });
    }
  }
  return code;
}

function statementsOf(node: t.Statement): t.Statement[] {
  return t.isBlockStatement(node) ? node.body : [node];
}

/** The statement jumps, stops or returns somewhere inside. */
function mentions(statement: t.IfStatement, context: string): boolean {
  let found = false;
  t.traverseFast(statement, (node) => {
    if (t.isReturnStatement(node) || contextMember(node, context) === "n") found = true;
  });
  return found;
}

/** The blocks of the `switch` inside `_regenerator().w(function (_context) { while (1) switch (…) { … } })`. */
export function blocksOf(body: t.BlockStatement, context: string): Block[] {
  const loop = body.body[0];
  const choice = t.isWhileStatement(loop) ? loop.body : undefined;
  if (!t.isSwitchStatement(choice)) unexpected(body);
  return choice.cases.map((c) => ({ label: numberOf(c.test ?? undefined), code: parse(c.consequent, context) }));
}

// What is alive where

type Names = ReadonlySet<string>;

/** Locals that the node reads (a plain assignment's target is not read). */
function used(node: t.Node | null, locals: Names): Set<string> {
  const found = new Set<string>();
  const visit = (inner: t.Node): void => {
    if (t.isIdentifier(inner) && locals.has(inner.name)) found.add(inner.name);
    if (t.isAssignmentExpression(inner, { operator: "=" }) && t.isIdentifier(inner.left)) return visit(inner.right);
    for (const key of t.VISITOR_KEYS[inner.type] ?? []) {
      const child = (inner as unknown as Record<string, t.Node | (t.Node | null)[] | null | undefined>)[key];
      for (const one of Array.isArray(child) ? child : [child]) if (one != null) visit(one);
    }
  };
  if (node !== null) visit(node);
  return found;
}

/** Locals that get a value whenever the node is evaluated, whatever they held before. */
function assigned(node: t.Node | null, into: Set<string> = new Set()): Set<string> {
  if (node === null) return into;
  if (t.isAssignmentExpression(node, { operator: "=" })) {
    if (t.isIdentifier(node.left)) into.add(node.left.name);
    assigned(node.right, into);
  } else if (t.isExpressionStatement(node)) assigned(node.expression, into);
  else if (t.isSequenceExpression(node)) for (const part of node.expressions) assigned(part, into);
  else if (t.isBinaryExpression(node)) assigned(node.right, assigned(node.left, into));
  else if (t.isUnaryExpression(node)) assigned(node.argument, into);
  else if (t.isLogicalExpression(node)) assigned(node.left, into);
  else if (t.isConditionalExpression(node)) assigned(node.test, into);
  return into;
}

/** What is alive before the node is evaluated. */
function beforeNode(node: t.Node | null, after: Names, locals: Names): Set<string> {
  const killed = assigned(node);
  return new Set([...[...after].filter((name) => !killed.has(name)), ...used(node, locals)]);
}

function targets(label: t.Expression): number[] {
  if (t.isNumericLiteral(label)) return [label.value];
  if (t.isConditionalExpression(label)) return [...targets(label.consequent), ...targets(label.alternate)];
  return unexpected(label);
}

function before(code: readonly Instruction[], next: Names, at: ReadonlyMap<number, Names>, locals: Names): Set<string> {
  const of = (label: number): Names => at.get(label) ?? new Set();
  let alive = new Set(next);
  for (const step of code.toReversed()) {
    switch (step.kind) {
      case "plain":
        alive = beforeNode(step.node, alive, locals);
        break;
      case "goto":
        alive = beforeNode(step.label, new Set(targets(step.label).flatMap((l) => [...of(l)])), locals);
        break;
      case "stop":
        alive = beforeNode(step.value, of(step.label), locals);
        break;
      case "call":
        alive = beforeNode(step.call, of(step.label), locals);
        break;
      case "return":
        alive = used(step.value, locals);
        break;
      case "if": {
        const then = before(step.then, alive, at, locals);
        const otherwise = before(step.otherwise, alive, at, locals);
        alive = beforeNode(step.test, new Set([...then, ...otherwise]), locals);
      }
    }
  }
  return alive;
}

/** For each label, the locals whose value may still be read from there on: the least solution, by iteration. */
export function liveness(blocks: readonly Block[], locals: Names): Map<number, Names> {
  const at = new Map<number, Names>();
  for (let changed = true; changed; ) {
    changed = false;
    let next: Names = new Set();
    for (const block of blocks.toReversed()) {
      const alive = before(block.code, next, at, locals);
      if (alive.size !== (at.get(block.label)?.size ?? -1)) changed = true;
      at.set(block.label, alive);
      next = alive;
    }
  }
  return at;
}

/** Labels at which the function is left and resumed, with the line of what it stops at. */
export function resumeLabels(code: readonly Instruction[], into: Map<number, number> = new Map()): Map<number, number> {
  for (const step of code) {
    if (step.kind === "stop") into.set(step.label, step.value?.loc?.start.line ?? 0);
    else if (step.kind === "call") into.set(step.label, step.call.loc?.start.line ?? 0);
    else if (step.kind === "if") {
      resumeLabels(step.then, into);
      resumeLabels(step.otherwise, into);
    }
  }
  return into;
}
