/** The number tables of the guest (steps.txt) as data: one entry a step, with every counter of its group. */
import { namedNumbers, sectionsOf } from "./counters.ts";

/** A value of a counter file: one number, several with names, or its text. */
export type StepValue = number | string | Readonly<Record<string, number>>;

/** One step. `rc` is an exit code, 137 for a task that the OOM killer ended, or "running". */
export interface Step {
  readonly step: string;
  readonly what: string;
  readonly rc: string;
  readonly seconds: number;
  readonly [counter: string]: StepValue;
}

/** v1's files under their own names, v2's with their prefix, as they are called in tables. */
const shortName = (file: string): string => {
  if (/\.stat$/.test(file)) return "stat";
  if (/\.events$/.test(file)) return "events";
  return /_in_bytes$|failcnt$|oom_control$/.test(file) ? file.replace(/^memory\./, "") : file;
};

/** Limits may read `max`, so they are texts always; a line of v1's oom_control is only told with the others. */
const isText = /^(memory\.(max|high)|oom_control)$/;

function counterValue(name: string, lines: readonly string[]): StepValue {
  if (isText.test(name)) return lines.join(" ");
  const [first] = lines;
  if (lines.length === 1 && first !== undefined && !first.includes(" "))
    return /^-?\d+$/.test(first) ? Number(first) : first;
  const named = namedNumbers(lines);
  return Object.keys(named).length === lines.length ? named : lines.join("\n");
}

/** Reads steps.txt. */
export function readSteps(text: string): readonly Step[] {
  return text
    .split(/^(?=== step )/m)
    .filter((part) => part.startsWith("== step "))
    .map((part) => {
      const lines = part.split("\n").filter((l) => l !== "");
      const head = (key: string): string => lines.find((l) => l.startsWith(`${key}: `))?.slice(key.length + 2) ?? "";
      const counters = [...sectionsOf(lines)]
        .filter(([file]) => !file.endsWith(".pressure"))
        .map(([file, body]) => [shortName(file), counterValue(shortName(file), body)] as const);
      return {
        step: lines[0]!.slice("== step ".length),
        what: head("what"),
        rc: head("rc"),
        seconds: Math.round((Number(head("ended")) - Number(head("began"))) * 100) / 100,
        ...Object.fromEntries(counters),
      };
    });
}

/** The whole numbers of a step, flat: `s1_x.memory.current`, `s1_x.events.max`, ... */
export function stepCounters(steps: readonly Step[]): Readonly<Record<string, number>> {
  const out: Record<string, number> = {};
  for (const { step, what: _what, rc: _rc, ...counters } of steps)
    for (const [name, value] of Object.entries(counters)) {
      if (typeof value === "number") out[`${step}.${name}`] = value;
      else if (typeof value === "object") for (const [k, v] of Object.entries(value)) out[`${step}.${name}.${k}`] = v;
    }
  return out;
}
