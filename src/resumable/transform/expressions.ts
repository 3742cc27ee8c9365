/**
 * Expressions around a stop are taken apart, operand by operand from left to right: what was evaluated before the stop and
 * could change meanwhile gets a temporary local, which lives in the frame (@internal).
 */
import { types as t } from "@babel/core";
import { type Instruction, type Label, newLabel } from "./code.ts";
import { lineOf, refuse, stops } from "./syntax.ts";

type Operand = t.Expression | t.SpreadElement | null;

export class Operands {
  private readonly push: (step: Instruction) => void;
  private readonly isStable: (name: string) => boolean;
  private readonly temporaries: Map<string, string>;
  private readonly prefix: string;
  private readonly file: string;

  constructor(
    push: (step: Instruction) => void,
    isStable: (name: string) => boolean,
    temporaries: Map<string, string>,
    prefix: string,
    file: string,
  ) {
    this.push = push;
    this.isStable = isStable;
    this.temporaries = temporaries;
    this.prefix = prefix;
    this.file = file;
  }

  /** What a stop or call was resumed with: good until the next one. */
  private get register(): string {
    return `${this.prefix}v`;
  }
  private temporary(what: string): string {
    const name = `${this.prefix}${this.temporaries.size + 1}`;
    this.temporaries.set(name, what);
    return name;
  }
  private set(name: string, value: t.Expression): void {
    if (t.isIdentifier(value, { name })) return;
    const assignment = t.inherits(t.assignmentExpression("=", t.identifier(name), value), value);
    this.push({ kind: "plain", node: t.inherits(t.expressionStatement(assignment), value) });
  }

  /** A temporary that holds the value; `what` names it to those who read frames. */
  keep(value: t.Expression, what: string): t.Identifier {
    const name = this.temporary(what);
    this.set(name, value);
    return t.identifier(name);
  }

  /** The value, in a form that later stops do not change. */
  private stable(value: t.Expression): t.Expression {
    if (t.isLiteral(value) && !t.isTemplateLiteral(value)) return value;
    if (t.isIdentifier(value) && value.name !== this.register) {
      if (this.temporaries.has(value.name) || this.isStable(value.name)) return value;
    }
    return this.keep(value, "half-evaluated value");
  }

  /** A copy of the values that no one can change. */
  frozen(values: t.Expression): t.Expression {
    return t.callExpression(t.identifier(`${this.prefix}frozenArray`), [values]);
  }

  /** Evaluates for the effect. */
  run(node: t.Expression): void {
    if (t.isSequenceExpression(node)) {
      for (const part of node.expressions) this.run(part);
      return;
    }
    const value = this.lower(node);
    if (t.isIdentifier(value)) return;
    this.push({ kind: "plain", node: t.inherits(t.expressionStatement(value), node) });
  }

  /** The operands without their stops: those before the last stop are kept in temporaries. */
  private all<T extends readonly Operand[]>(nodes: T): T {
    const last = nodes.findLastIndex((node) => stops(node));
    return nodes.map((node, i) => {
      if (node === null || i > last) return node;
      if (t.isSpreadElement(node)) {
        const values = this.lower(node.argument);
        return t.spreadElement(i === last ? values : this.keep(this.frozen(values), "half-evaluated values"));
      }
      const value = this.lower(node);
      return i === last ? value : this.stable(value);
    }) as unknown as T;
  }

  private resume(node: t.Node): Label {
    return { resumesLine: lineOf(node) };
  }
  private sent(resume: Label): t.Identifier {
    this.push({ kind: "label", label: resume });
    return t.identifier(this.register);
  }

  /** An expression without stops that yields the node's value when it is evaluated right here, and once. */
  lower(node: t.Expression): t.Expression {
    if (!stops(node)) return node;
    const done = this.takeApart(node);
    return done.loc == null && !t.isIdentifier(done) ? t.inherits(done, node) : done;
  }

