/** What the lab measured, for people: 80 columns, after the diagnosis. */
import type { LabDocument, RunDocument } from "./measured.ts";
import { type Scenario, scenarios } from "./scenarios.ts";
import type { Step } from "./steps.ts";

const seconds = (n: number): string => `${n.toFixed(1)} s`;

function runLines(r: RunDocument, i: number): string[] {
  const boot = r.bootSeconds === null ? "did not come up" : `up after ${seconds(r.bootSeconds)}`;
  const again = r.boots > 1 ? ` (boot ${r.boots})` : "";
  const still =
    r.stoodStillAfterGuestSeconds === null
      ? []
      : [
          `      the last write was done ${seconds(r.stoodStillAfterGuestSeconds)} after the load began, then none for ${seconds(r.quietGuestSeconds ?? 0)}`,
        ];
  const cut = r.complete ? [] : [`      the guest brought back no results (${endings[r.ended]}): its console only`];
  const said = r.core.length > 0 ? `: ${r.core.join("; ")}` : "";
  return [
    `  ${i + 1}.  ${boot}${again}, ${seconds(r.wallSeconds)} in all; ${r.verdict} (${r.confidence})`,
    ...(said === "" ? [] : [`      ${r.core.join("; ")}`]),
    ...still,
    ...(r.panicked ? ["      the guest's kernel panicked"] : []),
    ...cut,
    `      ${r.folder}`,
  ];
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
    `  ${d.scenario} under cgroup ${d.cgroup} on ${d.kernelPackage}`,
    `  in ${d.emulator}, software emulation`,
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
