import { describe, expect, it } from "vitest";
import { fixes, mergedIn } from "../../kernel/era.ts";
import { FILESYSTEM_CONFIG, incidentNeeds, type Need, preconditions } from "./preconditions.ts";
import { knownBugs } from "./table.ts";

const entries = Object.entries(preconditions);
const POINT = /^\d+\.\d+(?:\.\d+)?\??$/;

describe("preconditions of the known bugs", () => {
  it("every bug has some, and nothing else has", () => {
    expect(Object.keys(preconditions).sort()).toEqual(knownBugs.map((bug) => bug.id).sort());
  });

  it.each(entries)("%s: the fix is the one that the bug's row names", (id, { lifetime }) => {
    const row = knownBugs.find((bug) => bug.id === id);
    const known = fixes.find((fix) => fix.id === lifetime.fix);
    expect(lifetime.fix === undefined).toBe(known === undefined);
    const commit = lifetime.commit ?? known?.commit;
    const named = /commit ([0-9a-f]{12})/.exec(row?.fix ?? "")?.[1];
    expect(commit).toBe(named);
    // a fix that is named was merged somewhere, and where it is not known, something says up to where
    const merged = [...(known ? mergedIn(known) : []), ...(lifetime.fixed ? [lifetime.fixed] : [])];
    expect(merged.length > 0).toBe(row?.fix !== undefined);
    expect(lifetime.checkedTo !== undefined).toBe(row?.fix === undefined);
  });

  it.each(entries)("%s: releases are written as in the other tables, mainline in two parts", (_, { lifetime }) => {
    const { since, fixed, sinceBackports = [], backports = [], seenIn = [], notIn = [] } = lifetime;
    for (const text of [since, fixed]) if (text !== undefined) expect(text).toMatch(/^\d+\.\d+$/);
    for (const text of [...sinceBackports, ...backports, ...seenIn, ...notIn]) {
      expect(text).toMatch(POINT);
      expect(text.split(".")).toHaveLength(3);
    }
    const series = backports.map((text) => text.split(".").slice(0, 2).join("."));
    expect(new Set(series).size).toBe(series.length);
  });

  it.each(entries)("%s: the row's range of releases does not contradict the lifetime", (id, { lifetime }) => {
    const era = knownBugs.find((bug) => bug.id === id)?.era;
    if (era?.since !== undefined) expect(lifetime.since).toBe(era.since);
    if (era?.before === undefined || lifetime.fixed === undefined) return;
    const [major, minor] = lifetime.fixed.split(".").map(Number);
    const [beforeMajor, beforeMinor] = era.before.split(".").map(Number);
    // a row counts a release candidate as its release, so its end may be one release later
    expect(major! * 100 + minor!).toBeLessThanOrEqual(beforeMajor! * 100 + beforeMinor!);
    expect(beforeMajor! * 100 + beforeMinor! - (major! * 100 + minor!)).toBeLessThanOrEqual(1);
  });

  const needs: (readonly [string, Need])[] = [
    ...entries.flatMap(([id, { needs }]) => needs.map((need) => [id, need] as const)),
    ...Object.entries(incidentNeeds).flatMap(([id, list]) => list.map((need) => [id, need] as const)),
  ];
  it("each says where it comes from, and nothing of it is a path of some machine", () => {
    const sources = [...needs.map(([, need]) => need.source), ...entries.map(([, { lifetime }]) => lifetime.source)];
    for (const source of sources) {
      expect(source.length).toBeGreaterThan(8);
      expect(source).not.toMatch(/(?:^|\s)\/|\.\.\//);
    }
  });

  it.each(needs)("%s: symbols and filesystems are known names", (_, need) => {
    if (need.kind === "fs") for (const fs of need.anyOf) expect(FILESYSTEM_CONFIG).toHaveProperty(fs);
    if (need.kind === "config") for (const symbol of need.anyOf) expect(symbol).toMatch(/^CONFIG_[A-Z0-9_]+$/);
  });
});