  private takeApart(node: t.Expression): t.Expression {
    switch (node.type) {
      case "YieldExpression":
        return node.delegate ? this.call(node) : this.stop(node);
      case "SequenceExpression":
        for (const part of node.expressions.slice(0, -1)) this.run(part);
        return this.lower(node.expressions.at(-1) as t.Expression);
      case "LogicalExpression":
        return this.logical(node);
      case "ConditionalExpression":
        return this.conditional(node);
      case "AssignmentExpression":
        return this.assignment(node);
      case "UpdateExpression":
        return t.updateExpression(node.operator, this.member(node.argument as t.MemberExpression), node.prefix);
      case "UnaryExpression":
        return t.unaryExpression(node.operator, this.lower(node.argument));
      case "BinaryExpression": {
        const [left, right] = this.all([node.left as t.Expression, node.right] as const);
        return t.binaryExpression(node.operator, left, right);
      }
      case "MemberExpression":
        return this.member(node);
      case "OptionalMemberExpression":
      case "OptionalCallExpression":
        return this.optional(node);
      case "CallExpression":
        return this.plainCall(node);
      case "NewExpression": {
        const [callee, ...args] = this.all([node.callee, ...node.arguments] as Operand[]);
        return t.newExpression(callee as t.Expression, args as t.Expression[]);
      }
      case "ArrayExpression":
        return t.arrayExpression(this.all(node.elements));
      case "ObjectExpression":
        return this.object(node);
      case "TemplateLiteral":
        return this.template(node);
      default:
        return refuse(
          this.file,
          node,
          `a stop inside ${words(node.type)}: give its value a name first, const x = yield ...`,
        );
    }
  }

  private stop(node: t.YieldExpression): t.Expression {
    const value = node.argument == null ? undefined : this.lower(node.argument);
    const resume = this.resume(node);
    this.push({ kind: "stop", value, resume, node });
    return this.sent(resume);
  }

  private call(node: t.YieldExpression): t.Expression {
    const called = node.argument as t.CallExpression;
    const [callee, ...args] = this.all([called.callee, ...called.arguments] as t.Expression[]);
    const resume = this.resume(node);
    this.push({ kind: "call", callee: callee as t.Expression, args, resume, node });
    return this.sent(resume);
  }

  private logical(node: t.LogicalExpression): t.Expression {
    if (!stops(node.right)) return t.logicalExpression(node.operator, this.lower(node.left), node.right);
    const name = this.temporary("half-evaluated value");
    this.set(name, this.lower(node.left));
    this.unless(node.operator, t.identifier(name), () => this.set(name, this.lower(node.right)));
    return t.identifier(name);
  }

  /** Does the work when the operator goes on to its right side. */
  private unless(operator: string, left: t.Expression, work: () => void): void {
    const after = newLabel();
    const test = operator === "??" ? t.binaryExpression("!=", left, t.nullLiteral()) : left;
    this.push({ kind: "branch", test, when: operator !== "&&", target: after });
    work();
    this.push({ kind: "label", label: after });
  }

  private conditional(node: t.ConditionalExpression): t.Expression {
    const test = this.lower(node.test);
    if (!stops(node.consequent) && !stops(node.alternate)) {
      return t.conditionalExpression(test, node.consequent, node.alternate);
    }
    const name = this.temporary("half-evaluated value");
    const [otherwise, after] = [newLabel(), newLabel()];
    this.push({ kind: "branch", test, when: false, target: otherwise });
    this.set(name, this.lower(node.consequent));
    this.push({ kind: "goto", target: after });
    this.push({ kind: "label", label: otherwise });
    this.set(name, this.lower(node.alternate));
    this.push({ kind: "label", label: after });
    return t.identifier(name);
  }

  private assignment(node: t.AssignmentExpression): t.Expression {
    const { left, operator, right } = node;
    if (!t.isMemberExpression(left)) {
      if (operator === "=") return t.assignmentExpression("=", left, this.lower(right));
      return this.update(() => t.cloneNode(left as t.Identifier), operator, right);
    }
    if (operator === "=") {
      const key = left.computed ? [left.property as t.Expression] : [];
      const [object, ...rest] = this.all([left.object as t.Expression, ...key, right]);
      const property = left.computed ? (rest[0] as t.Expression) : left.property;
      const place = t.memberExpression(object as t.Expression, property, left.computed);
      return t.assignmentExpression("=", place, rest.at(-1) as t.Expression);
    }
    const object = this.stable(this.lower(left.object as t.Expression));
    const property = left.computed ? this.stable(this.lower(left.property as t.Expression)) : left.property;
    const place = (): t.MemberExpression =>
      t.memberExpression(t.cloneNode(object), t.cloneNode(property), left.computed);
    return this.update(place, operator, right);
  }

