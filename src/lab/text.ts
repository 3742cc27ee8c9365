/** What the lab measured, for people: 80 columns, after the diagnosis. */
import { wrap } from "../report/wrap.ts";
import type { LabDocument, RunDocument } from "./measured.ts";
import { type Scenario, scenarios } from "./scenarios.ts";
import type { Step } from "./steps.ts";

const seconds = (n: number): string => `${n.toFixed(1)} s`;

function runLines(r: RunDocument, i: number): string[] {
  const boot = r.bootSeconds === null ? "did not come up" : `up after ${seconds(r.bootSeconds)}`;
  const again = r.boots > 1 ? ` (boot ${r.boots})` : "";
  const told = (text: string): string[] => (text === "" ? [] : wrap(text, 80, "      "));
  const { stoodStillAfterGuestSeconds: after, quietGuestSeconds: quiet } = r;
  return [
    `  ${i + 1}.  ${boot}${again}, ${seconds(r.wallSeconds)} in all; ${r.verdict} (${r.confidence})`,
    ...(r.core.length > 0 ? told(some(r.core)) : []),
    ...(after === null || quiet === null
      ? []
      : told(`last write done ${seconds(after)} after the load began, none in the ${seconds(quiet)} after that`)),
    ...told(traceSays(r)),
    ...(r.panicked ? told("the guest's kernel panicked") : []),
    ...(r.complete ? [] : told(`the guest brought back no results (${endings[r.ended]}): its console only`)),
    `      ${r.folder}`,
  ];
}

const mostNamed = 6;
const some = (core: readonly string[]): string =>
  [...core.slice(0, mostNamed), ...(core.length > mostNamed ? [`and ${core.length - mostNamed} more`] : [])].join("; ");

function traceSays(r: RunDocument): string {
  if (r.traceAgrees === null || r.openHandles === null) return "";
  const open = r.openHandles.map((h) => `${h.comm} (${h.pid}) since ${seconds(h.sinceSeconds)} of guest time`);
  const said = `jbd2 handles open at the end of the trace: ${open.length === 0 ? "none" : some(open)}`;
  return `${said}; ${r.traceAgrees ? "it bears out the handle's holder" : "it does NOT bear out the handle's holder"}`;
}

const endings: Readonly<Record<RunDocument["ended"], string>> = {
  ended: "it ended early",
  "not-up": "it did not come up",
  "too-long": "it took too long and was ended",
  interrupted: "interrupted",
};

/** Counters that are worth a line for people; all of them are in the JSON document. */
const telling =
  /^(disk\.|memory\.(usage_in_bytes|current|failcnt|max_usage_in_bytes)$|memory\.events\.)|\.(oom|max|failcnt)$/;

function spreadLines(d: LabDocument): string[] {
  if (d.spread === undefined) return [];
  const rows = Object.entries(d.spread).filter(([name]) => telling.test(name));
  if (rows.length === 0) return [];
  const width = Math.max(...rows.map(([name]) => name.length));
  const cell = (n: number): string => String(n).padStart(12);
  return [
    "",
    `  ${"over the runs".padEnd(width)}${["least", "middle", "most"].map((h) => h.padStart(12)).join("")}`,
    ...rows.map(([name, s]) => `  ${name.padEnd(width)}${cell(s.min)}${cell(s.median)}${cell(s.max)}`),
  ];
}

const current = (s: Step): string => String(s["memory.current"] ?? s.usage_in_bytes ?? "");
const events = (s: Step): string => {
  if (typeof s.events === "object")
    return ["high", "max", "oom", "oom_kill"].map((k) => (s.events as Record<string, number>)[k] ?? 0).join("/");
  return `failcnt ${String(s.failcnt ?? "")}`;
};

function stepLines(steps: readonly Step[]): string[] {
  if (steps.length === 0) return [];
  const v2 = steps.some((s) => typeof s.events === "object");
  const width = Math.max(...steps.map((s) => s.step.length));
  return [
    "",
    `  ${"step".padEnd(width)}       rc        bytes  ${v2 ? "high/max/oom/oom_kill" : "failcnt"}`,
    ...steps.map((s) => `  ${s.step.padEnd(width)}  ${s.rc.padStart(7)}  ${current(s).padStart(11)}  ${events(s)}`),
  ];
}

/** The section below the diagnosis. */
export function labText(d: LabDocument): string {
  const lines = [
    "WHAT THE LAB DID",
    ...wrap(`${d.scenario} under cgroup ${d.cgroup} on ${d.kernelPackage}`, 80, "  "),
    ...wrap(`in ${d.emulator}, software emulation`, 80, "  "),
    ...d.runs.flatMap(runLines),
    ...spreadLines(d),
    ...stepLines(d.runs[d.shown]?.steps ?? []),
  ];
  return `${lines.join("\n")}\n`;
}

const parameterList = (s: Scenario): string[] => {
  const words = Object.entries(s.parameters).map(([name, value]) => `${name}=${value}`);
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < 72) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.map((line) => `    ${line}`);
};

/** What `unwedge lab` prints without a scenario. */
export function scenarioList(): string {
  const rows = scenarios.flatMap((s) => [
    s.name,
    `  ${s.title}`,
    `  cgroup ${s.cgroups.join(" or ")}; --param:`,
    ...parameterList(s),
    "",
  ]);
  return `${["Scenarios, each on Debian's unmodified cloud kernel in QEMU:", "", ...rows].join("\n")}unwedge lab SCENARIO runs one; the first wedges that kernel.\n`;
}
