/**
 * Which locals are read from a place on, which are assigned before a place (@internal).
 *
 * The classic backward and forward data flow, over instructions and, inside plain statements, over syntax. Exact for straight
 * code, branches and loops; a `try` is taken to read what it names and to assign nothing for sure.
 */
import { types as t } from "@babel/core";
import type { Code, Instruction, Label } from "./code.ts";
import { evaluated } from "./syntax.ts";

export type Names = ReadonlySet<string>;
const NONE: Names = new Set();

const union = (a: Names, b: Names): Names => (b.size === 0 ? a : a.size === 0 ? b : new Set([...a, ...b]));
const without = (a: Names, names: readonly string[]): Names =>
  names.some((n) => a.has(n)) ? new Set([...a].filter((n) => !names.includes(n))) : a;

/** Locals that the node may assign, closures in it included. */
export function assignedIn(node: t.Node, locals: Names): Names {
  const found = new Set<string>();
  t.traverseFast(node, (inner) => {
    const target = t.isAssignmentExpression(inner) || t.isForXStatement(inner) ? inner.left : undefined;
    if (target !== undefined) for (const name of patternNames(target)) if (locals.has(name)) found.add(name);
    if (t.isUpdateExpression(inner) && t.isIdentifier(inner.argument) && locals.has(inner.argument.name)) {
      found.add(inner.argument.name);
    }
  });
  return found;
}

function namesIn(node: t.Node, locals: Names): Names {
  const found = new Set<string>();
  const visit = (inner: t.Node): void => {
    if (t.isIdentifier(inner) && locals.has(inner.name)) found.add(inner.name);
    for (const child of evaluated(inner)) visit(child);
  };
  visit(node);
  return found;
}

const patternNames = (target: t.Node): string[] => Object.keys(t.getBindingIdentifiers(target));

/** The analysis of one function: what is read, walking backwards. */
class Backward {
  private readonly locals: Names;
  private readonly jumps: ReadonlyMap<t.Node, Label>;
  private readonly at: ReadonlyMap<Label, Names>;
  /** Where `break` and `continue` inside a plain statement go, innermost last. */
  private readonly targets: { readonly names: readonly string[]; readonly out: Names; readonly on?: Names }[] = [];
  private labelNames: readonly string[] = [];

  constructor(locals: Names, jumps: ReadonlyMap<t.Node, Label>, at: ReadonlyMap<Label, Names>) {
    this.locals = locals;
    this.jumps = jumps;
    this.at = at;
  }

  /** What is read from before the node on, when `after` is read behind it. */
  before(node: t.Node | null | undefined, after: Names): Names {
    if (node == null) return after;
    const names = this.labelNames;
    this.labelNames = [];
    switch (node.type) {
      case "Identifier":
        return this.locals.has(node.name) ? union(after, new Set([node.name])) : after;
      case "AssignmentExpression":
        return this.assignment(node, after);
      case "LogicalExpression":
        return this.before(node.left, union(after, this.before(node.right, after)));
      case "IfStatement":
      case "ConditionalExpression": {
        const then = this.before(node.consequent, after);
        return this.before(node.test, union(then, this.before(node.alternate, after)));
      }
      case "ReturnStatement":
      case "ThrowStatement":
        return this.before(node.argument, NONE);
      case "BreakStatement":
      case "ContinueStatement":
        return this.jump(node);
      case "LabeledStatement":
        return this.labeled(node, names, after);
      case "ForStatement":
        return this.before(node.init, this.loop(node.test, node.update, node.body, names, after));
      case "WhileStatement":
        return this.loop(node.test, undefined, node.body, names, after);
      case "DoWhileStatement":
        return this.doWhile(node, names, after);
      case "ForOfStatement":
      case "ForInStatement":
        return this.before(node.right, this.turns(node, names, after));
      case "SwitchStatement":
        return this.choice(node, names, after);
      case "TryStatement":
        return union(after, namesIn(node, this.locals));
      default:
        return t.isFunction(node) ? union(after, namesIn(node, this.locals)) : this.sequence(evaluated(node), after);
    }
  }

