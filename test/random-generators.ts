/**
 * Random source text of generator functions, of every form that the resumable transform supports.
 *
 * A program is drawn from a list of numbers, so that a shorter list with smaller numbers is a simpler program: fast-check then
 * shrinks programs by shrinking lists. Every program ends: loops count, recursion has a depth.
 *
 * Programs may use: `emit(x)` (an operation whose result is an answer), `note(x)` (an effect, returns x), `cut(x)` (keeps
 * values small), `cell` and `pick(cell)` (an object with fields a, b, c), `tools` (methods), `Box` (a class), `list3(x, y, z)`
 * (a frozen array), `record(x, y)` (a frozen `{ p, q }`) and each other.
 */

/** How many numbers a program of some size takes. */
export const MOST_CHOICES = 400;

/** How deep statements nest. */
const TOP = 3;

interface Scope {
  readonly names: { readonly name: string; readonly changes: boolean }[];
  /** Loops and labels around, innermost last. */
  readonly targets: { readonly label: string | undefined; readonly loop: boolean; readonly plain: boolean }[];
  /** No stop may stand here. */
  readonly quiet: boolean;
}

class Writer {
  private next = 0;
  private fresh = 0;
  private choices: readonly number[] = [];
  private readonly all: readonly number[];
  private readonly functions: number;
  private own = 0;

  constructor(choices: readonly number[], functions: number) {
    this.all = choices;
    this.functions = functions;
  }

  private choose(below: number): number {
    return (this.choices[this.next++] ?? 0) % below;
  }
  private one<T>(...options: readonly T[]): T {
    return options[this.choose(options.length)] as T;
  }
  private get exhausted(): boolean {
    return this.next >= this.choices.length;
  }
  private name(): string {
    return `x${this.fresh++}`;
  }

  private variable(scope: Scope): string {
    return scope.names.length === 0 ? "1" : this.one(...scope.names).name;
  }

  expression(scope: Scope, depth: number): string {
    if (depth <= 0 || this.exhausted) return this.one(this.variable(scope), "1", "0", '"s"', "undefined", "cell.a");
    const e = (): string => this.expression(scope, depth - 1);
    const forms: (() => string)[] = [
      () => this.variable(scope),
      () => `cut(${e()} + ${e()})`,
      () => `(${e()} ${this.one("-", "*", "<", "===", "|", "%", "!==")} ${e()})`,
      () => `(${e()} ${this.one("&&", "||")} ${e()})`,
      () => `((${e()}) ?? (${e()}))`,
      () => `(${e()} ? ${e()} : ${e()})`,
      () => `(${e()}, ${e()})`,
      () => `(${this.one("-", "!", "typeof ", "void ")}${e()})`,
      () => `cut(\`<\${${e()}}\${${e()}}>\`)`,
      () => `list3(${e()}, ${e()}, ${e()})[${this.choose(3)}]`,
      () => `[${e()}, , ${e()}, ...list3(${e()}, 2, 3)].length`,
      () => `list3(${e()}, ${e()}, 3)[(${e()}) ? 1 : 0]`,
      () => `({ p: ${e()}, ["q"]: ${e()} }).${this.one("p", "q")}`,
      () => `record(${e()}, ${e()})[${this.one('"p"', '"q"', `(${e()}, "p")`)}]`,
      () => `record(${e()}, 1)?.${this.one("p", "none?.x", '["q"]')}`,
      () => `tools.add(${e()}, ${e()})`,
      () => `tools["add"](${e()}, ${e()})`,
      () => `tools.add(...list3(${e()}, ${e()}, 1), ${e()})`,
      () => `new Box(${e()}).value`,
      () => `note(${e()})`,
      () => `pick(cell).${this.one("a", "b")}`,
      () => `[1, 2, 3].map((${this.one("y", this.bareName(scope))}) => cut(${this.variable(scope)} + 1)).length`,
      () => this.assignment(scope, depth),
    ];
    if (!scope.quiet) {
      forms.push(
        () => `(yield emit(${e()}))`,
        () => `(yield emit(${e()}))`,
        () => `(yield emit(${e()}))`,
        () => `(yield, ${e()})`,
        () => this.call(scope, depth),
        () => this.call(scope, depth),
      );
    }
    return this.one(...forms)();
  }

  private bareName(scope: Scope): string {
    const name = this.variable(scope);
    return /^\w*[a-z]\w*$/.test(name) ? name : "z";
  }

