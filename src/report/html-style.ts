/** The page's style: one column on paper and small screens, report and log side by side on wide ones. */
import { SVG_STYLE } from "./svg-style.ts";

export const HTML_STYLE = `
:root{color-scheme:light dark;--ink:#1c2128;--mute:#57606a;--faint:#8a94a0;--rule:#d9dee4;--paper:#fff;--soft:#f6f8fa;--mark:#fff4cc;--hit:#ffe08a;--link:#0b57a4;--red:#b3261e;--orange:#a8490a;--green:#1a6e35;--blue:#33557a;--mono:ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace}
@media (prefers-color-scheme:dark){:root{--ink:#e6e9ee;--mute:#9aa5b1;--faint:#6b7683;--rule:#2c343d;--paper:#14181d;--soft:#1b2128;--mark:#3a3215;--hit:#6b5710;--link:#79b8ff;--red:#ff7b72;--orange:#f0a35e;--green:#6fcf8a;--blue:#9dbde0}}
*{box-sizing:border-box}
html{scroll-behavior:auto}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,"Segoe UI","DejaVu Sans",sans-serif}
a{color:var(--link);text-decoration-thickness:1px;text-underline-offset:2px}
:focus-visible{outline:2px solid var(--link);outline-offset:2px}
main{padding:28px 32px 64px;max-width:1000px;margin:0 auto}
.badge{display:flex;gap:12px;align-items:baseline;margin:0;font-weight:700;letter-spacing:.06em;font-size:14px;color:var(--v)}
.badge span{font-weight:400;letter-spacing:0;color:var(--mute)}
.v-deadlock,.v-lost-io,.v-missed-wakeup{--v:var(--red)}
.v-livelock,.v-slow{--v:var(--orange)}
.v-none{--v:var(--green)}
.v-unknown{--v:var(--blue)}
header.verdict{border-left:5px solid var(--v);padding:2px 0 2px 18px}
h1{font-size:25px;line-height:1.25;font-weight:650;margin:4px 0 8px;letter-spacing:-.01em;text-wrap:balance;overflow-wrap:anywhere}
h2{font-size:17px;font-weight:650;margin:38px 0 10px;padding-top:14px;border-top:1px solid var(--rule)}
h3{font-size:15px;margin:0;font-weight:650;overflow-wrap:anywhere}
p{margin:6px 0;overflow-wrap:anywhere}
.meta,.means{color:var(--mute);font-size:13.5px;margin:2px 0}
nav{font-size:13.5px;margin:14px 0 0;display:flex;flex-wrap:wrap;gap:2px 16px}
figure{margin:22px 0 6px;overflow-x:auto}
figure svg{max-width:100%;height:auto;display:block;margin:0 auto}
figcaption{color:var(--mute);font-size:12.5px;margin-top:8px;text-align:center}
code,pre,.f,.n{font-family:var(--mono);font-size:12.5px}
ul{margin:6px 0;padding-left:20px}li{margin:3px 0;overflow-wrap:anywhere}
.find{display:none;gap:12px;align-items:center;margin:4px 0 12px;color:var(--mute);font-size:13px}
.js .find{display:flex}
.find input{font:inherit;font-size:14px;color:inherit;background:var(--soft);border:1px solid var(--rule);border-radius:6px;padding:6px 10px;width:min(300px,60%)}
kbd{font-family:var(--mono);font-size:11.5px;border:1px solid var(--rule);border-bottom-width:2px;border-radius:4px;padding:0 5px;background:var(--soft)}
article.ctx{border:1px solid var(--rule);border-radius:8px;padding:12px 16px;margin:0 0 12px;scroll-margin-top:14px}
article.ctx.core{border-left:4px solid var(--v)}
article.ctx:focus{outline:2px solid var(--link);outline-offset:1px}
article.ctx:target{background:var(--mark)}
article.ctx header{display:flex;flex-wrap:wrap;gap:2px 10px;align-items:baseline}
.chip{font-size:12px;border:1px solid currentColor;border-radius:99px;padding:0 8px;color:var(--mute);white-space:nowrap}
.core .chip{color:var(--v)}
.facts{color:var(--mute);font-size:13px;margin:0 0 4px}
.wait b{font-weight:650}
table.stack{border-collapse:collapse;width:100%;margin:8px 0 2px;table-layout:fixed}
table.stack td{padding:0 8px 0 0;vertical-align:top;overflow-wrap:anywhere;line-height:1.45}
table.stack .n{width:58px;text-align:right;color:var(--faint);padding-right:12px}
table.stack .n a{color:inherit;text-decoration:none}table.stack .n a:hover{text-decoration:underline;color:var(--link)}
table.stack .f a{color:inherit;text-decoration:none}table.stack .f a:hover{text-decoration:underline}
table.stack .s{width:42%;font-size:13px;color:var(--mute)}
table.stack tr.says .f{font-weight:650}
table.stack tr.says .s{color:var(--ink)}
table.stack tr.says td{background:var(--soft)}
table.stack tr.guess .f{color:var(--faint)}
table.stack tr:target td{background:var(--hit)}
tr{scroll-margin:30vh 0}
details{margin:6px 0 0;font-size:13.5px}summary{cursor:pointer;color:var(--mute)}
.members{columns:220px;font-size:12.5px;max-height:280px;overflow:auto;margin:6px 0}
.members li{margin:0;break-inside:avoid}
dl{margin:6px 0}dt{font-weight:650;margin-top:10px}dd{margin:0}
.bug{border:1px solid var(--rule);border-radius:8px;padding:10px 16px;margin:0 0 10px}
.bug dl{display:grid;grid-template-columns:84px 1fr;gap:2px 10px;font-size:14px}.bug dt{margin:0;font-weight:400;color:var(--mute)}.bug dd{overflow-wrap:anywhere}
pre.cmd{background:var(--soft);border:1px solid var(--rule);border-radius:6px;padding:8px 12px;margin:4px 0 10px;white-space:pre-wrap;overflow-wrap:anywhere}
ol.cycle{list-style:none;padding:0;margin:0;counter-reset:c}
ol.cycle>li{border-left:3px solid var(--v);padding:2px 0 8px 14px;margin:0}
.why{color:var(--mute);font-size:13.5px;margin:2px 0}
aside{border-top:1px solid var(--rule);background:var(--soft);padding:18px 0 40px}
aside h2{margin:0 0 4px;padding:0 18px;border:0}
aside h3{padding:10px 18px 4px;font-family:var(--mono);font-size:12.5px;font-weight:600}
aside p{padding:0 18px;font-size:13px;color:var(--mute);margin:0 0 4px}
pre.log{margin:0;white-space:pre-wrap;overflow-wrap:anywhere;font-size:11.5px;line-height:1.5;tab-size:8}
.chunk{display:block;content-visibility:auto;contain-intrinsic-size:auto 3450px}
.l{display:block;padding:0 14px 0 68px;position:relative;scroll-margin:35vh 0}
.l .n{position:absolute;left:0;width:56px;text-align:right;color:var(--faint);font-size:11px;user-select:none;text-decoration:none}
.l a.n:hover,.l a.n:focus{text-decoration:underline}
.l a.n{color:var(--link)}
.l.m{background:var(--mark)}
.l:target{background:var(--hit);box-shadow:inset 4px 0 0 var(--orange)}
.cut{display:block;padding:3px 14px 3px 68px;color:var(--mute);font-style:italic;border-block:1px dashed var(--rule)}
dialog{border:1px solid var(--rule);border-radius:10px;background:var(--paper);color:inherit;padding:18px 26px;max-width:420px}
dialog::backdrop{background:rgba(0,0,0,.4)}
dialog h2{margin:0 0 8px;padding:0;border:0}
dialog td{padding:3px 14px 3px 0}
footer{margin-top:40px;border-top:1px solid var(--rule);padding-top:12px;color:var(--mute);font-size:13px}
@media (min-width:1120px) and (min-height:420px){
html,body{height:100%;overflow:clip}
.panes.two{display:grid;grid-template-columns:minmax(0,58fr) minmax(0,42fr);height:100vh}
.panes.two>*{overflow-y:auto;overscroll-behavior:contain}
.panes.two main{margin:0;max-width:none}
.panes.two aside{border-top:0;border-left:1px solid var(--rule)}
.panes.one{height:100vh;overflow-y:auto}
}
@media print{html,body,.panes,.panes>*{height:auto!important;overflow:visible!important;display:block!important}.find,nav{display:none!important}article.ctx{break-inside:avoid}.chunk{content-visibility:visible}}
${SVG_STYLE}
`.trim();
