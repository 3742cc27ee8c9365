import { instance } from "@viz-js/viz";
import { describe, expect, test } from "vitest";
import type { ContextRef, CoreEdgeView, Diagnosis, StuckGroupView } from "../diagnose/types.ts";
import { toDot } from "./dot.ts";
import { visible } from "./escape.ts";
import { groupContexts } from "./groups.ts";
import { toMermaid } from "./mermaid.ts";
import { picture } from "./picture.ts";
import { findRing } from "./ring.ts";
import { EMPTY } from "./samples/build.ts";
import { SAMPLES } from "./samples/index.ts";
import { toSvg } from "./svg.ts";
import { toText } from "./text.ts";

const of = (name: string): Diagnosis => SAMPLES.find((sample) => sample.name === name)!.diagnosis;
const ref = (key: string): ContextRef => ({ key, kind: "task", comm: key, pid: 1 });
const edge = (waiter: string, ...heldBy: string[]): CoreEdgeView => ({
  waiter: ref(waiter),
  waitsFor: { class: "mutex", id: `${waiter}-lock` },
  event: "unlock",
  any: heldBy.length > 1,
  heldBy: heldBy.map(ref),
  why: ["because"],
  lines: [],
  confidence: "likely",
});
const made = (core: readonly CoreEdgeView[], stuckBehind: readonly StuckGroupView[] = []): Diagnosis => ({
  ...EMPTY,
  inputs: [],
  kernel: {},
  verdict: "deadlock",
  confidence: "likely",
  summary: "s",
  contexts: 1,
  details: [],
  core,
  stuckBehind,
});

describe("ring", () => {
  const keys = (core: readonly CoreEdgeView[]): unknown => findRing(core)?.edges.map((e) => e.waiter.key);
  test("two, three, a task that waits for itself, none", () => {
    expect(keys([edge("a", "b"), edge("b", "a")])).toEqual(["a", "b"]);
    expect(keys([edge("a", "b"), edge("b", "c"), edge("c", "a")])).toEqual(["a", "b", "c"]);
    expect(keys([edge("a", "a")])).toEqual(["a"]);
    expect(keys([edge("a", "b"), edge("b")])).toBeUndefined();
  });
  test("the shortest way round a knot, the rest apart", () => {
    const ring = findRing([edge("a", "b", "c"), edge("b", "c"), edge("c", "a")]);
    expect(ring?.edges.map((e) => e.waiter.key)).toEqual(["a", "c"]);
    expect(ring?.others.map((e) => e.waiter.key)).toEqual(["b"]);
  });
  test("a tail before the ring is not part of it", () => {
    expect(keys([edge("t", "a"), edge("a", "b"), edge("b", "a")])).toEqual(["a", "b"]);
  });
});

describe("groups", () => {
  test("1,463 contexts fold into a handful, the core first", () => {
    const groups = groupContexts(of("livelock"));
    expect(groups.map((group) => group.count)).toEqual([1, 1, 1, 1, 1187, 231, 42]);
    expect(groups.slice(0, 3).map((group) => group.first.role)).toEqual(["core", "core", "core"]);
    expect(groups.reduce((sum, group) => sum + group.count, 0)).toBe(1464);
  });
});