  private call(scope: Scope, depth: number): string {
    const e = (): string => this.expression(scope, depth - 2);
    const later = this.own + 1 + this.choose(this.functions);
    if (later >= this.functions) {
      return `(depth > 0 ? yield* f${this.own}(depth - 1, ${e()}, ${e()}) : ${e()})`;
    }
    return this.one(
      `(yield* f${later}(depth, ${e()}, ${e()}))`,
      `(yield* f${later}(depth, ${e()}))`,
      `(yield* table[(${e()}, ${later})](depth, ${e()}, ${e()}))`,
      `(yield* byName.f${later}(depth, ${e()}, ${e()}, 7))`,
      `(yield* (${e()} ? f${later} : table[${later}])(depth, ${e()}))`,
    );
  }

  private assignment(scope: Scope, depth: number): string {
    const e = (): string => this.expression(scope, depth - 1);
    const changing = scope.names.filter((n) => n.changes);
    const fields = [`cell.${this.one("a", "b", "c")}`, 'cell["a"]', "pick(cell).b", `pick(cell)[(${e()}, "c")]`];
    const places = [...fields, ...changing.map((n) => n.name), ...changing.map((n) => n.name)];
    const place = this.one(...places);
    return this.one(
      () => `(${place} = ${e()})`,
      () => `(${place} = cut(${e()}))`,
      () => `(${place} ${this.one("-=", "*=", "|=", "&=")} ${e()})`,
      () => `(${place} ${this.one("&&=", "||=", "??=")} ${e()})`,
      () => (changing.length === 0 ? e() : `cut(${this.one("++", "--")}${this.one(...changing).name})`),
      () => (changing.length === 0 ? e() : `(${this.one(...changing).name}++)`),
      () =>
        changing.length === 0 ? e() : `([${this.one(...changing).name}, cell.a = 5] = list3(${e()}, ${e()}, 1))[0]`,
    )();
  }

  block(outer: Scope, depth: number): string {
    const scope = { ...outer, names: [...outer.names] };
    const count = (depth === TOP ? 4 : 1) + this.choose(3);
    const lines: string[] = [];
    // a name of an outer block, taken again before anything in this block uses it
    const again = this.bareName(outer);
    if (this.choose(4) === 1 && again.startsWith("x")) {
      lines.push(`let ${again} = ${this.choose(9)};`);
      scope.names.push({ name: again, changes: true });
    }
    for (let i = 0; i < count; i++) lines.push(this.statement(scope, depth));
    return lines.join("\n");
  }

  private loopScope(scope: Scope, label: string | undefined): Scope {
    return { ...scope, targets: [...scope.targets, { label, loop: true, plain: true }] };
  }

  statement(scope: Scope, depth: number): string {
    const e = (): string => this.expression(scope, 2);
    if (depth <= 0 || this.exhausted) return this.one(`note(${e()});`, `cell.b = ${e()};`);
    const declare = (text: (name: string) => string, changes: boolean): string => {
      const name = this.name();
      const line = text(name);
      scope.names.push({ name, changes });
      return line;
    };
    const inside = (): string => `{\n${this.block(scope, depth - 1)}\n}`;
    const label = this.choose(3) === 1 ? `l${this.fresh++}` : undefined;
    const named = label === undefined ? "" : `${label}: `;
    const body = (): string => `{\n${this.block(this.loopScope(scope, label), depth - 1)}\n}`;
    const counted = (name: string): string => {
      const inner = this.loopScope(scope, label);
      const withName = { ...inner, names: [...inner.names, { name, changes: false }] };
      return `{\n${this.block(withName, depth - 1)}\n}`;
    };
    return this.one(
      () => `${this.expression(scope, 3)};`,
      () => declare((n) => `const ${n} = ${e()};`, false),
      () => declare((n) => `let ${n} = ${e()};`, true),
      () => declare((n) => `let ${n};\nnote(${n});\n${n} = ${e()};`, true),
      () => declare((n) => `var ${n} = ${e()};`, true),
      () => declare((n) => `const { p: ${n} = ${scope.quiet ? e() : "3"} } = record(${e()}, 1);`, false),
      () => declare((n) => `let [, ${n}, ...${n}r] = list3(${e()}, ${e()}, 4); note(${n}r.length);`, true),
      () => `if (${e()}) ${inside()}`,
      () => `if (${e()}) ${inside()} else ${inside()}`,
      () => {
        const n = this.name();
        return `${named}for (let ${n} = 0, ${n}m = ${this.one("2", "3")}; ${n} < ${n}m; ${n}++) ${counted(n)}`;
      },
      () => {
        const n = this.name();
        return `let ${n} = 0;\n${named}while (${n}++ < 3 ${this.one("", `&& !(${e()})`)}) ${body()}`;
      },
      () => {
        const n = this.name();
        return `let ${n} = 0;\n${named}do ${body()} while (++${n} < 2 ${this.one("", `&& (${e()})`)});`;
      },
      () => {
        const n = this.name();
        return `${named}for (const ${n} of list3(${e()}, ${e()}, 2)) ${counted(n)}`;
      },
      () => {
        const n = this.name();
        return `${named}for (const { p: ${n} } of list3(record(${e()}, 2), record(1, 1), record(${e()}, 2))) ${counted(n)}`;
      },
      () => this.choice(scope, depth, named, label),
      () =>
        label === undefined
          ? inside()
          : `${named}{\n${this.block({ ...scope, targets: [...scope.targets, { label, loop: false, plain: false }] }, depth - 1)}\n}`,
      () => this.jump(scope),
      () => this.jump(scope),
      () => {
        const quiet = { ...scope, quiet: true };
        const inner = this.block(quiet, depth - 1);
        const end = this.one("catch { note(1); }", "catch (x) { note(typeof x); }", "finally { note(2); }");
        return `try {\nif (${this.expression(quiet, 1)}) throw new Error("thrown");\n${inner}\n} catch { note("c"); }\ntry {\n${this.block(quiet, depth - 1)}\n} ${end}`;
      },
      () => `if (${this.expression(scope, 1)}) return ${e()};`,
      () => (scope.quiet ? "note(4);" : `note(${this.call(scope, 3)});`),
      () => (scope.quiet ? "note(5);" : `cell.a = yield emit(${e()});`),
    )();
  }

