import { expect, test } from "vitest";
import { limitSeconds, scenarios, throttleOf } from "./scenarios.ts";
import { type Asked, settingsOf } from "./settings.ts";

const near = (word: string, words: readonly string[]): string => {
  const found = words.find((w) => w.startsWith(word.slice(0, 3)));
  return found === undefined ? "" : ` (did you mean ${found}?)`;
};
const of = (asked: Partial<Asked>) => settingsOf({ scenario: "jbd2-memcg-oom", parameters: [], ...asked }, near);

test("defaults are the scenario's", () => {
  const s = of({});
  expect(s.cgroup).toBe("v1");
  expect(s.parameters).toEqual(s.scenario.parameters);
  expect(s.traced).toBe(true);
});

test("parameters, cgroup version and tracing can be chosen", () => {
  const s = of({ cgroup: "v2", parameters: ["limit_mib=20", "seconds=5"], traced: false });
  expect(s).toMatchObject({ cgroup: "v2", traced: false, parameters: { limit_mib: 20, seconds: 5, outside: 4 } });
});

test.each([
  [{ scenario: "jbd2-memcg" }, "no scenario jbd2-memcg (did you mean jbd2-memcg-oom?)"],
  [{ cgroup: "v3" }, "--cgroup v3: not one of v1, v2"],
  [{ parameters: ["tasks"] }, "--param tasks: write it as name=number"],
  [{ parameters: ["tasks=-1"] }, "--param tasks=-1: write it as name=number"],
  [{ parameters: ["tasks=501"] }, "--param tasks=501: at most 500"],
  [{ parameters: ["limits=3"] }, "jbd2-memcg-oom has no limits (did you mean limit_mib?)"],
  [{ parameters: ["__proto__=3"] }, "has no __proto__"],
])("refuses %j", (asked, why) => {
  expect(() => of(asked)).toThrow(why);
});

test("0 means no throttle", () => {
  expect(throttleOf({ disk_bps: 0, disk_iops: 4 })).toEqual({ "iops-total": 4 });
});

test.each(scenarios)("$name is bounded, and its numbers are words of a shell", (scenario) => {
  const s = settingsOf({ scenario: scenario.name, parameters: [] }, near);
  expect(limitSeconds(s)).toBeLessThanOrEqual(1200);
  for (const name of Object.keys(scenario.parameters)) expect(name).toMatch(/^[a-z_]+$/);
});
