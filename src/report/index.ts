/** Renderers of a {@link Diagnosis}: pure functions of the view object; `toSvg` and `toHtml` are async for their layout. */
export { toDot } from "./dot.ts";
export { type HtmlOptions, toHtml } from "./html.ts";
export type { Source } from "./html-log.ts";
export { toContract } from "./json.ts";
export { toMermaid } from "./mermaid.ts";
export type { TextRole } from "./page.ts";
export { type DiagnosisDocument, diagnosisJsonSchema, diagnosisSchema } from "./schema.ts";
export { type SvgOptions, toSvg } from "./svg.ts";
export { defaultCommand, type TextOptions, toText } from "./text.ts";
export { contextName, resourceName, verdictWords } from "./words.ts";