  private choice(scope: Scope, depth: number, named: string, label: string | undefined): string {
    const inner = { ...scope, targets: [...scope.targets, { label, loop: false, plain: true }] };
    const e = (): string => this.expression(scope, 1);
    const cases = Array.from({ length: 1 + this.choose(3) }, () => {
      const end = this.one("break;", "");
      return `${this.one(`case ${e()}:`, `case ${this.choose(3)}:`)} {\n${this.block(inner, depth - 1)}\n${end}\n}`;
    });
    if (this.choose(2) === 1)
      cases.splice(this.choose(cases.length + 1), 0, `default: {\n${this.block(inner, depth - 1)}\n}`);
    return `${named}switch (${e()}) {\n${cases.join("\n")}\n}`;
  }

  private jump(scope: Scope): string {
    const condition = `if (${this.expression(scope, 1)}) `;
    const ways = scope.targets.flatMap((target): string[] => [
      ...(target.label === undefined ? [] : [`break ${target.label};`]),
      ...(target.label !== undefined && target.loop ? [`continue ${target.label};`] : []),
    ]);
    if (scope.targets.some((x) => x.plain)) ways.push("break;");
    if (scope.targets.some((x) => x.loop)) ways.push("continue;");
    return ways.length === 0 ? `${condition}return ${this.expression(scope, 1)};` : condition + this.one(...ways);
  }

  function(index: number): string {
    this.own = index;
    // the first function gets half of the choices, the others share the rest
    const half = Math.ceil(this.all.length / 2);
    const share = Math.ceil(half / (this.functions - 1));
    this.choices = index === 0 ? this.all.slice(0, half) : this.all.slice(half + (index - 1) * share).slice(0, share);
    this.next = 0;
    const second = this.one("b", "b = 5", "b = a", "{ p: b = 2 } = record(1, 2)");
    const names = [
      { name: "a", changes: this.choose(2) === 1 },
      { name: "b", changes: true },
    ];
    const isPattern = second.startsWith("{");
    const opening = isPattern ? `const given = b;` : "";
    const parameters = `depth, a, ${isPattern ? "ignored, { p: b = 2 } = record(1, 2)" : second}`;
    return `function* f${index}(${parameters}) {\n${opening}\n${this.block({ names, targets: [], quiet: false }, TOP)}\n}`;
  }
}

/** The source of a module with functions `f0` … and the tables `table` and `byName` of them. */
export function randomGenerators(choices: readonly number[]): string {
  const functions = 3;
  const writer = new Writer(choices, functions);
  const all = Array.from({ length: functions }, (_, i) => i);
  const texts = all.map((i) => writer.function(i));
  const tables = `const table = [${all.map((i) => `f${i}`).join()}];\nconst byName = { ${all.map((i) => `f${i}`).join()} };`;
  return `${tables}\n${texts.join("\n")}\n`;
}
