import { describe, expect, it } from "vitest";
import { decodeGfp, type GfpDecoding } from "./gfp.ts";
import { parseRelease } from "./release.ts";

function only(mask: number, release: string): GfpDecoding {
  const readings = decodeGfp(mask, parseRelease(release));
  expect(readings).toHaveLength(1);
  return readings[0]!;
}

describe("decodeGfp", () => {
  it("reads the mask of the scan_control in the jbd2 report (5.15)", () => {
    // SOURCE: the PF_MEMALLOC_ACCOUNTFORCE posting: gfp_mask = 17861706
    const d = only(17861706, "5.15.0");
    expect(d.text).toBe("GFP_NOFS|__GFP_HIGHMEM|__GFP_NOFAIL|__GFP_HARDWALL|__GFP_MOVABLE|__GFP_SKIP_KASAN_POISON");
    expect(d).toMatchObject({
      mayEnterFs: false,
      mayStartIo: true,
      mayDirectReclaim: true,
      nofail: true,
      unknownBits: 0,
    });
  });

  // Masks with the names the kernel printed next to them, from oom-killer lines in public bug reports.
  it.each([
    ["6.17.3-arch2-1", 0xcc0, "GFP_KERNEL"],
    ["5.4.17-2136.307.3.4.el8uek.x86_64", 0x100cca, "GFP_HIGHUSER_MOVABLE"],
    ["4.15.0-108-generic", 0x15000c0, "GFP_KERNEL_ACCOUNT"],
    ["4.9.56-21.pvops.qubes.x86_64", 0x240c0d0, "GFP_KERNEL|__GFP_COMP|__GFP_ZERO|__GFP_RECLAIMABLE"],
    ["4.19.0", 0x6200ca, "GFP_HIGHUSER_MOVABLE"],
    ["4.19.0", 0x6000c0, "GFP_KERNEL"],
    ["4.9.0", 0x24201ca, "GFP_HIGHUSER_MOVABLE|__GFP_COLD"],
    ["3.10.0-1160.el7", 0x200da, "GFP_HIGHUSER_MOVABLE"],
    ["3.10.0-1160.el7", 0x50, "GFP_NOFS"],
    ["6.1.0-56-cloud-amd64", 0x140cca, "GFP_HIGHUSER_MOVABLE|__GFP_COMP"],
    ["6.1.0", 0xa20, "GFP_ATOMIC"],
    ["6.1.0", 0x400cc0, "GFP_KERNEL_ACCOUNT"],
    ["6.12.0", 0x820, "GFP_ATOMIC"],
    ["6.12.0", 0, "none"],
  ])("%s: %d", (release, mask, text) => {
    expect(decodeGfp(mask, parseRelease(release)).map((d) => d.text)).toContain(text);
  });

  it("prints bits it does not know in hex", () => {
    const d = only(0x40000000 | 0xcc0, "6.12.0");
    expect(d.text).toBe("GFP_KERNEL|0x40000000");
    expect(d.unknownBits).toBe(0x40000000);
    expect(only(0x80000cc0, "6.1.0").text).toBe("GFP_KERNEL|0x80000000");
  });

  it("gives several eras when the release is unknown, the likeliest first", () => {
    const readings = decodeGfp(17861706);
    expect(readings.length).toBeGreaterThan(2);
    expect(readings[0]!.era).toEqual({ since: "5.14", before: "5.18" });
    expect(readings[0]!.text).toContain("__GFP_SKIP_KASAN_POISON");
    expect(readings.at(-1)!.mayDirectReclaim && readings.at(-1)!.unknownBits === 0).toBe(false);
  });

  it("overlaps eras where the change was not pinned to a release", () => {
    expect(decodeGfp(0xcc0, parseRelease("5.0.0")).map((d) => d.mayDirectReclaim)).toEqual([true, false]);
  });

  it("tells the packed bits from the scattered ones", () => {
    expect(only(0x800, "5.10.0").nofail).toBe(false);
    expect(only(0x800, "4.19.0").nofail).toBe(true);
    expect(only(0x100000, "4.4.0").account).toBe(false);
    expect(only(0x100000, "4.9.0").account).toBe(true);
  });

  it.each([-1, Number.NaN, 1.5, 2 ** 40, Number.POSITIVE_INFINITY])("refuses %d", (mask) => {
    expect(decodeGfp(mask)).toEqual([]);
  });
});
