import { describe, expect, it } from "vitest";
import { era } from "./era.ts";
import * as gfp from "./gfp.ts";

const {
  __GFP_ACCOUNT,
  __GFP_FS,
  __GFP_NOFAIL,
  __GFP_ZERO,
  GFP_ATOMIC,
  GFP_HIGHUSER_MOVABLE,
  GFP_KERNEL,
  GFP_KERNEL_ACCOUNT,
  GFP_NOFS,
  GFP_NOIO,
  GFP_NOWAIT,
  gfpName,
} = gfp;

/** Single flags: what has one bit. */
const single = (prefix: string): number[] =>
  Object.entries(gfp)
    .filter(([name, value]) => name.startsWith(prefix) && typeof value === "number" && (value & (value - 1)) === 0)
    .map(([, value]) => value as number);

describe("flags", () => {
  it.each(["__GFP_", "PF_"])("%s flags are different bits", (prefix) => {
    const bits = single(prefix);
    expect(bits.length).toBeGreaterThan(12);
    expect(new Set(bits).size).toBe(bits.length);
  });

  it("composites allow what the table says", () => {
    expect(gfp.gfpAllowsBlocking(GFP_ATOMIC)).toBe(false);
    expect(gfp.gfpAllowsBlocking(GFP_NOWAIT)).toBe(false);
    expect(gfp.gfpAllowsBlocking(GFP_NOIO)).toBe(true);
    expect(GFP_KERNEL & ~GFP_NOFS).toBe(__GFP_FS);
    expect(GFP_NOFS & ~GFP_NOIO).toBe(gfp.__GFP_IO);
  });
});

describe("gfpName", () => {
  it.each([
    [0, "none"],
    [GFP_KERNEL, "GFP_KERNEL"],
    [GFP_KERNEL_ACCOUNT, "GFP_KERNEL|__GFP_ACCOUNT"],
    [GFP_KERNEL_ACCOUNT | __GFP_ZERO, "GFP_KERNEL|__GFP_ZERO|__GFP_ACCOUNT"],
    [GFP_NOFS | __GFP_NOFAIL, "GFP_NOFS|__GFP_NOFAIL"],
    [GFP_HIGHUSER_MOVABLE, "GFP_HIGHUSER_MOVABLE"],
    [GFP_NOIO, "GFP_NOIO"],
    [GFP_ATOMIC, "GFP_ATOMIC"],
    [gfp.gfpAtomic(era("4.20").features), "GFP_ATOMIC"],
    [gfp.gfpAtomic(era("6.12").features), "GFP_ATOMIC"],
    [GFP_NOWAIT, "GFP_NOWAIT"],
    [gfp.__GFP_IO, "__GFP_IO"],
    [1 << 30, "0x40000000"],
  ])("%i is %s", (mask, name) => {
    expect(gfpName(mask)).toBe(name);
  });

  it("names every flag", () => {
    for (const bit of single("__GFP_")) expect(gfpName(bit)).toMatch(/^(__)?GFP_[A-Z_]+$/);
  });
});

describe("scopes", () => {
  const v420 = era("4.20").features;
  const v411 = era("4.11").features;

  it("NOFS drops FS where the scope exists", () => {
    expect(gfp.currentGfpContext(GFP_KERNEL, gfp.PF_MEMALLOC_NOFS, v420)).toBe(GFP_NOFS);
    expect(gfp.currentGfpContext(GFP_KERNEL, gfp.PF_MEMALLOC_NOFS, v411)).toBe(GFP_KERNEL);
  });

  it("NOIO drops IO and FS, alone or with NOFS", () => {
    expect(gfp.currentGfpContext(GFP_KERNEL, gfp.PF_MEMALLOC_NOIO, v411)).toBe(GFP_NOIO);
    expect(gfp.currentGfpContext(GFP_KERNEL, gfp.PF_MEMALLOC_NOIO | gfp.PF_MEMALLOC_NOFS, v420)).toBe(GFP_NOIO);
  });

  it("PIN drops MOVABLE, MEMALLOC nothing", () => {
    const pin = gfp.currentGfpContext(GFP_HIGHUSER_MOVABLE, gfp.PF_MEMALLOC_PIN, era("6.1").features);
    expect(pin).toBe(GFP_HIGHUSER_MOVABLE & ~gfp.__GFP_MOVABLE);
    expect(gfp.currentGfpContext(GFP_HIGHUSER_MOVABLE, gfp.PF_MEMALLOC_PIN, v420)).toBe(GFP_HIGHUSER_MOVABLE);
    expect(gfp.currentGfpContext(GFP_KERNEL, gfp.PF_MEMALLOC, v420)).toBe(GFP_KERNEL);
  });

  it("memcg reclaim keeps the caller's reclaim bits only", () => {
    // The scan_control of the jbd2 document: GFP_NOFS|__GFP_NOFAIL under a handle, seen as a mask for movable user pages.
    const mask = gfp.memcgReclaimGfp(GFP_KERNEL | __GFP_NOFAIL | __GFP_ACCOUNT, gfp.PF_MEMALLOC_NOFS, v420);
    expect(gfpName(mask)).toBe("GFP_NOFS|__GFP_HIGHMEM|__GFP_NOFAIL|__GFP_HARDWALL|__GFP_MOVABLE");
    expect(gfp.memcgReclaimGfp(GFP_KERNEL, gfp.PF_MEMALLOC_NOFS, v411) & __GFP_FS).toBe(__GFP_FS);
    expect(gfp.memcgReclaimGfp(GFP_KERNEL, gfp.PF_MEMALLOC_NOIO, v411) & __GFP_FS).toBe(__GFP_FS);
  });
});

describe("pteAllocGfp", () => {
  it("is charged from 4.8 on and enters file systems unless the proposal is in", () => {
    expect(gfpName(gfp.pteAllocGfp(era("4.7").features))).toBe("GFP_KERNEL|__GFP_ZERO");
    expect(gfpName(gfp.pteAllocGfp(era("4.20").features))).toBe("GFP_KERNEL|__GFP_ZERO|__GFP_ACCOUNT");
    const nofs = { ...era("4.20").features, pteAllocNofs: true };
    expect(gfpName(gfp.pteAllocGfp(nofs))).toBe("GFP_NOFS|__GFP_ZERO|__GFP_ACCOUNT");
  });
});
