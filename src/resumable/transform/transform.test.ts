// biome-ignore-all lint/suspicious/noTemplateCurlyInString: programs under test are text
import { describe, expect, it } from "vitest";
import { compileText, evaluate, evaluateCompiled } from "../../../test/compile-text.ts";
import { create, Entity, fields, Machine, op, value, World } from "../index.ts";
import { hasGenerators, transformModule } from "./transform.ts";

/** What a program did, in order. */
type Log = unknown[];

class Cell extends Entity {
  declare a: unknown;
  declare b: unknown;
  static {
    fields(Cell, { a: value, b: value });
  }
}

const ANSWERS = [3, 0, "x", 5, undefined, 1, 2];

/** What programs may use: `ask(x)` in a yield, `log(x)` returns x, `seen(x)` logs and returns `cell`. */
const helpers = (log: Log, cell: object): object => ({
  cell,
  log: (x: unknown) => {
    log.push(x);
    return x;
  },
  seen: (x: unknown) => {
    log.push(`seen ${String(x)}`);
    return cell;
  },
  list: (...x: unknown[]) => Object.freeze(x),
  record: (x: object) => Object.freeze(x),
});

/** Runs `f(7)` as the generator it is. */
function runPlain(text: string): Log {
  const log: Log = [];
  const given = { ...helpers(log, { a: undefined, b: undefined }), ask: (x: unknown) => ({ asked: x }) };
  const { f } = evaluate(text, given, ["f"]) as { f: (x: number) => Generator<{ asked: unknown } | undefined> };
  const running = f(7);
  let sent: unknown;
  for (let next = 0; ; ) {
    const step = running.next(sent);
    if (step.done) return [...log, "returned", step.value];
    sent = undefined;
    if (step.value === undefined) continue;
    log.push("asked", step.value.asked);
    sent = ANSWERS[next++ % ANSWERS.length];
  }
}

/** Runs `f(7)` compiled; the state is copied away and put back at each stop. */
function runCompiled(text: string, typescript = false): Log {
  const log: Log = [];
  const world = new World();
  const tape = create(Cell, { a: 0 });
  const ask = op<unknown>("ask", {
    apply(x) {
      log.push("asked", x);
      const next = tape.a as number;
      tape.a = next + 1;
      return ANSWERS[next % ANSWERS.length];
    },
  });
  const done = (x: unknown): number => log.push("returned", x);
  const given = { ...helpers(log, create(Cell)), ask, done };
  const whole = `${text}\nfunction* whole() { done(yield* f(7)); }`;
  const { whole: body } = evaluateCompiled(whole, given, ["whole"], typescript) as { whole: () => unknown };
  const machine = new Machine(world);
  machine.spawn("t", body);
  world.seal();
  while (!machine.finished(0)) {
    machine.step(0, 0);
    const state = machine.words.slice();
    machine.words.fill(-1);
    machine.words.set(state);
  }
  return log;
}

/** A function with this body. */
const f = (body: string): string => `function* f(x) {\n${body}\n}`;

