import { describe, expect, it } from "vitest";
import {
  type Era,
  type EraFeatures,
  era,
  eraName,
  fixes,
  hasFix,
  mergedIn,
  parseEra,
  unverifiedFeatures,
  withFix,
  withoutFix,
} from "./era.ts";

const features = (release: string): EraFeatures => era(release).features;

function error(text: string): string {
  const r = parseEra(text);
  return r.ok ? `ok: ${r.era.release}` : r.error;
}

function changed(r: ReturnType<typeof withFix>): Era {
  if (!r.ok) throw new Error(r.error);
  return r.era;
}

describe("parseEra", () => {
  it.each([
    ["4.4", "4.4.0"],
    ["4.20", "4.20.0"],
    ["v6.1.192", "6.1.192"],
    [" 6.18 ", "6.18.0"],
    ["5.0.21", "5.0.21"],
  ])("%s is %s", (text, release) => {
    expect(era(text).release).toBe(release);
  });

  it("says what is accepted and what is near", () => {
    expect(error("4.3")).toBe('unknown era "4.3": known are 4.4 to 6.18; nearest: 4.4');
    expect(error("4.21")).toContain("nearest: 4.20");
    expect(error("6.19.1")).toContain("nearest: 6.18");
    expect(error("7.1")).toContain("nearest: 6.18");
    expect(error("5.20")).toContain("nearest: 5.19");
    expect(error("3.10.0")).toContain("nearest: 4.4");
    expect(error("6.1.0-56-amd64")).toBe(
      'unknown era "6.1.0-56-amd64": a kernel release from 4.4 to 6.18 is wanted; nearest: 6.1.0',
    );
    expect(error("newest")).toBe('unknown era "newest": a kernel release from 4.4 to 6.18 is wanted');
    expect(error("")).toContain("a kernel release");
    expect(error("4.20.x")).toContain("nearest: 4.20");
    expect(() => era("4.3")).toThrow("nearest: 4.4");
  });

  it("resolves every switch and freezes them", () => {
    const f = features("4.20");
    expect(Object.isFrozen(f)).toBe(true);
    expect(Object.values(f)).not.toContain(undefined);
  });
});

describe("histories", () => {
  it.each([
    ["4.20.0", false],
    ["4.20.2", false],
    ["4.20.3", true],
    ["4.19.15", false],
    ["4.19.16", true],
    ["4.9.152", true],
    ["4.10.17", false],
    ["4.18.20", false],
    ["5.0", true],
    ["6.1.192", true],
  ])("prealloc-pte in %s: %s", (release, value) => {
    expect(features(release).preallocPte).toBe(value);
  });

  it.each([
    ["4.4.1", false],
    ["4.4.155", true],
    ["4.16", false],
    ["4.16.13", true],
    ["4.15.18", false],
    ["4.17", true],
    ["5.4", true],
  ])("wb-lock-cookie in %s: %s", (release, value) => {
    expect(features(release).wbLockCookie).toBe(value);
  });

  it("knows the releases the incidents name", () => {
    expect(features("4.7.4")).toMatchObject({
      pageTablesCharged: false,
      throttleVmWriteout: true,
      lruLockScope: "zone",
    });
    expect(features("4.20")).toMatchObject({
      syncMemcgOom: true,
      nofsMemcgOomKills: false,
      nofailBeforeOom: true,
      memcgReclaimRetries: 5,
      rangeCyclicWrapInOneCall: false,
      v1DirtyThrottle: false,
      pageApi: "page",
      lruLockScope: "node",
      pageStatApi: "lock_page_memcg",
    });
    expect(features("4.19").rangeCyclicWrapInOneCall).toBe(true);
    expect(features("4.19.87").rangeCyclicWrapInOneCall).toBe(false);
    expect(features("4.19.76").nofsMemcgOomKills).toBe(false);
    expect(features("4.19.77").nofsMemcgOomKills).toBe(true);
    expect(features("5.3").nofsMemcgOomKills).toBe(false);
    expect(features("5.4").nofsMemcgOomKills).toBe(true);
    expect(features("5.15.0")).toMatchObject({ nofailBeforeOom: true, dyingForce: true, lruLockScope: "memcg" });
    expect(features("5.15.135")).toMatchObject({ nofailBeforeOom: false, dyingForce: false });
    expect(features("6.1.192")).toMatchObject({
      preallocPte: true,
      v1DirtyThrottle: true,
      mmapLockKillable: true,
      perVmaLock: false,
      pageApi: "folio",
      memcgReclaimRetries: 16,
      writepagesRwsemNofs: true,
      moveCharge: true,
    });
    expect(features("6.1").mmapLockKillable).toBe(false);
    expect(features("6.18")).toMatchObject({ moveCharge: false, pageStatApi: "none", skipsDeadlockableMappings: true });
  });

  it("finds the second loss of the preallocated page table", () => {
    const uses = ["5.11", "5.12", "5.12.19", "5.13.5", "5.13.6", "5.14"].map(
      (r) => features(r).finishFaultUsesPrealloc,
    );
    expect(uses).toEqual([true, false, false, false, true, true]);
  });

  it("says what was not verified", () => {
    expect(unverifiedFeatures(era("4.4.155"))).toContain("wbLockCookie");
    expect(unverifiedFeatures(era("4.16"))).not.toContain("wbLockCookie");
    expect(unverifiedFeatures(era("4.20"))).toEqual(["rangeCyclicWrapInOneCall"]);
    expect(unverifiedFeatures(era("6.13"))).toContain("moveCharge");
  });
});

