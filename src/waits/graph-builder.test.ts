import { expect, test } from "vitest";
import { all, any, atLeast, graphBuilder, on, validateGraph } from "./graph-builder.ts";
import { printGraph } from "./print.ts";
import type { ContextId, EventId, WaitGraph } from "./types.ts";

test("ids are handed out in order and the graph holds what was said", () => {
  const g = graphBuilder();
  const flusher = g.context({ kind: "kworker", comm: "flush-8:0", pid: 77 });
  const writer = g.context({ kind: "task", comm: "writer" });
  const disk = g.context({ kind: "device" });
  const unlock = g.event({ class: "PG_locked", id: "0xf1" }, "unlock", { by: [writer] });
  const written = g.event({ class: "PG_writeback" }, "end_writeback", {
    by: [{ context: flusher, confidence: "likely" }],
  });
  const freed = g.event({ class: "mempool" }, "element_freed", { providersKnown: "possible", timerSeconds: 0.1 });
  g.provide(written, disk, "possible", ["frame submit_bio"]);
  g.provide(freed, flusher);
  g.wait(flusher, unlock);
  g.wait(writer, all(written, any(freed, unlock), atLeast(2, on(freed), written, unlock)), { retries: true });
  const graph = g.build();
  expect([flusher, writer, disk, unlock, written, freed]).toEqual([0, 1, 2, 0, 1, 2]);
  expect(printGraph(graph)).toBe(
    [
      "c0 kworker flush-8:0(77) waits e0",
      "c1 task writer waits all(e1, any(e2, e0), atLeast 2(e2, e1, e0)) retrying",
      "c2 device runs",
      "e0 unlock(PG_locked 0xf1) by c1",
      "e1 end_writeback(PG_writeback) by c0 likely, c2 possible",
      "e2 element_freed(mempool) by c0, nobody else possible, timer 0.1s",
      "",
    ].join("\n"),
  );
  expect(graph.events[1]!.providers).toEqual([
    { context: 0, confidence: "likely" },
    { context: 2, confidence: "possible", why: ["frame submit_bio"] },
  ]);
  expect(graph.events[0]).toStrictEqual({
    resource: { class: "PG_locked", id: "0xf1" },
    verb: "unlock",
    providers: [{ context: 1, confidence: "proven" }],
  });
  expect(graph.contexts[0]).toStrictEqual({
    kind: "kworker",
    comm: "flush-8:0",
    pid: 77,
    wait: { kind: "event", event: 0 },
  });
});

test("printing what nobody raises and who else is known for sure", () => {
  const g = graphBuilder();
  g.wait(g.context({ kind: "unknown" }), g.event({ class: "completion" }, "complete", { providersKnown: "proven" }));
  expect(printGraph(g.build())).toBe("c0 unknown waits e0\ne0 complete(completion) by nobody\n");
  expect(printGraph({ contexts: [{ kind: "task", wait: all() }], events: [] })).toBe("c0 task waits all()\n");
});

test("a built graph is not changed by what the builder is told later", () => {
  const g = graphBuilder();
  const a = g.context({ kind: "task" });
  const e = g.event({ class: "mutex" }, "unlock");
  const graph = g.build();
  g.provide(e, a);
  g.wait(a, e);
  g.context({ kind: "task" });
  expect(graph.contexts).toEqual([{ kind: "task" }]);
  expect(graph.events[0]!.providers).toEqual([]);
});

test("a second wait of one context is a bug", () => {
  const g = graphBuilder();
  const a = g.context({ kind: "task" });
  const e = g.event({ class: "mutex" }, "unlock", { by: [a] });
  g.wait(a, e);
  expect(() => g.wait(a, e)).toThrow("wait graph: context 0 waits already");
  expect(() => g.wait(1 as ContextId, e)).toThrow("wait graph: there is no context 1");
  expect(() => g.provide(1 as EventId, a)).toThrow("wait graph: there is no event 1");
});

test("ids that point nowhere are a bug", () => {
  const event = (id: number) => on(id as EventId);
  const graph = (wait: ReturnType<typeof on>, context = 0, seconds = 1): WaitGraph => ({
    contexts: [{ kind: "task", wait }],
    events: [
      {
        resource: { class: "mutex" },
        verb: "unlock",
        providers: [{ context: context as ContextId, confidence: "proven" }],
        timer: { seconds },
      },
    ],
  });
  expect(() => validateGraph(graph(event(0)))).not.toThrow();
  expect(() => validateGraph(graph(event(1)))).toThrow("context 0 waits for event 1, there are 1");
  expect(() => validateGraph(graph(event(-1)))).toThrow("context 0 waits for event -1, there are 1");
  expect(() => validateGraph(graph(event(0.5)))).toThrow("context 0 waits for event 0.5, there are 1");
  expect(() => validateGraph(graph(all(event(0), event(2))))).toThrow("context 0 waits for event 2, there are 1");
  expect(() => validateGraph(graph(all(any(event(7)))))).toThrow("gate 0 waits for event 7, there are 1");
  expect(() => validateGraph(graph(event(0), 1))).toThrow("event 0 is raised by context 1, there are 1");
  expect(() => validateGraph(graph(event(0), -1))).toThrow("event 0 is raised by context -1, there are 1");
  expect(() => validateGraph(graph(atLeast(1.5, event(0))))).toThrow("atLeast 1.5 is not a whole number");
  expect(() => validateGraph(graph(event(0), 0, Number.NaN))).toThrow("event 0 has a timer of NaN s");
  expect(() => validateGraph(graph(event(0), 0, -1))).toThrow("event 0 has a timer of -1 s");
  expect(() => validateGraph(graph(event(0), 0, Infinity))).toThrow("event 0 has a timer of Infinity s");
  expect(() => validateGraph(graph(event(0), 0, 0))).not.toThrow();
  const g = graphBuilder();
  g.wait(g.context({ kind: "task" }), event(3));
  expect(() => g.build()).toThrow("context 0 waits for event 3, there are 0");
});
