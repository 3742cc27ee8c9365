/** Looking at syntax trees (@internal). */
import { types as t } from "@babel/core";
import { TransformError } from "../errors.ts";

/** Line of the source that the node begins in; 0 for a node that is not from the source. */
export function lineOf(node: t.Node | null | undefined): number {
  return node?.loc?.start.line ?? 0;
}

/** Ends the compilation with one line: file, line, what is wrong, what to do. */
export function refuse(file: string, node: t.Node | null | undefined, what: string): never {
  throw new TransformError(`${file}:${lineOf(node)}: ${what}`);
}

/** The nodes directly below, in the order of their evaluation. */
export function children(node: t.Node): t.Node[] {
  const found: t.Node[] = [];
  for (const key of t.VISITOR_KEYS[node.type] ?? []) {
    const child = (node as unknown as Record<string, t.Node | (t.Node | null)[] | null | undefined>)[key];
    for (const one of Array.isArray(child) ? child : [child]) if (one != null) found.push(one);
  }
  return found;
}

const stopping = new WeakMap<t.Node, boolean>();

/** The node contains a `yield` of the function it belongs to. Remembered: ask only about nodes that stay as they are. */
export function stops(node: t.Node | null | undefined): boolean {
  if (node == null || t.isFunction(node)) return false;
  const known = stopping.get(node);
  if (known !== undefined) return known;
  const found = t.isYieldExpression(node) || children(node).some(stops);
  stopping.set(node, found);
  return found;
}

/** `a.b` and `{ b: 1 }` name a property, not a variable. */
function namesProperty(node: t.Node): boolean {
  return (
    (t.isMemberExpression(node) || t.isOptionalMemberExpression(node) || t.isObjectProperty(node)) && !node.computed
  );
}

/** The parts of a node that are evaluated, in order: names of properties are not. */
export function evaluated(node: t.Node): t.Node[] {
  if (t.isLabeledStatement(node)) return [node.body];
  if (t.isBreakStatement(node) || t.isContinueStatement(node)) return [];
  if (!namesProperty(node)) return children(node);
  const name = t.isObjectProperty(node) ? node.key : (node as t.MemberExpression).property;
  return children(node).filter((child) => child !== name || (t.isObjectProperty(node) && node.value === child));
}
