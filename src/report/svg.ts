/**
 * The picture as SVG. Graphviz (wasm, at report time) places boxes of known size and routes the arrows; the drawing
 * is ours, so that no log text ever passes through Graphviz and the page's own style applies.
 */
import { instance } from "@viz-js/viz";
import type { Diagnosis } from "../diagnose/types.ts";
import { type Direction, pictureDot } from "./dot.ts";
import { markup, visible } from "./escape.ts";
import { type Picture, type PictureEdge, type PictureNode, picture } from "./picture.ts";
import { SVG_STYLE } from "./svg-style.ts";

/** Options of {@link toSvg}. */
export interface SvgOptions {
  /** False: no XML header and no style element, for embedding in a page that has {@link SVG_STYLE}. Default true. */
  readonly standalone?: boolean;
  readonly direction?: Direction;
  /** Where a click on a context goes, by {@link import("../diagnose/types.ts").ContextRef.key}. */
  readonly link?: (contextKey: string) => string | undefined;
}

/** Monospace glyphs are 0.6 em wide in every common font; wide (East Asian) ones take two. */
const TITLE = { size: 13, advance: 7.9, leading: 17, maxChars: 34 };
const SMALL = { size: 10.5, advance: 6.4, leading: 14, maxChars: 40 };
const PAD_X = 13;
const PAD_Y = 9;
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

function columns(text: string): number {
  let sum = 0;
  for (const char of text) sum += WIDE.test(char) ? 2 : 1;
  return sum;
}

/** Cuts the middle out: the end of a comm (`kworker/u4:1`) tells more than its middle. */
function shorten(text: string, max: number): string {
  if (columns(text) <= max) return text;
  const chars = [...text];
  let head = "";
  let tail = "";
  for (let at = 0; columns(head) + columns(tail) < max - 3 && at < chars.length; at++) {
    if (at % 3 === 2) tail = (chars[chars.length - 1 - Math.floor(at / 3)] ?? "") + tail;
    else head += chars[at - Math.floor(at / 3)] ?? "";
  }
  return `${head}\u2026${tail}`;
}

interface Label {
  readonly text: string;
  readonly title: boolean;
}

function labels(node: PictureNode): Label[] {
  return node.lines.map((line, at) => ({
    // Escapes are part of the width: `\x1b` is four columns.
    text: shorten(visible(line), at === 0 ? TITLE.maxChars : SMALL.maxChars),
    title: at === 0,
  }));
}

function size(node: PictureNode): { width: number; height: number } {
  const widths = labels(node).map(({ text, title }) => columns(text) * (title ? TITLE.advance : SMALL.advance));
  const side = node.kind === "resource" ? PAD_X + 6 : PAD_X;
  return {
    width: Math.max(90, ...widths) + 2 * side,
    height: TITLE.leading + (node.lines.length - 1) * SMALL.leading + 2 * PAD_Y,
  };
}

interface Point {
  readonly x: number;
  readonly y: number;
}

interface Layout {
  readonly width: number;
  readonly height: number;
  readonly nodes: ReadonlyMap<string, Point>;
  readonly edges: readonly { readonly path: string; readonly label: Point | undefined }[];
}

/** The wait-for graph as an SVG picture. */
export async function toSvg(d: Diagnosis, options: SvgOptions = {}): Promise<string> {
  return drawPicture(picture(d), describe(d), options);
}

function describe(d: Diagnosis): string {
  return `Wait-for graph: ${d.summary}`;
}

async function drawPicture(p: Picture, title: string, options: SvgOptions): Promise<string> {
  const standalone = options.standalone ?? true;
  const layout = p.nodes.length === 0 ? undefined : await place(p, options.direction ?? "LR");
  const margin = 14;
  const width = Math.ceil((layout?.width ?? 200) + 2 * margin);
  const height = Math.ceil((layout?.height ?? 20) + 2 * margin);
  const out: string[] = [];
  if (standalone) out.push('<?xml version="1.0" encoding="UTF-8"?>');
  out.push(
    `<svg xmlns="http://www.w3.org/2000/svg" class="waitgraph" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${markup(title)}">`,
  );
  out.push(`<title>${markup(title)}</title>`);
  if (standalone) out.push(`<style>${SVG_STYLE}</style>`, `<rect class="page" width="${width}" height="${height}"/>`);
  out.push(`<g transform="translate(${margin} ${margin})">`);
  if (layout !== undefined) {
    for (const [at, edge] of p.edges.entries()) out.push(drawEdge(edge, layout.edges[at]));
    for (const node of p.nodes) out.push(drawNode(node, layout.nodes.get(node.id) ?? { x: 0, y: 0 }, options.link));
  }
  out.push("</g></svg>");
  return `${out.join("\n")}\n`;
}