  sequence(nodes: readonly t.Node[], after: Names): Names {
    return nodes.reduceRight((alive, node) => this.before(node, alive), after);
  }

  private assignment({ left, operator, right }: t.AssignmentExpression, after: Names): Names {
    if (operator === "=") return this.target(left, right, after);
    if (/^(&&|\|\||\?\?)=$/.test(operator)) return this.before(left, union(after, this.before(right, after)));
    return this.before(left, this.before(right, after));
  }

  /** An assignment's target: its names are set, what it computes is read. */
  private target(left: t.Node, right: t.Node | undefined, after: Names): Names {
    if (t.isIdentifier(left)) return this.before(right, without(after, [left.name]));
    if (t.isMemberExpression(left)) return this.sequence([...evaluated(left), ...(right ? [right] : [])], after);
    const set = patternNames(left);
    const computed: t.Node[] = [];
    const collect = (node: t.Node): void => {
      if (t.isAssignmentPattern(node)) {
        collect(node.left);
        computed.push(node.right);
      } else if (t.isMemberExpression(node)) computed.push(node);
      else if (t.isObjectProperty(node)) {
        if (node.computed) computed.push(node.key);
        collect(node.value);
      } else if (!t.isIdentifier(node)) for (const child of evaluated(node)) collect(child);
    };
    collect(left);
    return this.before(right, union(without(after, set), this.sequence(computed, NONE)));
  }

  private jump(node: t.BreakStatement | t.ContinueStatement): Names {
    const outside = this.jumps.get(node);
    if (outside !== undefined) return this.at.get(outside) ?? NONE;
    const name = node.label?.name;
    const isContinue = t.isContinueStatement(node);
    const fits = this.targets.findLast((x) =>
      name === undefined ? x.names[0] === "" && (!isContinue || x.on !== undefined) : x.names.includes(name),
    );
    return (isContinue ? fits?.on : fits?.out) ?? NONE;
  }

  private within<T>(names: readonly string[], out: Names, on: Names | undefined, work: () => T): T {
    this.targets.push({ names, out, ...(on === undefined ? {} : { on }) });
    const done = work();
    this.targets.pop();
    return done;
  }

  private labeled(node: t.LabeledStatement, names: readonly string[], after: Names): Names {
    const all = [...names, node.label.name];
    this.labelNames = t.isLoop(node.body) || t.isLabeledStatement(node.body) ? all : [];
    return this.within(all, after, undefined, () => this.before(node.body, after));
  }

  /** Grows a set until it holds. */
  private settle(step: (head: Names) => Names): Names {
    for (let head: Names = NONE; ; ) {
      const next = union(head, step(head));
      if (next.size === head.size) return head;
      head = next;
    }
  }

  private loop(
    test: t.Node | null | undefined,
    update: t.Node | null | undefined,
    body: t.Node,
    names: readonly string[],
    after: Names,
  ): Names {
    return this.settle((head) => {
      const on = this.before(update, head);
      const inside = this.within(["", ...names], after, on, () => this.before(body, on));
      return this.before(test, test == null ? inside : union(after, inside));
    });
  }

  private doWhile(node: t.DoWhileStatement, names: readonly string[], after: Names): Names {
    return this.settle((head) => {
      const on = this.before(node.test, union(after, head));
      return this.within(["", ...names], after, on, () => this.before(node.body, on));
    });
  }

  private turns(node: t.ForXStatement, names: readonly string[], after: Names): Names {
    return this.settle((head) => {
      const on = union(after, head);
      const inside = this.within(["", ...names], after, on, () => this.before(node.body, on));
      return union(after, t.isVariableDeclaration(node.left) ? inside : this.target(node.left, undefined, inside));
    });
  }

