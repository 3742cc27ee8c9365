/**
 * First pass: brings generator functions into the shape that the regenerator transform understands, and refuses what could
 * not live in a frame of words (@internal).
 *
 * - every `let` and `const` becomes a `var` with a name of its own (a closure over a loop's binding is refused instead of
 *   getting a copy per turn);
 * - `for…of` whose body can stop becomes a counting loop over a frozen array;
 * - default and destructured parameters move into the body; `a ?? b` with a stop in it is spelled out.
 */
import { type NodePath, types as t } from "@babel/core";
import { TransformError } from "../errors.ts";

/** What is wrong at a node, as one line: file, line, what, what to do. */
export function refuse(file: string, node: t.Node, what: string): never {
  throw new TransformError(`${file}:${node.loc?.start.line ?? 0}: ${what}`);
}

/** Methods that call a function argument at once and keep nothing of it. */
const CONSUMING = new Set([
  "every",
  "filter",
  "find",
  "findIndex",
  "findLast",
  "flatMap",
  "forEach",
  "from",
  "map",
  "reduce",
  "reduceRight",
  "some",
  "sort",
  "toSorted",
]);

/** Expressions that the regenerator transform can stop in the middle of. */
const SPLITTABLE = new Set([
  "ArrayExpression",
  "AssignmentExpression",
  "BinaryExpression",
  "CallExpression",
  "ConditionalExpression",
  "LogicalExpression",
  "MemberExpression",
  "NewExpression",
  "ObjectExpression",
  "ObjectProperty",
  "ParenthesizedExpression",
  "SequenceExpression",
  "UnaryExpression",
  "YieldExpression",
]);

type Fn = NodePath<t.FunctionDeclaration> | NodePath<t.FunctionExpression>;

/** True when the node contains a stop of this function (not of a nested one). */
function stops(path: NodePath): boolean {
  if (path.isYieldExpression()) return true;
  let found = false;
  path.traverse({
    YieldExpression(inner) {
      found = true;
      inner.stop();
    },
    Function(inner) {
      inner.skip();
    },
  });
  return found;
}

/** Everything of one generator function. */
export function prepareFunction(fn: Fn, file: string): void {
  if (fn.node.async) refuse(file, fn.node, "an async generator cannot be resumable: use yield* and operations");
  if (fn.node.id == null) fn.node.id = fn.scope.generateUidIdentifier(nameFromPlace(fn));
  checkBody(fn, file);
  moveParameters(fn, file);
  rewriteLoops(fn, file);
  spellNullish(fn);
  checkExpressions(fn, file);
  checkClosures(fn, file);
  flattenScopes(fn);
}

/** A name for `{ body: function* () {} }` or `const x = function* () {}`. */
function nameFromPlace(fn: Fn): string {
  const parent = fn.parent;
  if (t.isVariableDeclarator(parent) && t.isIdentifier(parent.id)) return parent.id.name;
  if (t.isObjectProperty(parent) && t.isIdentifier(parent.key)) return parent.key.name;
  return "body";
}

function checkBody(fn: Fn, file: string): void {
  fn.traverse({
    Function(inner) {
      if (inner.isFunctionDeclaration()) {
        refuse(
          file,
          inner.node,
          "a function declared inside a resumable one would be made anew at each resume: move it out",
        );
      }
      if (inner.node.generator)
        refuse(file, inner.node, "a generator inside a resumable function: move it to the module level");
      if (!inner.isArrowFunctionExpression()) inner.skip();
    },
    ThisExpression(inner) {
      refuse(file, inner.node, "`this` does not live in a frame: pass the object as a parameter");
    },
    Identifier(inner) {
      if (inner.node.name === "arguments" && !inner.scope.hasBinding("arguments") && inner.isReferencedIdentifier()) {
        refuse(file, inner.node, "`arguments` does not live in a frame: name the parameters");
      }
    },
    Super(inner) {
      refuse(file, inner.node, "`super` does not live in a frame");
    },
    ClassDeclaration(inner) {
      refuse(file, inner.node, "a class declared inside a resumable function: move it to the module level");
    },
    AwaitExpression(inner) {
      refuse(file, inner.node, "await: a resumable function waits by yielding an operation");
    },
    TryStatement(inner) {
      if (stops(inner)) {
        refuse(file, inner.node, "try/catch/finally around a stop is not supported: test the result instead");
      }
    },
    ForInStatement(inner) {
      if (stops(inner)) refuse(file, inner.node, "for…in around a stop: use for…of Object.keys(…)");
    },
    ForOfStatement(inner) {
      if (inner.node.await) refuse(file, inner.node, "for await: a resumable function waits by yielding an operation");
    },
    YieldExpression(inner) {
      const { argument, delegate } = inner.node;
      if (delegate && !(t.isCallExpression(argument) && !argument.arguments.some((a) => t.isSpreadElement(a)))) {
        refuse(file, inner.node, "yield* takes a call of a resumable function with plain arguments: yield* f(a, b)");
      }
    },
  });
}

