import { SourceMap } from "node:module";
import { expect, it } from "vitest";
import { transformModule } from "./transform.ts";

/** Every part of the transform leaves a trace here; the compiled text is in samples/compiled.txt. */
const SOURCE = `import { ask, log } from "./ops.ts";
export const table = [loops, operands];
export default function* loops(x, y = log(1), { p, q = 2 } = y) {
  for (let i = 0; i < x; i++) {
    if (i === p) continue;
    yield ask(i);
  }
  outer: while (yield) {
    for (const v of [1, 2]) {
      if (v === q) break outer;
      else if (v) continue outer;
    }
    do {
      let z;
      z = yield* loops(x - 1, y);
      log(z);
    } while (yield ask(2));
  }
  for (const [a, b] of table) {
    switch (a) {
      case 1:
        yield ask(b);
        break;
      case yield ask(3):
        return b;
      default:
        log(4);
    }
  }
  l: {
    if (yield) break l;
    else yield ask(5);
    try {
      if (x) return x;
    } catch {
      break l;
    } finally {
      log(6);
    }
    var later = 7;
  }
  return;
  log(later);
}
export const operands = function* (o, k) {
  let n = 1;
  o.p = n + (yield ask(1)) + \`\${n}\${yield ask(2)}\`;
  o[k] += yield ask(3);
  n ||= o.p && (yield ask(4));
  n ??= k ? yield ask(5) : 6;
  log(n++, { n, [k]: yield }, [n, ...o, , yield ask(6), ...k]);
  const { a, ...b } = new o.Box(yield ask(7), n);
  (yield ask(8))?.a.b?.(n);
  o.m(log(8), yield ask(9)).p--;
  (yield, o)[k]++;
  [n, o.q] = yield* o.body(n, yield* table[n](a, "b", -1, /c/), b);
  if (!(yield ask(10))) throw yield ask(11);
  return typeof (yield ask(12)), n;
};
`;

it("compiles to the text in samples, each line with the place of the source it stands for", async () => {
  const { code, map } = transformModule(SOURCE, { file: "golden.js", runtime: "r", typescript: false });
  const found = new SourceMap(map as never);
  const lines = code.split("\n").map((text, line) => {
    const entry = found.findEntry(line, text.search(/\S|$/)) as Partial<Record<string, number>>;
    if (entry.originalLine === undefined || entry.originalColumn === undefined) return text;
    return `${`${entry.originalLine + 1}:${entry.originalColumn}`.padEnd(6)} ${text}`;
  });
  await expect(`${lines.join("\n")}\n`).toMatchFileSnapshot("samples/compiled.txt");
});