  private choice(node: t.SwitchStatement, names: readonly string[], after: Names): Names {
    let next = after;
    let entries = node.cases.some((one) => one.test == null) ? NONE : after;
    this.within(["", ...names], after, undefined, () => {
      for (const one of node.cases.toReversed()) {
        next = this.sequence(one.consequent, next);
        entries = union(entries, next);
      }
    });
    for (const one of node.cases.toReversed()) entries = this.before(one.test, entries);
    return this.before(node.discriminant, entries);
  }
}

/** What is read behind a stop, for the analysis that is asked for. */
type Behind = (step: Extract<Instruction, { kind: "stop" | "call" }>, at: ReadonlyMap<Label, Names>) => Names;

function backward(code: Code, locals: Names, behind: Behind): Map<Label, Names> {
  const at = new Map<Label, Names>();
  const flow = new Backward(locals, code.jumps, at);
  const here = (label: Label): Names => at.get(label) ?? NONE;
  for (let changed = true; changed; ) {
    changed = false;
    let alive: Names = NONE;
    for (const step of code.list.toReversed()) {
      switch (step.kind) {
        case "label":
          if (alive.size !== here(step.label).size) changed = true;
          at.set(step.label, alive);
          break;
        case "plain":
          alive = flow.before(step.node, alive);
          break;
        case "goto":
          alive = here(step.target);
          break;
        case "branch":
          alive = flow.before(step.test, union(alive, here(step.target)));
          break;
        case "stop":
          alive = flow.before(step.value, behind(step, at));
          break;
        case "call":
          alive = flow.sequence([step.callee, ...step.args], behind(step, at));
          break;
        case "return":
          alive = flow.before(step.value, NONE);
      }
    }
  }
  return at;
}

/** For each label, the locals whose value may still be read from there on. */
export function aliveAt(code: Code, locals: Names): Map<Label, Names> {
  return backward(code, locals, (step, at) => at.get(step.resume) ?? NONE);
}

/**
 * For each stop, by its label, the locals that may have been assigned since the function was entered or resumed; `fresh` ones
 * are undefined, not in the frame, when it is entered.
 */
export function assignedBefore(code: Code, locals: Names, fresh: Names): Map<Label, Names> {
  const at = new Map<Label, Names>();
  const found = new Map<Label, Names>();
  let changed = true;
  const flowTo = (label: Label, names: Names | undefined): void => {
    const old = at.get(label);
    const next = union(old ?? NONE, names ?? NONE);
    if (names === undefined || (old !== undefined && next.size === old.size)) return;
    at.set(label, next);
    changed = true;
  };
  while (changed) {
    changed = false;
    let now: Names | undefined;
    const add = (...nodes: (t.Node | undefined)[]): void => {
      for (const n of nodes) if (n !== undefined && now !== undefined) now = union(now, assignedIn(n, locals));
    };
    for (const step of code.list) {
      switch (step.kind) {
        case "label":
          if (step.label === code.start) flowTo(step.label, fresh);
          else flowTo(step.label, step.label.resumesLine === undefined ? now : NONE);
          now = at.get(step.label);
          break;
        case "plain":
          add(step.node);
          t.traverseFast(step.node, (inner) => {
            const target = code.jumps.get(inner);
            if (target !== undefined) flowTo(target, now);
          });
          break;
        case "goto":
          flowTo(step.target, now);
          now = undefined;
          break;
        case "branch":
          add(step.test);
          flowTo(step.target, now);
          break;
        case "stop":
        case "call":
          add(...(step.kind === "stop" ? [step.value] : [step.callee, ...step.args]));
          found.set(step.resume, now ?? NONE);
          now = undefined;
          break;
        case "return":
          now = undefined;
      }
    }
  }
  return found;
}

/**
 * For each label at which the function is entered or resumed, the locals that must be read from the frame: those used before
 * the next stop, and those that the next stop saves. The others that are alive stay in their words untouched.
 */
export function neededAt(code: Code, locals: Names, saved: (resume: Label) => Names): Map<Label, Names> {
  return backward(code, locals, (step) => saved(step.resume));
}