describe("fixes", () => {
  it("adds a fix that is not there", () => {
    const fixed = changed(withFix(era("4.20"), "prealloc-pte"));
    expect(fixed.features.preallocPte).toBe(true);
    expect(eraName(fixed)).toBe("4.20.0 +prealloc-pte");
    expect(hasFix(fixed, "prealloc-pte")).toBe(true);
    expect(era("4.20").features.preallocPte).toBe(false);
    expect(Object.isFrozen(fixed.features)).toBe(true);
  });

  it("takes a merged one out", () => {
    const reverted = changed(withoutFix(era("6.1.192"), "prealloc-pte"));
    expect(reverted.features.preallocPte).toBe(false);
    expect(eraName(reverted)).toBe("6.1.192 -prealloc-pte");
    expect(changed(withFix(reverted, "prealloc-pte")).features).toEqual(features("6.1.192"));
  });

  it("sets all switches of a fix", () => {
    const f = changed(withoutFix(era("5.15.135"), "no-dying-force")).features;
    expect(f).toMatchObject({ dyingForce: true, nofailBeforeOom: true });
  });

  it("refuses with the place of the merge", () => {
    expect(withoutFix(era("4.20"), "prealloc-pte")).toEqual({
      ok: false,
      error: 'fix "prealloc-pte" cannot be reverted in 4.20.0: merged in 5.0, 4.9.152, 4.14.94, 4.19.16, 4.20.3',
    });
    expect(withFix(era("5.4"), "prealloc-pte")).toMatchObject({
      error: expect.stringContaining("is in 5.4.0 already"),
    });
    expect(withoutFix(era("6.18"), "submit-before-lock")).toMatchObject({
      error: expect.stringContaining("never merged"),
    });
    expect(withFix(era("6.18"), "prealoc")).toMatchObject({ error: expect.stringContaining("known: prealloc-pte, ") });
    expect(withoutFix(era("6.18"), "prealoc")).toMatchObject({ ok: false });
    expect(hasFix(era("6.18"), "prealoc")).toBe(false);
  });

  it("can be added to and taken from a proposal's era", () => {
    for (const fix of fixes) {
      const e = era("4.20");
      const there = hasFix(e, fix.id) ? changed(withoutFix(e, fix.id)) : changed(withFix(e, fix.id));
      expect(hasFix(there, fix.id)).toBe(!hasFix(e, fix.id));
      expect(mergedIn(fix).length === 0).toBe(fix.commit === undefined);
    }
  });
});
