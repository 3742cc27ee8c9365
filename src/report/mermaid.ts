/** The picture as a Mermaid flowchart, for issue trackers and wikis. */
import type { Diagnosis } from "../diagnose/types.ts";
import { mermaidString } from "./escape.ts";
import { type PictureEdge, type PictureNode, picture } from "./picture.ts";

/** The wait-for graph as a Mermaid flowchart; heavy lines are the core, dotted ones a guess. */
export function toMermaid(d: Diagnosis): string {
  const { nodes, edges } = picture(d);
  const lines = ["flowchart LR"];
  for (const node of nodes) lines.push(`  ${node.id}${shape(node)}`);
  for (const edge of edges) lines.push(`  ${edge.from} ${arrow(edge)} ${edge.to}`);
  const core = nodes.filter((node) => node.core).map((node) => node.id);
  if (core.length > 0) lines.push("  classDef core stroke-width:3px", `  class ${core.join(",")} core`);
  return `${lines.join("\n")}\n`;
}

function shape(node: PictureNode): string {
  const label = mermaidString(...node.lines);
  switch (node.kind) {
    case "context":
      return `[${label}]`;
    case "resource":
      return `([${label}])`;
    case "group":
      return `[[${label}]]`;
    case "missing":
      return `{{${label}}}`;
  }
}

function arrow(edge: PictureEdge): string {
  if (edge.confidence === "possible") return `-. ${edge.says} .->`;
  return edge.core ? `== ${edge.says} ==>` : `-- ${edge.says} -->`;
}
