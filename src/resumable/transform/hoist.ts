/**
 * Locals of a resumable function whose scope can be left and resumed become locals of the function, each with a name of its
 * own; parameters become plain names (@internal). Blocks without a stop keep their own `let` and `const`.
 */
import { types as t } from "@babel/core";
import type { GeneratorPath } from "./check.ts";
import { stops } from "./syntax.ts";

/** The locals of a function: parameters first. */
export interface Locals {
  readonly parameters: readonly string[];
  /** Parameters and locals by the names they have now, with the names they have in the source. */
  readonly sourceNames: Map<string, string>;
  /** Names that keep their value from their declaration on. */
  readonly constant: Set<string>;
}

type Scope = GeneratorPath["scope"];

/** Takes defaults and patterns of parameters into the body. */
function flattenParameters(fn: GeneratorPath): void {
  const opening: t.Statement[] = [];
  fn.node.params = fn.node.params.map((param): t.Identifier => {
    const target = t.isAssignmentPattern(param) ? param.left : param;
    const name = t.isIdentifier(target) ? target.name : fn.scope.generateUid("parameter");
    if (t.isAssignmentPattern(param)) {
      const missing = t.binaryExpression("===", t.identifier(name), t.unaryExpression("void", t.numericLiteral(0)));
      const fill = t.assignmentExpression("=", t.identifier(name), param.right);
      opening.push(t.ifStatement(missing, t.expressionStatement(fill)));
    }
    if (!t.isIdentifier(target)) {
      opening.push(t.variableDeclaration("let", [t.variableDeclarator(target as t.LVal, t.identifier(name))]));
    }
    return t.identifier(name);
  });
  fn.node.body.body.unshift(...opening);
}

/** Every name that is bound anywhere in the function, and how often. */
function countBindings(fn: GeneratorPath): Map<string, number> {
  const count = new Map<string, number>();
  const add = (scope: Scope): void => {
    for (const name of Object.keys(scope.bindings)) count.set(name, (count.get(name) ?? 0) + 1);
  };
  add(fn.scope);
  fn.traverse({ Scope: (inner) => add(inner.scope) });
  return count;
}

/** What a declaration does when its names are declared elsewhere. */
function assignments(declaration: t.VariableDeclaration, resets: boolean): t.Expression[] {
  return declaration.declarations.flatMap((d): t.Expression[] => {
    if (d.init == null && !resets) return [];
    const assignment = t.assignmentExpression(
      "=",
      d.id as t.LVal,
      d.init ?? t.unaryExpression("void", t.numericLiteral(0)),
    );
    assignment.loc = d.loc ?? declaration.loc ?? null;
    return [assignment];
  });
}

/** Does it for a function whose refusals are checked; its declarations become assignments. */
export function hoistLocals(fn: GeneratorPath): Locals {
  flattenParameters(fn);
  fn.scope.crawl();
  const sourceNames = new Map<string, string>();
  const constant = new Set<string>();
  const bound = countBindings(fn);
  const take = (scope: Scope): void => {
    for (const [name, binding] of Object.entries(scope.bindings)) {
      // the function's own name, which an expression binds inside
      if (binding.kind === "local") continue;
      const unique = (bound.get(name) ?? 0) > 1 ? scope.generateUid(name) : name;
      if (unique !== name) scope.rename(name, unique);
      sourceNames.set(unique, name);
      if (binding.constant) constant.add(unique);
    }
  };
  take(fn.scope);
  fn.traverse({
    Function: (inner) => inner.skip(),
    Scope(inner) {
      if (!inner.isFunction() && stops(inner.node)) take(inner.scope);
    },
  });
  fn.traverse({
    Function: (inner) => inner.skip(),
    VariableDeclaration(path) {
      const [first] = Object.keys(t.getBindingIdentifiers(path.node));
      if (first !== undefined && !sourceNames.has(first)) return;
      const { parent, key } = path;
      if (t.isForXStatement(parent) && key === "left") {
        path.replaceWith((path.node.declarations[0] as t.VariableDeclarator).id as t.LVal);
        return;
      }
      const list = assignments(path.node, path.node.kind !== "var");
      const inHead = t.isForStatement(parent) && key === "init";
      const all = list.length === 1 ? list[0] : list.length === 0 ? undefined : t.sequenceExpression(list);
      if (all === undefined) path.remove();
      else path.replaceWith(inHead ? all : t.expressionStatement(all));
    },
  });
  return { parameters: fn.node.params.map((p) => (p as t.Identifier).name), sourceNames, constant };
}
