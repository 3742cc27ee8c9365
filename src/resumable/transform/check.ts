/** What cannot live in a frame of words is refused here, with file and line and what to write instead (@internal). */
import { type NodePath, types as t } from "@babel/core";
import { refuse, stops } from "./syntax.ts";

/** A generator function that becomes resumable. */
export type GeneratorPath = NodePath<t.FunctionDeclaration> | NodePath<t.FunctionExpression>;

/** Refuses what a resumable function may not contain. */
export function checkFunction(fn: GeneratorPath, file: string): void {
  if (fn.node.async) refuse(file, fn.node, "an async generator cannot be resumable: use yield* and operations");
  for (const param of fn.node.params) checkParameter(param, file);
  fn.traverse({
    Function(inner) {
      if (inner.isFunctionDeclaration()) {
        refuse(file, inner.node, "a function declared inside a resumable one would be new at each step: move it out");
      }
      if (inner.node.generator) refuse(file, inner.node, "a generator inside a resumable function: move it out");
      if (inner.node.async) refuse(file, inner.node, "an async function inside a resumable function");
      if (!inner.isArrowFunctionExpression()) inner.skip();
    },
    ThisExpression: ({ node }) => refuse(file, node, "`this` does not live in a frame: pass the object as a parameter"),
    Super: ({ node }) => refuse(file, node, "`super` does not live in a frame"),
    MetaProperty: ({ node }) => {
      if (node.meta.name === "new") refuse(file, node, "`new.target` does not live in a frame");
    },
    ReferencedIdentifier({ node, scope }) {
      if (node.name === "arguments" && !scope.hasBinding("arguments", true)) {
        refuse(file, node, "`arguments` does not live in a frame: name the parameters");
      }
    },
    Class: ({ node }) => refuse(file, node, "a class inside a resumable function: move it to the module level"),
    AwaitExpression: ({ node }) => refuse(file, node, "await: a resumable function waits by yielding an operation"),
    TryStatement({ node }) {
      if (stops(node)) {
        refuse(file, node, "try/catch/finally around a stop is not supported: test the result instead");
      }
    },
    ForInStatement({ node }) {
      if (stops(node)) refuse(file, node, "for...in around a stop: use for...of over Object.keys()");
    },
    ForOfStatement({ node }) {
      if (node.await) refuse(file, node, "for await: a resumable function waits by yielding an operation");
      if (stops(node.left)) refuse(file, node, "a stop in what a for...of assigns to");
    },
    VariableDeclaration({ node }) {
      if (node.kind === "using" || node.kind === "await using") refuse(file, node, "`using` in a resumable function");
    },
    Pattern({ node }) {
      if (stops(node)) refuse(file, node, "a stop inside a destructuring pattern: give its value a name first");
    },
    YieldExpression: ({ node }) => checkStop(node, file),
  });
  checkClosures(fn, file);
}

function checkParameter(param: t.Node, file: string): void {
  if (t.isRestElement(param)) refuse(file, param, "a rest parameter of a resumable function: pass one frozen array");
  if (stops(param)) refuse(file, param, "a stop in a parameter's default value: write it in the body");
}

function checkStop(node: t.YieldExpression, file: string): void {
  const { argument, delegate } = node;
  if (!delegate) return;
  if (t.isCallExpression(argument) && !argument.arguments.some((a) => t.isSpreadElement(a))) return;
  refuse(file, node, "yield* takes a call with plain arguments: yield* f(a, b)");
}

/** Methods that call a function argument at once and keep nothing of it. */
const CONSUMING = new Set(
  "every filter find findIndex findLast findLastIndex flatMap forEach from map reduce reduceRight some sort toSorted".split(
    " ",
  ),
);

/**
 * Closures are made when they are needed and die with the step: one that outlives it would be state outside the heap. One
 * over a variable of a loop turn that is then kept could be called in a later turn, where the flattened variable has moved on.
 */