function drawNode(node: PictureNode, center: Point, link: SvgOptions["link"]): string {
  const { width, height } = size(node);
  const x = center.x - width / 2;
  const y = center.y - height / 2;
  const round = node.kind === "resource" ? height / 2 : node.kind === "group" ? 3 : 7;
  const box = (dx: number, dy: number, kind: string): string =>
    `<rect class="${kind}" x="${n(x + dx)}" y="${n(y + dy)}" width="${n(width)}" height="${n(height)}" rx="${n(round)}"/>`;
  const parts = [`<title>${markup(node.lines.join("; "))}</title>`];
  if (node.kind === "group") parts.push(box(6, -6, "behind"), box(3, -3, "behind"));
  parts.push(box(0, 0, "box"));
  let baseline = y + PAD_Y + TITLE.size - 0.5;
  for (const { text, title } of labels(node)) {
    parts.push(`<text class="${title ? "name" : "fact"}" x="${n(center.x)}" y="${n(baseline)}">${markup(text)}</text>`);
    baseline += SMALL.leading + (title ? 1.5 : 0);
  }
  const group = `<g class="node ${node.kind}${node.core ? " core" : ""}">${parts.join("")}</g>`;
  const target = node.contextKey === undefined ? undefined : link?.(node.contextKey);
  return target === undefined ? group : `<a href="${markup(target)}">${group}</a>`;
}

function drawEdge(edge: PictureEdge, placed: Layout["edges"][number] | undefined): string {
  if (placed === undefined) return "";
  const curve = parseSpline(placed.path);
  if (curve === undefined) return "";
  const label =
    placed.label === undefined
      ? ""
      : `<text class="says" x="${n(placed.label.x)}" y="${n(placed.label.y + 1)}">${markup(edge.says)}</text>`;
  const kind = `edge${edge.core ? " core" : ""}${edge.confidence === "possible" ? " guess" : ""}`;
  const { points, tip, from } = curve;
  const [first, ...rest] = points;
  const path = `M${n(first?.x ?? 0)} ${n(first?.y ?? 0)}C${rest.map(({ x, y }) => `${n(x)} ${n(y)}`).join(" ")}`;
  return `<g class="${kind}"><title>${markup(`${edge.says} (${edge.confidence})`)}</title><path d="${path}"/>${arrowHead(from, tip)}${label}</g>`;
}

function arrowHead(from: Point, tip: Point): string {
  const length = Math.hypot(tip.x - from.x, tip.y - from.y) || 1;
  const ux = (tip.x - from.x) / length;
  const uy = (tip.y - from.y) / length;
  const at = (back: number, side: number): string =>
    `${n(tip.x - ux * back - uy * side)} ${n(tip.y - uy * back + ux * side)}`;
  return `<path class="head" d="M${at(0, 0)}L${at(10, 4)}L${at(10, -4)}Z"/>`;
}

/** Graphviz writes `e,x,y p0 p1 ...` (arrow at the end) or `s,x,y p0 p1 ...` (arrow at the start, `dir=back`). */
function parseSpline(
  path: string,
): { readonly points: readonly Point[]; readonly tip: Point; readonly from: Point } | undefined {
  let tip: Point | undefined;
  let atStart = false;
  const points: Point[] = [];
  for (const part of path.split(" ")) {
    const [a, b, c] = part.split(",");
    if (a === "e" || a === "s") {
      tip = { x: Number(b), y: Number(c) };
      atStart = a === "s";
    } else points.push({ x: Number(a), y: Number(b) });
  }
  const from = atStart ? points[0] : points.at(-1);
  return tip === undefined || from === undefined ? undefined : { points, tip, from };
}

/** Runs Graphviz and turns its coordinates (y upwards) into ours. */
async function place(p: Picture, direction: Direction): Promise<Layout> {
  const viz = await instance();
  const graph = viz.renderJSON(pictureDot(p, direction, size), { engine: "dot", yInvert: true }) as {
    readonly bb: string;
    readonly objects?: readonly { readonly name: string; readonly pos?: string }[];
    readonly edges?: readonly { readonly pos?: string; readonly lp?: string }[];
  };
  const [, bottom, right, top] = graph.bb.split(",").map(Number);
  const nodes = new Map<string, Point>();
  for (const object of graph.objects ?? []) if (object.pos !== undefined) nodes.set(object.name, point(object.pos));
  const edges = (graph.edges ?? []).map((edge) => ({
    path: edge.pos ?? "",
    label: edge.lp === undefined ? undefined : point(edge.lp),
  }));
  return { width: right ?? 0, height: Math.abs((top ?? 0) - (bottom ?? 0)), nodes, edges };
}

function point(text: string): Point {
  const [x, y] = text.split(",").map(Number);
  return { x: x ?? 0, y: y ?? 0 };
}

function n(value: number): string {
  return String(Math.round(value * 10) / 10);
}
