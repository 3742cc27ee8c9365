import { describe, expect, it } from "vitest";
import { compareReleases, inEra, pageApi, pageApiFromSymbols, parseRelease, type Release } from "./release.ts";

function release(text: string): Release {
  const r = parseRelease(text);
  if (r === undefined) throw new Error(`not parsed: ${text}`);
  return r;
}

describe("parseRelease", () => {
  it.each([
    ["6.1.0-56-cloud-amd64", 6, 1, 0, undefined],
    ["5.17.0-rc6-dgc+", 5, 17, undefined, 6],
    ["5.17.0-rc8", 5, 17, undefined, 8],
    ["4.4.0-146-generic", 4, 4, 0, undefined],
    ["3.10.0-1160.el7", 3, 10, 0, undefined],
    ["5.6.0-rc7-next-20200325+", 5, 6, undefined, 7],
    ["6.0.0-rc6-syzkaller-00321-g105a36f3694e", 6, 0, undefined, 6],
    ["4.20.17", 4, 20, 17, undefined],
    ["v6.16", 6, 16, undefined, undefined],
    ["6.17.3-arch2-1-lily", 6, 17, 3, undefined],
    ["2.6.32.59", 2, 6, 32, undefined],
    ["5.10.0+", 5, 10, 0, undefined],
  ])("%s", (text, major, minor, patch, rc) => {
    const r = release(text);
    expect([r.major, r.minor, r.patch, r.rc, r.text]).toEqual([major, minor, patch, rc, text]);
  });

  it.each(["", "linux", "#13", "5", "5.", "-1.2.3", "5.x", "1e9.1", "99999.1.1", "5.4.0 extra", "5.10.0abc", "NaN.1"])(
    "refuses %j",
    (text) => {
      expect(parseRelease(text)).toBeUndefined();
    },
  );
});

describe("compareReleases", () => {
  it("orders candidates before the release and numbers as numbers", () => {
    const ordered = [
      "3.10.0-1160.el7",
      "4.4.0-146-generic",
      "4.20.17",
      "5.4.0",
      "5.17.0-rc6",
      "5.17.0-rc8",
      "5.17.0",
      "5.17.1",
    ];
    const shuffled = [...ordered].reverse().map(release);
    expect(shuffled.sort(compareReleases).map((r) => r.text)).toEqual(ordered);
  });

  it("does not look at local versions", () => {
    expect(compareReleases(release("6.1.0-1-a"), release("6.1.0-56-b"))).toBe(0);
  });
});

describe("inEra", () => {
  const r = release("5.15.135");
  it("has an inclusive start and an exclusive end", () => {
    expect(inEra(r, { since: "5.15" })).toBe(true);
    expect(inEra(r, { since: "5.16" })).toBe(false);
    expect(inEra(r, { before: "5.15" })).toBe(false);
    expect(inEra(r, { before: "5.16" })).toBe(true);
    expect(inEra(r, { since: "4.4", before: "6.0" })).toBe(true);
  });
  it("compares minors as numbers", () => {
    expect(inEra(release("5.4.0"), { since: "5.16" })).toBe(false);
    expect(inEra(release("5.16.0"), { since: "5.4" })).toBe(true);
  });
  it("counts a candidate as its release", () => {
    expect(inEra(release("5.16.0-rc1"), { since: "5.16" })).toBe(true);
  });
  it("says undefined when the release is unknown and it matters", () => {
    expect(inEra(undefined, { since: "5.16" })).toBeUndefined();
    expect(inEra(undefined, {})).toBe(true);
    expect(inEra(undefined, undefined)).toBe(true);
  });
});

describe("page or folio", () => {
  it("from the release", () => {
    expect(pageApi(release("5.15.0"))).toBe("page");
    expect(pageApi(release("5.16.0"))).toBe("folio");
    expect(pageApi(undefined)).toBeUndefined();
  });
  it("from symbols", () => {
    expect(pageApiFromSymbols(["__schedule", "folio_wait_bit_common", "mpage_prepare_extent_to_map"])).toBe("folio");
    expect(pageApiFromSymbols(["io_schedule", "__lock_page", "write_cache_pages"])).toBe("page");
    expect(pageApiFromSymbols(["unlock_page", "wait_on_page_writeback"])).toBeUndefined();
    expect(pageApiFromSymbols(["__folio_lock", "__lock_page"])).toBeUndefined();
    expect(pageApiFromSymbols([])).toBeUndefined();
  });
});
