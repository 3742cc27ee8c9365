/** `unwedge diagnose FILE...|-`: the main job. */
import { mkdirSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { diagnoseEvidence } from "../../diagnose/index.ts";
import type { Diagnosis } from "../../diagnose/types.ts";
import { collectEvidence } from "../../evidence/index.ts";
import type { Evidence } from "../../evidence/types.ts";
import { toContract, toDot, toHtml, toMermaid, toSvg, toText } from "../../report/index.ts";
import { errorCode } from "../error-code.ts";
import { exitCodeOf, exitCodes } from "../exit-codes.ts";
import { openInputs } from "../inputs.ts";
import { message, usageError } from "../messages.ts";
import { type KeptSources, keepSources } from "../sources.ts";
import { colored } from "../style.ts";
import { show, type Terminal, wantsColor } from "../terminal.ts";
import { packageVersion } from "../version.ts";

/** Options of the command as the command line gives them. */
export interface DiagnoseFlags {
  readonly json?: boolean;
  /** `-`: stdout. */
  readonly html?: string;
  readonly dot?: boolean;
  readonly mermaid?: boolean;
  readonly svg?: boolean;
  readonly outDir?: string;
  readonly color: "auto" | "always" | "never";
  readonly pager: boolean;
  readonly exitZero?: boolean;
  readonly kernel?: string;
  readonly all?: boolean;
}

/** Runs the command; resolves with the exit code. */
export async function runDiagnose(t: Terminal, files: readonly string[], flags: DiagnoseFlags): Promise<number> {
  const form = onStdout(flags);
  if (flags.kernel !== undefined && !/^v?\d+\.\d+/.test(flags.kernel))
    throw usageError("kernel-malformed", flags.kernel);
  refuseOverwriting(files, flags);
  const kept = keepSources(openInputs(t, files), flags.html !== undefined || flags.outDir !== undefined);
  const evidence = await collectEvidence(kept.inputs);
  const stopped = t.interrupted.aborted;
  if (stopped) t.err(message("interrupted"));
  talkAbout(t, evidence);
  const diagnosis = diagnoseEvidence(evidence, flags.kernel === undefined ? {} : { release: flags.kernel });
  if (flags.outDir !== undefined) await writeAll(t, diagnosis, kept, flags.outDir);
  if (flags.html !== undefined && flags.html !== "-") {
    write(flags.html, await toHtml(diagnosis, { sources: await kept.sources() }));
    t.err(message("output-written", flags.html));
  }
  if (form === "text") {
    // a log without anything in it gets its one line on stderr, not a page of nothing
    if (somethingIn(evidence)) await show(t, text(t, diagnosis, files, flags), flags.pager);
  } else await t.out(await render(form, diagnosis, kept));
  if (stopped) return exitCodes.interrupted;
  if (flags.exitZero) return exitCodes.ok;
  return somethingIn(evidence) ? exitCodeOf(diagnosis.verdict) : exitCodes.inconclusive;
}

type Form = "text" | "json" | "html" | "dot" | "mermaid" | "svg";

/** What goes to stdout: one form, the text when nothing else is asked for. */
function onStdout(flags: DiagnoseFlags): Form {
  const asked = (["json", "dot", "mermaid", "svg"] as const).filter((f) => flags[f]) as Form[];
  if (flags.html === "-") asked.push("html");
  if (asked.length > 1) throw usageError("output-exclusive", asked.map((f) => `--${f}`).join(", "));
  return asked[0] ?? "text";
}

async function render(form: Exclude<Form, "text">, d: Diagnosis, kept: KeptSources): Promise<string> {
  switch (form) {
    case "json":
      return `${JSON.stringify(toContract(d, { version: packageVersion() }), undefined, 2)}\n`;
    case "html":
      return ended(await toHtml(d, { sources: await kept.sources() }));
    case "dot":
      return ended(toDot(d));
    case "mermaid":
      return ended(toMermaid(d));
    case "svg":
      return ended(await toSvg(d));
  }
}
const ended = (text: string): string => (text.endsWith("\n") ? text : `${text}\n`);

function text(t: Terminal, d: Diagnosis, files: readonly string[], flags: DiagnoseFlags): string {
  return toText(d, {
    ...(wantsColor(t, flags.color) && { style: colored }),
    ...(flags.all && { all: true }),
    ...(files.includes("-") && { command: "unwedge diagnose FILE    # the log came from standard input" }),
  });
}

/** Every form into one folder. */
async function writeAll(t: Terminal, d: Diagnosis, kept: KeptSources, dir: string): Promise<void> {
  try {
    mkdirSync(dir, { recursive: true });
  } catch (e) {
    throw usageError("output-unwritable", dir, errorCode(e) ?? "unknown reason");
  }
  const forms = {
    txt: () => toText(d, { all: true }),
    json: "json",
    html: "html",
    dot: "dot",
    mmd: "mermaid",
    svg: "svg",
  } as const;
  const names: string[] = [];
  for (const [ending, form] of Object.entries(forms)) {
    const name = join(dir, `diagnosis.${ending}`);
    write(name, typeof form === "string" ? await render(form, d, kept) : form());
    names.push(name);
  }
  t.err(message("output-written", names.join(" ")));
}

function write(name: string, content: string): void {
  try {
    writeFileSync(name, content);
  } catch (e) {
    throw usageError("output-unwritable", name, errorCode(e) ?? "unknown reason");
  }
}

/** `--html kernel.log` must never cost anybody a log. */
function refuseOverwriting(files: readonly string[], flags: DiagnoseFlags): void {
  const inputs = new Set(files.filter((f) => f !== "-").map(real));
  const outputs = flags.html === undefined || flags.html === "-" ? [] : [flags.html];
  if (flags.outDir !== undefined)
    for (const e of ["txt", "json", "html", "dot", "mmd", "svg"]) outputs.push(join(flags.outDir, `diagnosis.${e}`));
  for (const o of outputs) if (inputs.has(real(o))) throw usageError("output-is-input", o);
}
function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** Any reader knew something of it. */
export function somethingIn(evidence: Evidence): boolean {
  return evidence.inputs.some((i) => i.format !== "unknown");
}

/** What the user should know of the inputs, on stderr. */
export function talkAbout(t: Terminal, evidence: Evidence): void {
  const something = somethingIn(evidence);
  for (const i of evidence.inputs) {
    for (const note of i.notes ?? []) t.err(message("input-damaged", i.name, note));
    if (i.format !== "unknown") continue;
    if (i.bytes === 0) t.err(message("input-empty", i.name));
    else t.err(message(something ? "input-some-unrecognised" : "input-unrecognised", i.name));
  }
  if (evidence.cutLines > 0)
    t.err(message("input-cut", evidence.cutLines === 1 ? "1 line is" : `${evidence.cutLines} lines are`));
}
