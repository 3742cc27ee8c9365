/** The picture as Graphviz DOT. */
import type { Diagnosis } from "../diagnose/types.ts";
import { dotString } from "./escape.ts";
import { type Picture, type PictureEdge, type PictureNode, picture } from "./picture.ts";

/** Width and height of a node in points; for a layout whose nodes are drawn by somebody else. */
export type NodeSize = (node: PictureNode) => { readonly width: number; readonly height: number };

/** `LR`: from left to right, for wide pages; `TB`: from top to bottom. */
export type Direction = "LR" | "TB";

const SHAPE: Readonly<Record<PictureNode["kind"], string>> = {
  context: "shape=box style=rounded",
  resource: "shape=ellipse",
  group: "shape=box3d",
  missing: "shape=box style=dashed",
};

/**
 * The wait-for graph in DOT, for `dot -Tsvg` and friends.
 *
 * @example
 * writeFileSync("wait.dot", toDot(diagnosis));
 */
export function toDot(d: Diagnosis): string {
  return pictureDot(picture(d), "LR");
}

/** @internal With `size`, nodes are empty boxes of that size, so that hostile labels never reach the layout. */
export function pictureDot(p: Picture, direction: Direction, size?: NodeSize): string {
  const lines = [
    "digraph unwedge {",
    `  graph [rankdir=${direction} nodesep=0.35 ranksep=0.45];`,
    '  node [fontname="monospace" fontsize=11];',
    '  edge [fontname="Courier" fontsize=10];',
  ];
  for (const node of p.nodes) lines.push(`  ${node.id} [${size === undefined ? drawn(node) : sized(node, size)}];`);
  for (const edge of p.edges) lines.push(`  ${edgeDot(edge)};`);
  lines.push("}");
  return `${lines.join("\n")}\n`;
}

function drawn(node: PictureNode): string {
  return `${SHAPE[node.kind]} label=${dotString(...node.lines)}${node.core ? " penwidth=2" : ""}`;
}

function sized(node: PictureNode, size: NodeSize): string {
  const { width, height } = size(node);
  return `shape=box label="" fixedsize=true width=${(width / 72).toFixed(3)} height=${(height / 72).toFixed(3)}`;
}

function edgeDot(edge: PictureEdge): string {
  const [tail, head, direction] = edge.backwards ? [edge.to, edge.from, " dir=back"] : [edge.from, edge.to, ""];
  const weight = edge.core ? " penwidth=2 weight=4" : "";
  const style = edge.confidence === "possible" ? " style=dashed" : "";
  return `${tail} -> ${head} [label=${dotString(edge.says)}${direction}${weight}${style}]`;
}