function moveParameters(fn: Fn, file: string): void {
  const opening: t.Statement[] = [];
  fn.node.params = fn.node.params.map((param) => {
    if (t.isIdentifier(param)) return t.identifier(param.name);
    if (t.isRestElement(param)) refuse(file, param, "a rest parameter of a resumable function: pass one frozen array");
    const target = t.isAssignmentPattern(param) ? param.left : param;
    const name = t.isIdentifier(target) ? target : fn.scope.generateUidIdentifier("parameter");
    if (t.isAssignmentPattern(param)) {
      const missing = t.binaryExpression("===", t.cloneNode(name), t.unaryExpression("void", t.numericLiteral(0)));
      const fill = t.assignmentExpression("=", t.cloneNode(name), param.right);
      opening.push(t.ifStatement(missing, t.expressionStatement(fill)));
    }
    if (!t.isIdentifier(target)) {
      opening.push(t.variableDeclaration("var", [t.variableDeclarator(target as t.LVal, t.cloneNode(name))]));
    }
    return t.identifier(name.name);
  });
  fn.node.body.body.unshift(...opening);
  fn.scope.crawl();
}

/** `for (const x of xs) body` with a stop in it: a counter over a frozen array, both of which live in the frame. */
function rewriteLoops(fn: Fn, file: string): void {
  fn.traverse({
    Function(inner) {
      inner.skip();
    },
    ForOfStatement: {
      exit(loop) {
        if (!stops(loop)) return;
        const array = fn.scope.generateUidIdentifier("array");
        const index = fn.scope.generateUidIdentifier("index");
        const item = t.memberExpression(t.cloneNode(array), t.cloneNode(index), true);
        const { left } = loop.node;
        const bind = t.isVariableDeclaration(left)
          ? t.variableDeclaration(left.kind, [
              t.variableDeclarator((left.declarations[0] as t.VariableDeclarator).id, item),
            ])
          : t.expressionStatement(t.assignmentExpression("=", left as t.LVal, item));
        if (t.isVariableDeclaration(left) && left.kind === "using")
          refuse(file, left, "`using` in a resumable function");
        const values = t.callExpression(t.identifier("$frozenArray"), [loop.node.right]);
        const body = t.isBlockStatement(loop.node.body) ? loop.node.body.body : [loop.node.body];
        const counting = t.forStatement(
          t.variableDeclaration("let", [
            t.variableDeclarator(array, values),
            t.variableDeclarator(index, t.numericLiteral(0)),
          ]),
          t.binaryExpression("<", t.cloneNode(index), t.memberExpression(t.cloneNode(array), t.identifier("length"))),
          t.updateExpression("++", t.cloneNode(index)),
          t.blockStatement([bind, ...body]),
        );
        counting.loc = loop.node.loc ?? null;
        loop.replaceWith(counting);
      },
    },
  });
  fn.scope.crawl();
}

function spellNullish(fn: Fn): void {
  fn.traverse({
    Function(inner) {
      inner.skip();
    },
    LogicalExpression: {
      exit(path) {
        if (path.node.operator !== "??" || !stops(path)) return;
        const left = fn.scope.generateUidIdentifier("left");
        fn.scope.push({ id: left, kind: "var" });
        const set = t.assignmentExpression("=", t.cloneNode(left), path.node.left);
        const present = t.binaryExpression("!=", set, t.nullLiteral());
        path.replaceWith(t.conditionalExpression(present, t.cloneNode(left), path.node.right));
      },
    },
  });
}

