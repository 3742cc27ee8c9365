/**
 * The promise behind every verdict, on real logs: nothing that is not a deadlock is called one, and what the log shows is found.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { beforeAll, describe, expect, test } from "vitest";
import { type Diagnosis, diagnose } from "../src/diagnose/index.ts";
import { textInput } from "../src/evidence/index.ts";

interface Case {
  readonly id: string;
  readonly truth: string;
  readonly isDeadlock: boolean | null;
  readonly logShowsEnough: boolean;
  readonly members: readonly number[];
  readonly files: readonly string[];
}

const at = (name: string) => new URL(`cases/${name}`, import.meta.url);
const cases = JSON.parse(readFileSync(at("index.json"), "utf8")) as readonly Case[];
const said = new Map<string, Diagnosis>();

beforeAll(async () => {
  for (const c of cases) {
    const inputs = c.files.map((f) =>
      textInput(f.replace(/\.gz$/, ""), gunzipSync(readFileSync(at(f))).toString("latin1")),
    );
    said.set(c.id, await diagnose(inputs));
  }
}, 300_000);

const verdict = (c: Case) => said.get(c.id)!.verdict;
const core = (c: Case) => new Set(said.get(c.id)!.core.map((e) => e.waiter.pid));
const ids = (list: readonly Case[]) => list.map((c) => c.id);

describe("what is not a deadlock is not called one", () => {
  const calm = cases.filter((c) => c.isDeadlock === false && c.truth !== "livelock");

  test("no false deadlock, no false livelock", () => {
    expect(calm.length).toBeGreaterThan(30);
    expect(ids(calm.filter((c) => verdict(c) === "deadlock"))).toEqual([]);
    expect(ids(calm.filter((c) => verdict(c) === "livelock"))).toEqual([]);
  });

  test("no sure claim where nobody knows", () => {
    const open = cases.filter((c) => c.isDeadlock === null);
    const sure = (c: Case) =>
      ["deadlock", "livelock"].includes(verdict(c)) && said.get(c.id)!.confidence !== "possible";
    expect(open.length).toBeGreaterThan(5);
    expect(ids(open.filter(sure))).toEqual([]);
  });

  test("an answer that is unknown names a missing fact and the command that collects it", () => {
    const mute = cases.filter(
      (c) => verdict(c) === "unknown" && said.get(c.id)!.missing.every((m) => m.command === ""),
    );
    expect(ids(mute)).toEqual([]);
  });
});

describe("what the log shows is found", () => {
  test("deadlocks, with members of the true cycle in the core", () => {
    const enough = cases.filter((c) => c.isDeadlock === true && c.logShowsEnough);
    const found = enough.filter((c) => verdict(c) === "deadlock");
    expect(found.length / enough.length).toBeGreaterThan(0.75);
    const wrong = found.filter(
      (c) => c.members.length > 0 && c.members.filter((m) => core(c).has(m)).length < Math.min(2, c.members.length),
    );
    expect(ids(wrong)).toEqual([]);
  });

  test("blocked contexts are explained", () => {
    const sum = (f: (d: Diagnosis) => number) => [...said.values()].reduce((n, d) => n + f(d), 0);
    expect(sum((d) => d.unexplained.length) / sum((d) => d.contexts)).toBeLessThan(0.05);
  });
});

test("verdicts and cores are those that were reviewed", () => {
  const now = Object.fromEntries(
    cases.map((c) => {
      const d = said.get(c.id)!;
      const members = [...core(c)]
        .map((p) => p ?? "?")
        .sort()
        .join(" ");
      return [
        c.id,
        `${d.verdict}/${d.confidence}${members ? ` core ${members}` : ""}, ${d.unexplained.length} of ${d.contexts} unexplained`,
      ];
    }),
  );
  const file = at("expected.json");
  if (process.env.BLESS) writeFileSync(file, `${JSON.stringify(now, undefined, 1)}\n`);
  expect(now).toEqual(JSON.parse(readFileSync(file, "utf8")));
});