function checkClosures(fn: GeneratorPath, file: string): void {
  fn.traverse({
    Function(closure) {
      if (!isConsumed(closure)) checkCaptured(fn, closure, file);
      checkFate(closure, file);
    },
    ReferencedIdentifier({ node, scope }) {
      const binding = scope.getBinding(node.name);
      if (binding === undefined || binding.constant || binding.scope.path.isProgram()) return;
      if (isAround(binding.scope, fn.scope.parent)) {
        refuse(file, node, `${node.name} changes outside the frame: keep it in an entity`);
      }
    },
    AssignmentExpression: ({ node, scope }) =>
      checkTargets(fn, Object.keys(t.getBindingIdentifiers(node.left)), node, scope, file),
    UpdateExpression({ node, scope }) {
      if (t.isIdentifier(node.argument)) checkTargets(fn, [node.argument.name], node, scope, file);
    },
  });
}

function checkTargets(
  fn: GeneratorPath,
  names: readonly string[],
  node: t.Node,
  scope: NodePath["scope"],
  file: string,
): void {
  for (const name of names) {
    const binding = scope.getBinding(name);
    if (binding !== undefined && isAround(binding.scope, fn.scope.parent)) {
      refuse(file, node, `${name} lives outside the frame: keep it in an entity`);
    }
  }
}

/** True when `scope` is `inner` or around it. */
function isAround(scope: NodePath["scope"], inner: NodePath["scope"] | undefined): boolean {
  for (let s = inner; s !== undefined; s = s.parent) if (s === scope) return true;
  return false;
}

function isConsumed(closure: NodePath): boolean {
  const call = closure.parent;
  if (!t.isCallExpression(call) || closure.listKey !== "arguments") return false;
  const { callee } = call;
  return t.isMemberExpression(callee) && t.isIdentifier(callee.property) && CONSUMING.has(callee.property.name);
}

function checkCaptured(fn: GeneratorPath, closure: NodePath<t.Function>, file: string): void {
  closure.traverse({
    ReferencedIdentifier({ node, scope }) {
      const bound = scope.getBinding(node.name)?.scope;
      if (bound === undefined || !isAround(bound, closure.scope.parent) || isAround(bound, fn.scope)) return;
      for (let p: NodePath | null = bound.path; p !== null && p !== (fn as NodePath); p = p.parentPath) {
        if (!p.isLoop() || !stops(p.node)) continue;
        refuse(
          file,
          node,
          `a closure over ${node.name}, which each turn of a loop with a stop has anew: use it at once (some, map, ...) or pass the value`,
        );
      }
    },
  });
}

/** Follows a closure through the expression it stands in. */
function checkFate(closure: NodePath<t.Function>, file: string): void {
  for (let at: NodePath = closure; at.parentPath !== null; at = at.parentPath) {
    const { parent } = at;
    if (t.isCallExpression(parent) || t.isNewExpression(parent)) {
      if (at.parentPath.parentPath?.isYieldExpression() !== true || at.key === "callee") return;
      refuse(file, closure.node, "a closure handed over at a stop outlives the step: declare it at the module level");
    }
    if (t.isYieldExpression(parent) || t.isReturnStatement(parent)) {
      refuse(file, closure.node, "a closure that leaves the function: declare it at the module level");
    }
    if (t.isAssignmentExpression(parent) && t.isMemberExpression(parent.left)) {
      refuse(file, closure.node, "a closure kept in an object outlives the step: declare it at the module level");
    }
    if (!t.isExpression(parent) && !t.isProperty(parent)) return;
  }
}

/** Names that hold a closure at some time, with the closure: they may not be alive at a stop. */
export function closureHolders(body: t.Node): Map<string, t.Node> {
  const held = new Map<string, t.Node>();
  t.traverseFast(body, (node) => {
    if (!t.isAssignmentExpression(node) || !t.isIdentifier(node.left)) return;
    const closure = closureIn(node.right);
    if (closure !== undefined) held.set(node.left.name, closure);
  });
  return held;
}

function closureIn(node: t.Expression): t.Node | undefined {
  if (t.isFunction(node)) return node;
  if (t.isConditionalExpression(node)) return closureIn(node.consequent) ?? closureIn(node.alternate);
  if (t.isLogicalExpression(node)) return closureIn(node.left) ?? closureIn(node.right);
  return undefined;
}