  /** `place op= right`: the old value is read before the stop. */
  private update(place: () => t.Identifier | t.MemberExpression, operator: string, right: t.Expression): t.Expression {
    const plain = operator.slice(0, -1);
    if (plain === "&&" || plain === "||" || plain === "??") {
      const name = this.temporary("half-evaluated value");
      this.set(name, place());
      this.unless(plain, t.identifier(name), () => {
        this.set(name, this.lower(right));
        this.push({
          kind: "plain",
          node: t.expressionStatement(t.assignmentExpression("=", place(), t.identifier(name))),
        });
      });
      return t.identifier(name);
    }
    const old = stops(right) ? this.keep(place(), "half-evaluated value") : place();
    const value = t.binaryExpression(plain as t.BinaryExpression["operator"], old, this.lower(right));
    return t.assignmentExpression("=", place(), value);
  }

  private member(node: t.MemberExpression): t.MemberExpression {
    if (!node.computed) return t.memberExpression(this.lower(node.object as t.Expression), node.property);
    const [object, property] = this.all([node.object as t.Expression, node.property as t.Expression] as const);
    return t.memberExpression(object, property, true);
  }

  /** `a?.b`: only what stands in front of the first `?.` may stop, for the rest may not be evaluated at all. */
  private optional(node: t.OptionalMemberExpression | t.OptionalCallExpression): t.Expression {
    const inner = t.isOptionalCallExpression(node) ? node.callee : node.object;
    const others = t.isOptionalCallExpression(node) ? node.arguments : node.computed ? [node.property] : [];
    if (others.some(stops)) refuse(this.file, node, "a stop behind ?.: write it as an if");
    const first = this.lower(inner as t.Expression);
    if (t.isOptionalCallExpression(node)) return t.optionalCallExpression(first, node.arguments, node.optional);
    return t.optionalMemberExpression(first, node.property as t.Expression, node.computed, node.optional);
  }

  /** `o.m(args)` looks `m` up after the arguments; all else is in order. */
  private plainCall(node: t.CallExpression): t.Expression {
    const { callee } = node;
    const args = node.arguments as Operand[];
    if (!t.isMemberExpression(callee)) {
      const [fn, ...rest] = this.all([callee as t.Expression, ...args]);
      return t.callExpression(fn as t.Expression, rest as t.Expression[]);
    }
    const key = callee.computed ? [callee.property as t.Expression] : [];
    const [object, ...rest] = this.all([callee.object as t.Expression, ...key, ...args]);
    const property = callee.computed ? (rest.shift() as t.Expression) : callee.property;
    const method = t.memberExpression(object as t.Expression, property, callee.computed);
    return t.callExpression(method, rest as t.Expression[]);
  }

  private object(node: t.ObjectExpression): t.Expression {
    const parts: t.Expression[] = [];
    for (const p of node.properties) {
      if (t.isSpreadElement(p))
        refuse(this.file, p, "a stop beside a spread of properties: give its value a name first");
      if (t.isObjectMethod(p)) continue;
      if (p.computed) parts.push(p.key as t.Expression);
      parts.push(p.value as t.Expression);
    }
    const done = this.all(parts);
    let next = 0;
    const properties = node.properties.map((p) => {
      if (!t.isObjectProperty(p)) return p;
      const key = p.computed ? (done[next++] as t.Expression) : p.key;
      return t.objectProperty(key, done[next++] as t.Expression, p.computed);
    });
    return t.objectExpression(properties);
  }

  /** Each value becomes text when it is its turn. */
  private template(node: t.TemplateLiteral): t.Expression {
    const last = node.expressions.findLastIndex((e) => stops(e));
    const parts = node.expressions.map((e, i) => {
      if (i > last) return e;
      const value = this.lower(e as t.Expression);
      if (i === last) return value;
      const quasis = [t.templateElement({ raw: "" }), t.templateElement({ raw: "" }, true)];
      return this.keep(t.templateLiteral(quasis, [value]), "half-evaluated text");
    });
    return t.templateLiteral(node.quasis, parts);
  }
}

/** `TaggedTemplateExpression` as "a tagged template expression". */
function words(type: string): string {
  const text = type.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
  return `${/^[aeiou]/.test(text) ? "an" : "a"} ${text}`;
}