describe("picture", () => {
  test("never a thousand nodes", () => {
    expect(picture(of("livelock")).nodes.length).toBeLessThan(16);
    const many = Array.from(
      { length: 500 },
      (_, i): StuckGroupView => ({
        waitsFor: { class: "mutex", id: `m${i}` },
        event: "unlock",
        contexts: [ref(`w${i}`)],
        count: 3,
        heldBy: [ref("a")],
        why: [],
      }),
    );
    const p = picture(made([edge("a", "b"), edge("b", "a")], many));
    expect(p.nodes.length).toBeLessThan(30);
    expect(p.nodes.flatMap((node) => node.lines)).toContain("1,464 more waiters");
  });
  test("a ring of two is context, resource, context, resource", () => {
    const { nodes, edges } = picture(made([edge("a", "b"), edge("b", "a")]));
    expect(nodes.map((node) => node.kind)).toEqual(["context", "resource", "context", "resource"]);
    expect(edges.map((e) => [e.from, e.says, e.to, e.backwards])).toEqual([
      ["n0", "waits for", "n1", false],
      ["n1", "held by", "n2", false],
      ["n2", "waits for", "n3", true],
      ["n3", "held by", "n0", true],
    ]);
  });
  test("equal members of a core are one node, and their waiters find the same resource", () => {
    const locked = { waitsFor: { class: "PG_locked" }, event: "unlock" };
    const writeback = { waitsFor: { class: "PG_writeback" }, event: "end_writeback", any: false };
    const three = [ref("f0"), ref("f1"), ref("f2")];
    const core = [
      { ...edge("k", "f0", "f1", "f2"), ...locked },
      ...three.map((f) => ({ ...edge(f.key, "k"), ...writeback })),
    ];
    const behind = { ...locked, contexts: [ref("d")], count: 1, heldBy: three, why: [] };
    const { nodes, edges } = picture(made(core, [behind]));
    expect(nodes.map((node) => node.lines[0])).toEqual([
      "k",
      "PG_locked of a page",
      "f0 and 2 more",
      "PG_writeback of a page",
      "d",
    ]);
    expect(edges).toHaveLength(5);
    const text = toText(made(core, [behind]));
    expect(text).toContain("f0 (pid 1) and 2 more like it");
    expect(text).not.toContain("and also:");
  });
  test("many holders outside the core are one node", () => {
    const heldBy = ["h1", "h2", "h3", "h4"].map(ref);
    const group = {
      waitsFor: { class: "i_rwsem" },
      event: "unlock",
      contexts: [ref("w"), ref("x")],
      count: 2,
      heldBy,
      why: [],
    };
    const { nodes } = picture(made([edge("a", "b"), edge("b", "a")], [group]));
    expect(nodes.at(-1)?.lines).toEqual(["4 holders", "h1, h2, ..."]);
  });
  test("who is not in the log is a node of its own", () => {
    expect(picture(of("victim")).nodes.at(-1)).toMatchObject({ kind: "missing", lines: ["?", "not in this log"] });
  });
  test("an event that nobody can raise says so", () => {
    expect(picture(made([edge("a")])).nodes.at(-1)?.lines[0]).toBe("nobody");
  });
  test("a timed wait ends by a timer", () => {
    expect(picture(of("slow")).nodes.map((node) => node.lines[0])).toContain("a timer");
  });
});

describe.each(SAMPLES.map((sample) => [sample.name, sample.diagnosis] as const))("drawings of %s", (name, d) => {
  test("DOT and Mermaid are the golden ones", async () => {
    await expect(toDot(d)).toMatchFileSnapshot(`./samples/golden/${name}.dot`);
    await expect(toMermaid(d)).toMatchFileSnapshot(`./samples/golden/${name}.mmd`);
  });
  test("Graphviz reads the DOT back as the labels that were meant", async () => {
    const viz = await instance();
    const read = viz.renderJSON(toDot(d)) as {
      readonly objects: readonly { readonly name: string; readonly label: string }[];
    };
    for (const node of picture(d).nodes) {
      const label = read.objects.find((object) => object.name === node.id)?.label;
      const meant = node.lines.map((line) => visible(line).replace(/&/g, "&amp;").replace(/\\/g, "\\\\")).join("\\n");
      expect(label).toBe(meant);
    }
    expect(read.objects).toHaveLength(picture(d).nodes.length);
  });
  test("SVG: same bytes twice, no two boxes overlap", async () => {
    const svg = await toSvg(d);
    expect(await toSvg(d)).toBe(svg);
    const boxes = [...svg.matchAll(/<rect class="box" x="(\S+)" y="(\S+)" width="(\S+)" height="(\S+)"/g)].map(
      (m) => m.slice(1).map(Number) as [number, number, number, number],
    );
    expect(boxes.length).toBe(picture(d).nodes.length);
    for (const [i, [x, y, w, h]] of boxes.entries()) {
      for (const [x2, y2, w2, h2] of boxes.slice(i + 1))
        expect(x + w <= x2 || x2 + w2 <= x || y + h <= y2 || y2 + h2 <= y).toBe(true);
    }
  });
});

test("an empty diagnosis is still a picture", async () => {
  const svg = await toSvg(made([]));
  expect(svg).toContain("</svg>");
});