/** Forms, each with a stop where it may stand. */
const FORMS: Record<string, string> = {
  "a plain step": f("yield; log(1); const s = yield; return s;"),
  "no stop at all": f("let y = x; for (let i = 0; i < 3; i++) y += i; return y;"),
  "an empty body": f(""),
  "return of a stop": f("return yield ask(1);"),
  "throw is caught outside": f("if (x > 100) throw yield ask(1); return 1;"),
  "if, else if, else":
    "function* f(x) { const r = [yield* g(1), yield* g(2), yield* g(3)]; return r.join(); } function* g(n) { if (n === (yield ask(0))) return 'a'; else if ((yield ask(1)) === 0) { yield; return 'b'; } else return 'c'; }",
  while: f("let n = 0; while (n < 3) { log(yield ask(n)); n++; } return n;"),
  "while with a stop in its test": f("let n = 0; while ((yield ask(n)) !== 5) n++; return n;"),
  "do, continue goes to its test": f(
    "let n = 0; do { n++; if (n === 1) continue; log(yield ask(n)); } while (n < 3); return n;",
  ),
  "for without parts": f("let n = 0; for (;;) { yield ask(n); if (++n === 3) break; } return n;"),
  "for with stops in all parts": f(
    "let s = 0; for (let i = yield ask(0); i > (yield ask(i)); i -= yield ask('u')) { s++; if (s > 3) break; } return s;",
  ),
  "for, continue goes to its update": f("for (let i = 0; i < 3; i++) { if (i === 1) continue; log(yield ask(i)); }"),
  "for of": f("for (const v of list(1, 2)) log([v, yield ask(v)].join());"),
  "for of assigns to anything": f(
    "let v; for (v of list(1, 2)) yield ask(v); for (cell.a of list(3, 4)) yield ask(cell.a); for (const { p: [q = 9] } of list(record({ p: list() }))) yield ask(q); return v;",
  ),
  "for of over what a stop gave": f(
    "for (const v of list(yield ask(0), 2)) { log(v); yield; } for (const c of (yield ask(1)) || 'ab') yield ask(c);",
  ),
  "for in without a stop": f(
    "const keys = []; for (const k in { p: 1, q: 2 }) keys.push(k); return yield ask(keys.join());",
  ),
  "nested loops with labels": f(
    "outer: for (let i = 0; i < 3; i++) { for (let j = 0; j < 3; j++) { if (j === 1) continue outer; if (i === 2) break outer; log(i + '.' + j); yield ask(i); } } return 1;",
  ),
  "break out of a stop-free loop to one with stops": f(
    "outer: while (true) { yield; for (const i of [1, 2, 3]) { if (i === 2) break outer; log(i); } } return 2;",
  ),
  "continue of a loop with stops from a stop-free switch": f(
    "for (let i = 0; i < 4; i++) { switch (i) { case 1: continue; case 2: break; default: log('d'); } yield ask(i); }",
  ),
  "a labelled block": f(
    "l: { log(1); if (yield ask(0)) break l; log(2); } m: { yield; if (x) { log(3); break m; } log(4); } return 5;",
  ),
  "two labels": f(
    "a: b: for (let i = 0; i < 3; i++) { yield; if (i === 0) continue b; if (i === 1) continue a; break a; } return 1;",
  ),
  "a stop-free labelled loop with two labels": f(
    "yield; a: b: for (let i = 0; ; i++) { for (;;) { if (i === 0) continue b; if (i < 3) continue a; break a; } } return x;",
  ),
  "switch with stops everywhere": f(
    "for (let i = 0; i < 4; i++) { switch (i) { case yield ask('t'): log('first'); break; default: log('default'); case 2: log(yield ask('two')); break; case 3: log('three'); } }",
  ),
  "switch without a default or a match": f(
    "switch (x) { case 1: yield; log(1); } switch (x) { case 7: { yield; break; } case 8: log(8); } return 3;",
  ),
  "early returns": f(
    "for (let i = 0; ; i++) { if (i === 2) return i; while (true) { if (i === 1) break; if (yield ask(i)) { i++; return 'x'; } break; } }",
  ),
  "try without a stop": f(
    "let r = 0; for (let i = 0; i < 2; i++) { try { if (i) throw new Error('e'); r = 1; } catch (e) { r += 2; continue; } finally { log(r); } yield ask(r); } try { return r; } finally { log('f'); }",
  ),
  "jumps out of try": f(
    "yield; l: for (let i = 0; i < 3; i++) { try { if (i === 1) break l; continue; } finally { log(i); } } while (yield ask(1)) { try { break; } finally { log('out'); } } return 1;",
  ),
  "default and destructured parameters":
    "function* f(x) { return list(yield* g(), yield* g(1, record({ p: 5 }))).join(); } function* g(a = log(4), { p, q = a } = { p: 2 }, [r] = [a]) { yield ask(p); return `${a}${p}${q}${r}`; }",
  "fewer and more arguments than parameters":
    "function* f(x) { return list(yield* g(1), yield* g(1, 2, 3), yield* g()).join('-'); } function* g(a, b) { yield; const c = 4; yield; return `${a}${b}${c}`; }",
  "destructuring declarations": f(
    "const { p, r: [q, ...rest], ...others } = record({ p: yield ask(0), r: list(1, 2, 3), s: 4 }); let [a, , b = 5] = list(1, 2); [a, b] = list(b, a); log(rest.length + others.s); return `${p}${q}${a}${b}`;",
  ),
  "destructuring into fields": f(
    "[cell.a, cell['b']] = list(1, yield ask(0)); ({ p: cell.a } = { p: 4 }); return cell.a;",
  ),
  "shadowed names in nested blocks": f(
    "let v = 1; { let v = 2; { const v = yield ask(3); log(v); } yield; log(v); } yield; { let v = 4; log(v); } for (let v = 0; v < 2; v++) { yield; let x = v; log(x); } return v + x;",
  ),
  "let without a value is reset each turn": f("for (let i = 0; i < 3; i++) { let v; log(v); v = i; yield; log(v); }"),
  "var is not reset, and is one for the function": f(
    "for (var i = 0; i < 2; i++) { var v; log(v); v = i; yield; { var v; } } return v + i;",
  ),
  "var in stop-free loops": f(
    "for (var i = 0; i < 2; i++) var v = i; for (var k in { p: 1 }); for (var e of [5]); yield; return `${v}${i}${k}${e}`;",
  ),
  "closures that are used at once": f(
    "let s = 0; for (const v of list(1, 2)) { yield; s += [1, 2].map((y) => y * v + x).reduce((a, b) => a + b, 0); list(1, 2).forEach((y) => { s += y; }); } return s;",
  ),
  "closures over turns of a stop-free loop": f(
    "{ const all = []; for (let i = 0; i < 3; i++) all.push(() => i); log(all.map((g) => g()).join()); } yield; return x;",
  ),
  "arrows with locals of the same name": f(
    "let v = 1; const w = [5].map((v) => { let x = v; v++; return v + x; })[0]; yield; v++; return [6].map((x) => x + v)[0] + w;",
  ),
  "function expressions used at once": f(
    "const v = yield ask(1); return [1, 2].map(function (y) { return this === undefined ? y + v : y; }).join();",
  ),
  "object and array literals": f(
    "const o = record({ p: yield ask(1), ['q' + (yield ask(2))]: yield ask(3), x, r: log(4) }); yield; const a = list(...[log(5), , yield ask(6), ...list(7, yield ask(8))]); return Object.keys(o).join() + a.length;",
  ),
  "holes and spread behind and before stops": f(
    "return [1, , ...list(2, 3), yield ask(1), ...list(yield ask(2)), ...[4]].length;",
  ),
  "logical operators": f(
    "return list(log(0) || (yield ask(1)), log(1) && (yield ask(2)), log(null) ?? (yield ask(3)), log(0) ?? (yield ask(4)), (yield ask(5)) && 6, (yield ask(6)) || 7, (yield ask(7)) ?? 8, log(1) || (yield ask(9)), log(0) && (yield ask(10)), (yield ask(11)) && (yield ask(12))).join();",
  ),
  conditional: f(
    "return list(x ? yield ask(1) : 2, !x ? yield ask(3) : yield ask(4), (yield ask(5)) ? 6 : 7, x ? 8 : yield ask(9)).join();",
  ),
  sequence: f("return (log(1), yield ask(2), log(3)), (yield ask(4), log(5), 6);"),
  "compound assignment": f(
    "let v = 1; v += yield ask(v); v -= (v = 10, yield ask(v)); cell.a = 2; cell.a *= yield ask(1); seen(1).a += yield ask(2); seen(2)[log('a')] += (cell.a = 1, yield ask(3)); cell[yield ask(4)] = 5; log(v); return cell.a;",
  ),
  "logical assignment": f(
    "let v; v ??= yield ask(1); v &&= yield ask(2); v ||= yield ask(3); cell.a ??= yield ask(4); seen(1).a &&= yield ask(5); cell['b'] ||= yield ask(6); seen(log(2))[log('b')] ||= yield ask(7); return `${v}${cell.a}${cell.b}`;",
  ),
  "assignment evaluates its place first": f(
    "seen(1).a = yield ask(1); seen(2)[log('b')] = yield ask(2); seen(yield ask(3)).a = log(4); (yield ask(5), cell).b = 6; return `${cell.a}${cell.b}`;",
  ),
  update: f(
    "cell.a = 1; (yield ask(1), cell).a++; --seen(yield ask(2)).a; cell[(yield ask(3), 'a')]++; let n = 0; n++; ++n; yield ask(n--); return cell.a + n;",
  ),
  "half-evaluated operands": f(
    "let v = 1; const w = v + (v = 2, yield ask(v)) + v; return `${w}${v - (yield ask((v = 9)))}${list(v, (v = 3), yield ask(1), v).join()}`;",
  ),
  "arguments, methods, new": f(
    "const s = 'abc'; return [log(x), yield ask(1), log(2)].join() + s.slice(yield ask(2), log(3)) + s['slice'](log(1), yield ask(3)) + new String(yield ask(4)).length + Math.max(...list(1, 2), yield ask(5), ...list(3)) + log(log(yield ask(6)));",
  ),
  unary: f("return `${-(yield ask(1))}${!(yield ask(2))}${typeof (yield ask(3))}${void (yield ask(4))}`;"),
  "member of a stop": f(
    "const o = record({ p: 1, q: record({ p: 2 }) }); return (yield ask(1), o).p + o[(yield ask(2)) === 0 ? 'p' : 'q'] + (yield ask(3), o).q['p'] + o[log('q')][(yield, 'p')];",
  ),
  "optional chaining": f(
    "const o = record({ p: record({ q: 3 }) }); log(o?.p?.q); log((yield ask(1), undefined)?.p.q); log((yield ask(2), o)?.p.q); log((yield ask(3), o)?.['p'].q); log((yield, 'abc')?.slice?.(1)); return (yield ask(4))?.length;",
  ),
  "template literals": f("let v = 1; return `a${v}b${(v = 2, yield ask(v))}c${v}${log(4)}`;"),
  "tagged templates without a stop": f("yield; return String.raw`a\\n${x}`;"),
  recursion:
    "function* f(x) { if (x === 0) return yield ask('end'); const below = yield* f(x - 1); return `${x}${below}`; }",
  "mutual recursion and calls before declarations":
    "const table = [g, f]; function* f(x) { return x > 3 ? yield* g(x - 1) : x; } function* g(x) { yield; return yield* table[1](x - 1); }",
  "indirect calls":
    f(
      "let n = 0; for (const op of list('a', 'b')) n += yield* ops[op](n, x); return n + (yield* (x ? ops.a : ops.b)(1, 2)) + (yield* pick(1)(3, 4));",
    ) +
    "\nconst ops = { a: function* (n, m) { yield ask(n); return n + m; }, b: inner }; const pick = (i) => [ops.a, ops.b][i]; function* inner(n, m) { return n * m; }",
  "arguments of calls are evaluated once, from left to right":
    "function* f(x) { let v = 1; return yield* g(log(v), (v = 2, yield ask(v)), v, log(x)); } function* g(a, b, c, d) { yield; return `${a}${b}${c}${d}`; }",
  "a call among operands":
    "function* f(x) { let v = 2; return v * (yield* g(3)) + (v = 5, yield* g(v)) - v; } function* g(n) { yield ask(n); return n; }",
  "a generator expression that calls itself":
    "const f = function* self(x) { return x > 5 ? 1 + (yield* self(x - 1)) : yield ask(x); };",
  "unfortunate names":
    "function* f($n, _context, $h) { let $fp = $n, $v = 2, $$ = 3, $loop = 4, $1 = 5, _regenerator = 6; yield ask($fp); $fp += $1; yield; return `${$n}${_context}${$fp}${$v}${$$}${$loop}${$1}${_regenerator}${$encode}`; } const $encode = 1; const $ = 2; function $decode() { return $; }",
  "comments and strings that look like code": f(
    "// yield* nothing\nconst s = 'function* () { yield }'; /* yield */ yield ask(s.length); return s;",
  ),
  "literals before a stop": f(
    "let v = 1; return `${v}` + (v = 2, yield ask(v)) + [/a/g, (yield ask(3))].length + [1n, 'a', null, true, yield].length + v;",
  ),
  "continue of a loop out of its switch, with a stop behind": f(
    "for (let i = 0; i < 3; i++) { let y = i; switch (i) { case 1: y = 5; continue; case 0: y = 6; } yield ask(y); }",
  ),
  "a label that names a stop-free loop within": f(
    "yield; out: { in_: for (;;) { for (;;) { if (x) break in_; break out; } } yield ask(1); } return 2;",
  ),
  "many stops": f(`let n = 0;\n${"n += yield ask(n);\n".repeat(300)}return n;`),
  "a parameter that is assigned": f("x += yield ask(x); x++; yield; return x;"),
  "values of every kind": f(
    "let v = 1.5; yield; log(v); v = -0; yield; log(Object.is(v, -0)); v = 2 ** 40; yield; log(v); v = NaN; yield; log(v); v = null; yield; log(v); v = true; yield; log(v); v = 10n; yield; log(v); v = log; yield; log(v === log); v = list(1, list('a'), record({ p: undefined })); yield; log(v[1][0]); return v.length;",
  ),
};

