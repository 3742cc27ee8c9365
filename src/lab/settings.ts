/** The command line's words made into {@link Settings}; what is wrong with them is a {@link LabError} of one line. */
import { LabError } from "./errors.ts";
import { type CgroupVersion, type Scenario, type Settings, scenarios } from "./scenarios.ts";

/** What a user may say. */
export interface Asked {
  readonly scenario: string;
  readonly cgroup?: string | undefined;
  /** `name=value` each. */
  readonly parameters: readonly string[];
  readonly traced?: boolean | undefined;
}

/** No parameter is larger: a guest that runs for a day by a slip of the finger helps nobody. */
const largest: Readonly<Record<string, number>> = {
  tasks: 500,
  outside: 100,
  seconds: 3600,
  quiet_seconds: 3600,
  hung_seconds: 3600,
  collect_seconds: 600,
  trace_kb: 65_536,
  limit_mib: 1024,
  file_kib: 65_536,
};
const defaultLargest = 1_000_000_000;

/** Decides everything that was left open. `near` words a suggestion for a misspelt name. */
export function settingsOf(asked: Asked, near: (word: string, words: readonly string[]) => string): Settings {
  const names = scenarios.map((s) => s.name);
  const scenario = scenarios.find((s) => s.name === asked.scenario);
  if (scenario === undefined)
    throw new LabError(
      "lab-usage",
      `the lab has no scenario ${asked.scenario}${near(asked.scenario, names)}; \`unwedge lab\` lists them`,
    );
  return {
    scenario,
    cgroup: cgroupOf(scenario, asked.cgroup),
    parameters: {
      ...scenario.parameters,
      ...Object.fromEntries(asked.parameters.map((p) => parameter(scenario, p, near))),
    },
    traced: asked.traced ?? scenario.traced,
  };
}

function cgroupOf(scenario: Scenario, asked: string | undefined): CgroupVersion {
  const found = asked === undefined ? scenario.cgroups[0] : scenario.cgroups.find((c) => c === asked);
  if (found === undefined)
    throw new LabError("lab-usage", `--cgroup ${asked}: not one of ${scenario.cgroups.join(", ")}`);
  return found;
}

function parameter(
  s: Scenario,
  given: string,
  near: (word: string, words: readonly string[]) => string,
): [string, number] {
  const m = /^([a-z_]+)=(\d{1,10})$/.exec(given);
  if (m === null)
    throw new LabError("lab-usage", `--param ${given}: write it as name=number; \`unwedge lab\` lists the parameters`);
  const [name, value] = [m[1]!, Number(m[2])];
  const known = Object.keys(s.parameters);
  if (!known.includes(name))
    throw new LabError(
      "lab-usage",
      `--param ${given}: ${s.name} has no ${name}${near(name, known)}; it has ${known.join(", ")}`,
    );
  const most = largest[name] ?? defaultLargest;
  if (value > most) throw new LabError("lab-usage", `--param ${given}: at most ${most}`);
  return [name, value];
}