function checkExpressions(fn: Fn, file: string): void {
  fn.traverse({
    Function(inner) {
      inner.skip();
    },
    YieldExpression(inner) {
      for (
        let up: NodePath | null = inner.parentPath;
        up?.isExpression() || up?.isObjectProperty();
        up = up.parentPath
      ) {
        const { type } = up.node;
        if (!SPLITTABLE.has(type)) {
          refuse(file, inner.node, `a stop inside ${words(type)}: give its value a name first, const x = yield …`);
        }
        if (t.isAssignmentExpression(up.node) && /^(&&|\|\||\?\?)=$/.test(up.node.operator)) {
          refuse(file, inner.node, `a stop inside ${up.node.operator}: write it as an if`);
        }
        if (t.isCallExpression(up.node) && up.node.arguments.some((a) => t.isSpreadElement(a))) {
          refuse(file, inner.node, "a stop among spread arguments: give its value a name first");
        }
      }
    },
  });
}

/** `TemplateLiteral` as "a template literal". */
function words(type: string): string {
  const text = type.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
  return `${/^[aeiou]/.test(text) ? "an" : "a"} ${text}`;
}

/**
 * Closures are made when they are needed and die with the step. One that sees a binding of a loop turn could be called in a
 * later turn, where the flattened binding has moved on; only arguments of methods that call it at once may.
 * A closure over a variable outside the function that is assigned to would be state outside the heap.
 */
function checkClosures(fn: Fn, file: string): void {
  fn.traverse({
    ArrowFunctionExpression: (inner) => checkClosure(fn, inner, file),
    FunctionExpression: (inner) => checkClosure(fn, inner, file),
  });
  const outer = fn.scope.parent;
  fn.traverse({
    ReferencedIdentifier(inner) {
      const binding = inner.scope.getBinding(inner.node.name);
      if (binding === undefined || binding.scope.path.isProgram() || !isOutside(binding.scope, outer)) return;
      if (!binding.constant) {
        refuse(file, inner.node, `${inner.node.name} changes outside the frame: keep it in an entity`);
      }
    },
    AssignmentExpression(inner) {
      for (const name of Object.keys(t.getBindingIdentifiers(inner.node.left))) {
        const binding = inner.scope.getBinding(name);
        if (binding !== undefined && isOutside(binding.scope, outer)) {
          refuse(file, inner.node, `${name} lives outside the frame: keep it in an entity`);
        }
      }
    },
  });
}

/** True when `scope` is `outer` or around it. */
function isOutside(scope: unknown, outer: { parent?: unknown } | undefined): boolean {
  for (let s = outer; s !== undefined && s !== null; s = s.parent as typeof outer) if (s === scope) return true;
  return false;
}

function checkClosure(fn: Fn, closure: NodePath<t.ArrowFunctionExpression | t.FunctionExpression>, file: string): void {
  if (closure === (fn as NodePath)) return;
  if (isConsumed(closure)) return;
  closure.traverse({
    ReferencedIdentifier(inner) {
      const scope = inner.scope.getBinding(inner.node.name)?.scope;
      if (scope === undefined || !isOutside(scope, closure.scope.parent) || isOutside(scope, fn.scope)) return;
      const loop = scope.path.findParent((p) => p === (fn as NodePath) || p.isLoop());
      const own = scope.path.isLoop() ? scope.path : loop;
      if (own?.isLoop() && stops(own)) {
        refuse(
          file,
          inner.node,
          `a closure over ${inner.node.name}, which each turn of a loop with a stop has anew: use it at once (some, map, …) or pass the value`,
        );
      }
    },
  });
}

function isConsumed(closure: NodePath): boolean {
  const call = closure.parent;
  if (!t.isCallExpression(call) || closure.listKey !== "arguments") return false;
  const callee = call.callee;
  return t.isMemberExpression(callee) && t.isIdentifier(callee.property) && CONSUMING.has(callee.property.name);
}

/** All bindings of the function itself become `var`s with different names. */
function flattenScopes(fn: Fn): void {
  fn.scope.crawl();
  fn.traverse({
    Function(inner) {
      inner.skip();
    },
    VariableDeclaration(path) {
      if (path.node.kind === "var") return;
      for (const name of Object.keys(t.getBindingIdentifiers(path.node))) {
        const { scope } = path;
        const owner = scope.getBinding(name)?.scope ?? scope;
        if (owner !== fn.scope) owner.rename(name, fn.scope.generateUid(name));
      }
      const inLoopHead = path.parentPath.isFor();
      for (const d of path.node.declarations) {
        if (d.init == null && !inLoopHead) d.init = t.unaryExpression("void", t.numericLiteral(0));
      }
      path.node.kind = "var";
    },
  });
  fn.scope.crawl();
}