describe("compiled functions do what generators do:", () => {
  it.each(Object.entries(FORMS))("%s", (_, text) => {
    const expected = runPlain(text);
    expect(runCompiled(text)).toEqual(expected);
    expect(runCompiled(text, true)).toEqual(expected);
  });

  it("with types, which go away", () => {
    const typed = `interface P { readonly p: number }
      enum Kind { One = 1, Two }
      function* f(this: void, x: number, y?: P): Generator<undefined, string, any> {
        const a = (yield ask(1)) as number;
        const b = (yield ask(2))! satisfies unknown;
        let c: number | undefined;
        for (const v of [Kind.One, Kind.Two] as const) c = (c ?? 0) + v + ((yield ask(v)) as number);
        return \`\${a}\${b}\${String(c)}\${y?.p}\` as string;
      }`;
    const asked = [1, 2, 1, 2].flatMap((x) => ["asked", x]);
    expect(runCompiled(typed, true)).toEqual([...asked, "returned", "301x25undefined"]);
  });
});

/** What is refused, the line it is on, and words of the message. */
const REFUSED: readonly (readonly [text: string, line: number, message: string])[] = [
  [f("try {\nyield;\n} catch {}"), 2, "try/catch/finally around a stop"],
  [f("try { log(1); } finally { yield; }"), 2, "try/catch/finally around a stop"],
  [f("for (const k in x) yield k;"), 2, "for...in around a stop"],
  [f("yield this.x;"), 2, "`this` does not live in a frame"],
  [f("log(() => this);"), 2, "`this` does not live in a frame"],
  [f("yield arguments[0];"), 2, "`arguments` does not live in a frame"],
  [f("log(new.target);"), 2, "`new.target` does not live"],
  ["const o = { f: function* () { super.x(); } };", 1, "super"],
  [f("class C {}"), 2, "a class inside a resumable function"],
  [f("log(class {});"), 2, "a class inside a resumable function"],
  [f("function g() {}"), 2, "a function declared inside"],
  [f("const g = function* () { yield; };"), 2, "a generator inside"],
  [f("log(async () => 1);"), 2, "an async function inside"],
  ["async function* f() { await 1; }", 1, "an async generator cannot be resumable"],
  ["function* f(...xs) { yield xs; }", 1, "a rest parameter"],
  ["function* f(a = yield 1) {}", 1, "Yield expression is not allowed in formal parameters"],
  [f("yield* log;"), 2, "yield* takes a call with plain arguments"],
  [f("yield* g(...x);"), 2, "yield* takes a call with plain arguments"],
  [f("yield* new G();"), 2, "yield* takes a call with plain arguments"],
  [f("yield* g?.(1);"), 2, "yield* takes a call with plain arguments"],
  [f("const { a = yield 1 } = x;"), 2, "a stop inside a destructuring pattern"],
  [f("const { [yield 1]: a } = x;"), 2, "a stop inside a destructuring pattern"],
  [f("for ((yield 1).a of x) log(1);"), 2, "a stop in what a for...of assigns to"],
  [f("log`a${yield 1}`;"), 2, "a stop inside a tagged template expression"],
  [f("x?.y(yield 1);"), 2, "a stop behind ?.: write it as an if"],
  [f("x?.[yield 1];"), 2, "a stop behind ?.: write it as an if"],
  [f("log({ ...x, a: yield 1 });"), 2, "a stop beside a spread of properties"],
  [f("delete x?.[yield 1];"), 2, "a stop behind ?."],
  [f("const g = () => x;\nyield;\nreturn g();"), 2, "g holds a closure over a stop"],
  [f("let g = x ? () => 1 : null;\nyield;\nreturn g;"), 2, "g holds a closure over a stop"],
  [f("let g = log;\ng ??= () => 1;\nyield;\nreturn g;"), 3, "g holds a closure over a stop"],
  [f("yield* g(() => x);"), 2, "a closure handed over at a stop"],
  [f("yield ask(x || (() => x));"), 2, "a closure handed over at a stop"],
  [f("return () => x;"), 2, "a closure that leaves the function"],
  [f("yield () => x;"), 2, "a closure that leaves the function"],
  [f("yield* g([{ a: () => x }]);"), 2, "a closure handed over at a stop"],
  [f("return { a: x ? () => x : 1 };"), 2, "a closure that leaves the function"],
  [f("const o = [];\no[0] = [() => x];"), 3, "a closure kept in an object"],
  [f("cell.a = () => x;"), 2, "a closure kept in an object"],
  [f("for (const y of list(1)) { yield; log(() => y); }"), 2, "a closure over y, which each turn of a loop"],
  [f("while (x) {\nconst y = yield;\nlog(function () { return y; });\n}"), 4, "a closure over y, which each turn"],
  ["let n = 0; const make = (m) => { m++; return function* () { yield m; }; };", 1, "m changes outside the frame"],
  ["const make = (m) => function* () { yield; m = 1; };", 1, "m lives outside the frame"],
  ["let n = 0;\nfunction* f() { n = 1; yield; }", 2, "n lives outside the frame: keep it in an entity"],
  ["let n = 0;\nfunction* f() { yield; n++; }", 2, "n lives outside the frame: keep it in an entity"],
  ["class C {\n*f() { yield; } }", 2, "a generator method"],
  ["const o = {\n*f() { yield; } };", 2, "a generator method"],
  ["if (1) {\nfunction* f() { yield; } }", 2, "declare a resumable function at the module level"],
  ["function g() {\nfunction* f() { yield; } }", 2, "declare a resumable function at the module level"],
  ["function* f() {\n  const = 1;\n}", 2, "Unexpected token"],
  [f(Array.from({ length: 1100 }, () => "yield;").join("\n")), 1, "f has too many stops and jumps"],
];

