import { prove } from "../../src/explore/prove.ts";
import { abba } from "./abba-program.ts";
import { irq } from "./irq-program.ts";
import { journal } from "./journal-program.ts";
import { ring } from "./ring-program.ts";

const P: Record<string, () => ReturnType<typeof abba>> = {
  a2120: () => abba({ tasks: 2, flushers: 1, pages: 2, prealloc: false }),
  a2121: () => abba({ tasks: 2, flushers: 1, pages: 2, prealloc: true }),
  a3130: () => abba({ tasks: 3, flushers: 1, pages: 3, prealloc: false }),
  a3131: () => abba({ tasks: 3, flushers: 1, pages: 3, prealloc: true }),
  a3230: () => abba({ tasks: 3, flushers: 2, pages: 3, prealloc: false }),
  a3231: () => abba({ tasks: 3, flushers: 2, pages: 3, prealloc: true }),
  b10: () => irq({ cpus: 1, pages: 1, irqs: 2, cookie: false }),
  b11: () => irq({ cpus: 1, pages: 1, irqs: 2, cookie: true }),
  b20: () => irq({ cpus: 2, pages: 1, irqs: 2, cookie: false }),
  b21: () => irq({ cpus: 2, pages: 1, irqs: 2, cookie: true }),
  c1130: () => journal({ creators: 1, holders: 1, pages: 3, defer: false }),
  c1131: () => journal({ creators: 1, holders: 1, pages: 3, defer: true }),
  c2140: () => journal({ creators: 2, holders: 1, pages: 4, defer: false }),
  c2141: () => journal({ creators: 2, holders: 1, pages: 4, defer: true }),
  d20: () => ring(2, false),
  d21: () => ring(2, true),
  d30: () => ring(3, false),
  d31: () => ring(3, true),
  d40: () => ring(4, false),
  d41: () => ring(4, true),
  d50: () => ring(5, false),
  d51: () => ring(5, true),
};
for (const name of process.argv.slice(2)) {
  const m = P[name]!();
  const t = performance.now();
  const o = prove(m, { find: "all", reduce: process.env.REDUCE === "1", maxStates: 6e6, memoryBytes: 3e9 });
  console.log(
    name,
    o.states,
    o.steps,
    o.depth,
    o.complete,
    o.stopped,
    o.findings.length,
    o.finding?.kind,
    o.finding?.message.slice(0, 80),
    o.terminals,
    o.reduced,
    Math.round(performance.now() - t),
    "ms",
  );
}
