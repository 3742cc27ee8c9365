/** How the picture looks, alone or inside the HTML report. Meaning is in words, shape and weight; colour repeats it. */
export const SVG_STYLE = `
.waitgraph{--ink:#1c2128;--mute:#5b6570;--line:#8a94a0;--paper:#fff;--ctx:#f6f8fa;--res:#fff;--core:#b3261e;--coreink:#8c1d18;--corefill:#fdf1f0;font-family:ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace}
.waitgraph .page{fill:var(--paper)}
.waitgraph .box,.waitgraph .behind{fill:var(--ctx);stroke:var(--line);stroke-width:1.2}
.waitgraph .resource .box{fill:var(--res)}
.waitgraph .missing .box{fill:none;stroke-dasharray:4 4}
.waitgraph .core .box{stroke:var(--core);stroke-width:2}
.waitgraph .context.core .box{fill:var(--corefill)}
.waitgraph text{text-anchor:middle;fill:var(--ink)}
.waitgraph .name{font-size:13px;font-weight:600}
.waitgraph .resource .name{font-weight:400}
.waitgraph .fact{font-size:10.5px;fill:var(--mute)}
.waitgraph .says{font-size:9px;fill:var(--mute);paint-order:stroke;stroke:var(--paper);stroke-width:3px}
.waitgraph .edge path{fill:none;stroke:var(--line);stroke-width:1.3}
.waitgraph .edge .head{fill:var(--line);stroke:none}
.waitgraph .edge.core path{stroke:var(--core);stroke-width:2.2}
.waitgraph .edge.core .head{fill:var(--core);stroke:none}
.waitgraph .edge.core .says{fill:var(--coreink)}
.waitgraph .edge.guess path:not(.head){stroke-dasharray:5 4}
.waitgraph a:hover .box,.waitgraph a:focus .box{stroke-width:3}
@media (prefers-color-scheme:dark){.waitgraph{--ink:#e6e9ee;--mute:#9aa5b1;--line:#6b7683;--paper:#14181d;--ctx:#1e242b;--res:#14181d;--core:#ff7b72;--coreink:#ffa198;--corefill:#2d1b1c}}
`.trim();