describe("what cannot live in a frame is refused:", () => {
  it.each(
    REFUSED.map(([text, line, message]) => [text.slice(0, 60).replaceAll("\n", " "), text, line, message] as const),
  )("%s", (_, text, line, message) => {
    const compile = (): unknown => transformModule(text, { file: "mine.ts", runtime: "r", typescript: false });
    expect(compile).toThrow(message);
    expect(compile).toThrow(new RegExp(`^mine\\.ts:${line}: `));
  });

  it("but not iterators, generators of other kinds of files, nor closures that die with the step", () => {
    const text = `
      class Ring { *[Symbol.iterator]() { yield this.x; } }
      function* f(x) { const g = () => x; log(g()); yield; log(new Ring(() => 1), ((y) => y)(2)); }`;
    expect(() => compileText(text)).not.toThrow();
    expect(compileText(text)).toContain("*[Symbol.iterator]");
  });
});

describe("the module around", () => {
  const code = (text: string): string => transformModule(text, { file: "a.ts", runtime: "r", typescript: true }).code;

  it("stays as it is without generators", () => {
    expect(code("export const a: number = 1;")).toBe("export const a = 1;");
    expect([
      hasGenerators("const a = b * c;"),
      hasGenerators("function *f() {}"),
      hasGenerators("{ *[x]() {} }"),
    ]).toEqual([false, true, true]);
  });

  it("is looked at when it may have generators", () => {
    const yes = [
      "function*f() {}",
      "function *f() {}",
      "function  * f(",
      "*f() {",
      "static *f(a) {",
      "{*f(",
      ";*[Symbol.iterator]() {",
      ",* $(",
      "x = { *_(",
    ];
    const no = ["", "a * b", "function f() { return a *b; }", "// yield", "a ** (b)", "function f(*"];
    expect([...yes, ...no].filter(hasGenerators)).toEqual(yes);
  });

  it("keeps exports, directives and imports, which may be renamed", () => {
    const text = `import { a } from "./a.ts"; import type { T } from "./t.ts"; export * from "./b.ts"; export { c } from "c";
      export default function* () { yield a; } export function* g(): T { yield; } const late = () => import("./d.ts");`;
    const options = {
      file: "x/a.ts",
      runtime: "./r.ts",
      typescript: true,
      imports: (s: string, line: number) => `${s}!${line}`,
    };
    const { code } = transformModule(text, options);
    expect([...code.matchAll(/from "(.*?)"|import\("(.*?)"\)/g)].map((m) => m[1] ?? m[2])).toEqual([
      "./a.ts!1",
      "./b.ts!1",
      "c!1",
      "./d.ts!2",
      "./r.ts",
    ]);
    expect(code).toMatch(/export default function/);
    expect(code).toMatch(/export function g\(/);
    expect(code).toContain('name: "default"');
  });

  it("names functions by what they are given to", () => {
    const text =
      "const a = function* () { yield; }; class C { static b = function* () { yield; }; } const o = { c: function* () { yield; }, d: { e: function* x() { yield; } } }; log(function* () { yield; });";
    expect([...code(text).matchAll(/name: "(\w+)"/g)].map((m) => m[1])).toEqual(["a", "b", "c", "x", "body"]);
  });
});

/** Locals in the frame at each stop of `f`, by their source names. */
function aliveAt(body: string): string[] {
  const { code } = transformModule(f(body), { file: "a.ts", runtime: "r", typescript: false });
  const found = /alive: (\[\[.*\]\]),\n/.exec(code)?.[1];
  return (JSON.parse(found as string) as string[][]).slice(1).map((words) => words.filter((w) => w !== "").join(" "));
}

describe("only what may be read again is kept:", () => {
  it.each([
    ["yield; return x;", ["x"]],
    ["yield; x = 1; return x;", [""]],
    ["const y = 1; yield; log(y); yield;", ["y", ""]],
    ["let y = 1; yield; if (x) y = 2; else y = 3; yield; return y;", ["x", "y"]],
    ["let y = 1; yield; if (x) y = 2; yield; return y;", ["x y", "y"]],
    ["let y = 1; yield; y += 1; yield; y++; return 1;", ["y", "y"]],
    ["let y; for (;;) { yield; y = log(1); if (y) break; } yield; return 2;", ["", ""]],
    ["let y; yield; for (y of x) log(y); yield; for (y in x) log(y); return y;", ["x y", "x y"]],
    ["let y; yield; [y] = x; return y;", ["x"]],
    ["let y; yield; ({ p: y = x, [x]: cell.a } = x); return y;", ["x"]],
    ["let y; yield; while (x) { y = 1; break; } return y;", ["x y"]],
    ["let y; yield; do { y = 1; if (x) continue; y = 2; } while (y < 1); return y;", ["x"]],
    ["let y; yield; l: { y = 1; if (x) break l; y = 2; } return y;", ["x"]],
    ["let y; yield; l: for (;;) { for (;;) { if (x) { y = 1; break l; } continue l; } } return y;", ["x"]],
    ["let y; yield; switch (x) { case 1: y = 1; break; default: y = 2; } return y;", ["x"]],
    ["let y; yield; switch (x) { case 1: y = 1; break; case 2: y = 2; } return y;", ["x y"]],
    ["let y; yield; switch (y = x) { case y: return 1; } return y;", ["x"]],
    ["let y; yield; try { y = x; } catch { y = 1; } return y;", ["x y"]],
    ["let y; yield; (y = x) && log(1); return y;", ["x"]],
    ["let y; yield; x && (y = 1); return y;", ["x y"]],
    ["let y; yield; y ??= x; return y;", ["x y"]],
    ["let y; yield; return x ? (y = 1) : (y = 2), y;", ["x"]],
    ["let y = 1; yield; return [1].map((z) => z + y)[0];", ["y"]],
    ["let y = 1; yield; return [1].map((y) => y)[0];", [""]],
    ["let y = 1; yield; return { y: 1 }.y + { y }.y + cell.y;", ["y"]],
    ["let y = 1; yield; throw y;", ["y"]],
    ["let y, z; yield; y += (z = 1); return y + z;", ["y"]],
    ["let y; yield; for (;;) { switch (x) { case 1: y = 1; continue; default: return y; } }", ["x y"]],
    ["let y; yield; a: for (;;) { for (;;) { y = 1; if (x) continue a; break; } return y; }", ["x"]],
    ["let y; yield; a: b: for (;;) { y = x; if (y) break a; continue b; } return y;", ["x"]],
    ["let y; yield; for (y = 0; y < x; y++) log(1); return y;", ["x"]],
    ["let y; yield; for (;;) { y = x; if (y) break; } return y;", ["x"]],
    ["let y; yield; for (const z of x) { y = z; if (y) continue; log(y); } return 1;", ["x"]],
    ["let y; yield; while ((y = x)) log(y); return y;", ["x"]],
    ["let y; yield; switch (x) { case 1: y = 1; default: y = 2; } return y;", ["x"]],
    ["let y; yield; if (x) { y = 1; return y; } y = 2; return y;", ["x"]],
    ["let y; yield; cell[y = x].a = 1; return y;", ["x"]],
    ["let y = x; yield; cell.y = 1; cell[x] = 2; return { y: 1, x };", ["x"]],
    ["let y = x; yield; y: for (;;) break y;", [""]],
    ["const y = 1; yield; if (x) return 1; yield; return y;", ["x y", "y"]],
    ["yield; const z = 1; return log(x) + (yield ask(2)) + z;", ["x", "z half-evaluated value"]],
    ["for (const y of list(1, 2)) { yield; log(y); } yield;", ["y values of for...of place in for...of", ""]],
    ["for (const y of list(1)) yield ask(y);", ["values of for...of place in for...of"]],
    ["switch (yield) { case 1: yield; case yield: return x; }", ["x", "x value of switch", "x"]],
  ])("%s", (body, expected) => {
    expect(aliveAt(body)).toEqual(expected);
  });
});
