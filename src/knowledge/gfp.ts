/**
 * GFP masks, decoded with the bit values of the kernel that printed them.
 *
 * The bits moved five times between 3.10 and 6.12 and nothing in a mask says which table made it, so an unknown release
 * gives several readings. Where the exact release of a change was not checked, neighbouring eras overlap on purpose.
 * Names are printed like the kernel's `%pGg`: the first composite of the table that fits is taken, then what is left.
 */
import type { Release } from "./release.ts";
import { inEra } from "./release.ts";
import type { Era } from "./types.ts";

/** One reading of a mask. */
export interface GfpDecoding {
  /** Kernel range whose bit values were used. */
  readonly era: Era;
  /** As the kernel prints it: `GFP_NOFS|__GFP_NOFAIL`; unknown bits last, in hex; `none` for an empty mask. */
  readonly text: string;
  /** The same, as a list. */
  readonly names: readonly string[];
  /** Bits without a name in this era (0 when all are known). */
  readonly unknownBits: number;
  /** __GFP_FS: reclaim may call into file systems. */
  readonly mayEnterFs: boolean;
  /** __GFP_IO: reclaim may start I/O. */
  readonly mayStartIo: boolean;
  /** __GFP_DIRECT_RECLAIM (__GFP_WAIT before 4.4): the caller may reclaim and sleep. */
  readonly mayDirectReclaim: boolean;
  /** __GFP_NOFAIL: the allocation never fails and may loop for ever. */
  readonly nofail: boolean;
  /** __GFP_ACCOUNT: charged to the task's memory cgroup. */
  readonly account: boolean;
  /** Where the bit values come from. */
  readonly source: string;
}

interface GfpEra {
  readonly era: Era;
  readonly bits: Readonly<Record<string, number>>;
  /** Composites in the order the kernel tries them. */
  readonly composites: readonly (readonly [string, readonly string[]])[];
  readonly source: string;
}

/** Order in which single flags are printed (include/trace/events/mmflags.h:__def_gfpflag_names; 4.6 and later). */
const PRINT_ORDER = [
  "HIGHMEM",
  "HIGH",
  "ATOMIC",
  "IO",
  "FS",
  "COLD",
  "NOWARN",
  "REPEAT",
  "RETRY_MAYFAIL",
  "NOFAIL",
  "NORETRY",
  "COMP",
  "ZERO",
  "NOMEMALLOC",
  "MEMALLOC",
  "HARDWALL",
  "THISNODE",
  "RECLAIMABLE",
  "MOVABLE",
  "ACCOUNT",
  "NOACCOUNT",
  "KMEMCG",
  "NOTRACK",
  "WRITE",
  "RECLAIM",
  "WAIT",
  "DIRECT_RECLAIM",
  "KSWAPD_RECLAIM",
  "NO_KSWAPD",
  "OTHER_NODE",
  "ZEROTAGS",
  "SKIP_ZERO",
  "SKIP_KASAN",
  "SKIP_KASAN_POISON",
  "SKIP_KASAN_UNPOISON",
  "NOLOCKDEP",
] as const;

const RECLAIM = ["DIRECT_RECLAIM", "KSWAPD_RECLAIM"];
const KERNEL = [...RECLAIM, "IO", "FS"];
const USER = [...KERNEL, "HARDWALL"];

/** `movable`: flags that GFP_HIGHUSER_MOVABLE carries besides the classic ones. */
function composites(movable: readonly string[], atomic: readonly string[]): GfpEra["composites"] {
  const highuserMovable = [...USER, "HIGHMEM", "MOVABLE", ...movable];
  const transhuge = [...highuserMovable.filter((f) => !RECLAIM.includes(f)), "COMP", "NOMEMALLOC", "NOWARN"];
  return [
    ["GFP_TRANSHUGE", [...transhuge, "DIRECT_RECLAIM"]],
    ["GFP_TRANSHUGE_LIGHT", transhuge],
    ["GFP_HIGHUSER_MOVABLE", highuserMovable],
    ["GFP_HIGHUSER", [...USER, "HIGHMEM"]],
    ["GFP_USER", USER],
    ["GFP_KERNEL_ACCOUNT", [...KERNEL, "ACCOUNT"]],
    ["GFP_KERNEL", KERNEL],
    ["GFP_NOFS", [...RECLAIM, "IO"]],
    ["GFP_ATOMIC", atomic],
    ["GFP_NOIO", RECLAIM],
    ["GFP_NOWAIT", ["KSWAPD_RECLAIM"]],
    ["GFP_DMA", ["DMA"]],
    ["GFP_DMA32", ["DMA32"]],
  ];
}

/** Before 4.6 the kernel printed hex only; names are those of the header. */
const WAIT_COMPOSITES: GfpEra["composites"] = [
  ["GFP_HIGHUSER_MOVABLE", ["WAIT", "IO", "FS", "HARDWALL", "HIGHMEM", "MOVABLE"]],
  ["GFP_HIGHUSER", ["WAIT", "IO", "FS", "HARDWALL", "HIGHMEM"]],
  ["GFP_USER", ["WAIT", "IO", "FS", "HARDWALL"]],
  ["GFP_KERNEL", ["WAIT", "IO", "FS"]],
  ["GFP_NOFS", ["WAIT", "IO"]],
  ["GFP_ATOMIC", ["HIGH"]],
  ["GFP_NOIO", ["WAIT"]],
  ["GFP_DMA", ["DMA"]],
  ["GFP_DMA32", ["DMA32"]],
];

const ZONES = { DMA: 0x1, HIGHMEM: 0x2, DMA32: 0x4, MOVABLE: 0x8 };
const COMMON = { ...ZONES, RECLAIMABLE: 0x10, HIGH: 0x20, IO: 0x40, FS: 0x80 };
const SCATTERED = {
  NOWARN: 0x200,
  NOFAIL: 0x800,
  NORETRY: 0x1000,
  MEMALLOC: 0x2000,
  COMP: 0x4000,
  ZERO: 0x8000,
  NOMEMALLOC: 0x10000,
  HARDWALL: 0x20000,
  THISNODE: 0x40000,
};
const V44 = {
  ...COMMON,
  ...SCATTERED,
  COLD: 0x100,
  REPEAT: 0x400,
  ATOMIC: 0x80000,
  NOTRACK: 0x200000,
  DIRECT_RECLAIM: 0x400000,
  OTHER_NODE: 0x800000,
  WRITE: 0x1000000,
  KSWAPD_RECLAIM: 0x2000000,
};
const PACKED = {
  ...COMMON,
  ZERO: 0x100,
  DIRECT_RECLAIM: 0x400,
  KSWAPD_RECLAIM: 0x800,
  WRITE: 0x1000,
  NOWARN: 0x2000,
  RETRY_MAYFAIL: 0x4000,
  NOFAIL: 0x8000,
  NORETRY: 0x10000,
  MEMALLOC: 0x20000,
  COMP: 0x40000,
  NOMEMALLOC: 0x80000,
  HARDWALL: 0x100000,
  THISNODE: 0x200000,
  ACCOUNT: 0x400000,
};
const OLD_ATOMIC = ["HIGH", "ATOMIC", "KSWAPD_RECLAIM"];
const NEW_ATOMIC = ["HIGH", "KSWAPD_RECLAIM"];

/** Newest first. */
const ERAS: readonly GfpEra[] = [
  {
    era: { since: "6.10" },
    // The bits above ZEROTAGS are an enum whose members depend on the configuration: they stay hex.
    bits: { ...PACKED, ZEROTAGS: 0x800000 },
    composites: composites([], NEW_ATOMIC),
    source: "include/linux/gfp_types.h (6.12): bits enumerated, the ones above ZEROTAGS depend on the configuration",
  },
  {
    era: { since: "6.3", before: "6.10" },
    bits: { ...PACKED, ZEROTAGS: 0x800000, SKIP_ZERO: 0x1000000, SKIP_KASAN: 0x2000000, NOLOCKDEP: 0x4000000 },
    composites: composites([], NEW_ATOMIC),
    source:
      "include/linux/gfp_types.h after ATOMIC went (6.3) and SKIP_KASAN_POISON and _UNPOISON were merged into one bit",
  },
  {
    era: { since: "5.18", before: "6.4" },
    bits: {
      ...PACKED,
      ATOMIC: 0x200,
      ZEROTAGS: 0x800000,
      SKIP_ZERO: 0x1000000,
      SKIP_KASAN_UNPOISON: 0x2000000,
      SKIP_KASAN_POISON: 0x4000000,
      NOLOCKDEP: 0x8000000,
    },
    composites: composites([], OLD_ATOMIC),
    source: "include/linux/gfp_types.h (6.1); the SKIP bits exist with CONFIG_KASAN_HW_TAGS only",
  },
  {
    era: { since: "5.14", before: "5.18" },
    bits: { ...PACKED, ATOMIC: 0x200, ZEROTAGS: 0x800000, SKIP_KASAN_POISON: 0x1000000, NOLOCKDEP: 0x2000000 },
    composites: composites(["SKIP_KASAN_POISON"], OLD_ATOMIC),
    source: "include/linux/gfp.h (5.15): SKIP_KASAN_POISON is part of GFP_HIGHUSER_MOVABLE in every configuration",
  },
  {
    era: { since: "5.0", before: "5.14" },
    bits: { ...PACKED, ATOMIC: 0x200, NOLOCKDEP: 0x800000 },
    composites: composites([], OLD_ATOMIC),
    source: "include/linux/gfp.h (5.4, 5.10): bits packed in use order",
  },
  {
    era: { since: "4.18", before: "5.1" },
    bits: {
      ...COMMON,
      ...SCATTERED,
      WRITE: 0x100,
      RETRY_MAYFAIL: 0x400,
      ATOMIC: 0x80000,
      ACCOUNT: 0x100000,
      DIRECT_RECLAIM: 0x200000,
      KSWAPD_RECLAIM: 0x400000,
      NOLOCKDEP: 0x800000,
    },
    composites: composites([], OLD_ATOMIC),
    source: "include/linux/gfp.h (4.19): the holes left by COLD and OTHER_NODE filled",
  },
  {
    era: { since: "4.11", before: "4.18" },
    bits: {
      ...COMMON,
      ...SCATTERED,
      COLD: 0x100,
      RETRY_MAYFAIL: 0x400,
      ATOMIC: 0x80000,
      ACCOUNT: 0x100000,
      NOTRACK: 0x200000,
      DIRECT_RECLAIM: 0x400000,
      WRITE: 0x800000,
      KSWAPD_RECLAIM: 0x1000000,
      NOLOCKDEP: 0x2000000,
    },
    composites: composites([], OLD_ATOMIC),
    source: "include/linux/gfp.h (4.14): OTHER_NODE gone; RETRY_MAYFAIL is called REPEAT before 4.13",
  },
  {
    era: { since: "4.5", before: "4.12" },
    bits: { ...V44, ACCOUNT: 0x100000 },
    composites: composites([], OLD_ATOMIC),
    source: "include/linux/gfp.h (4.9)",
  },
  {
    era: { since: "4.4", before: "4.5" },
    bits: { ...V44, NOACCOUNT: 0x100000 },
    composites: composites([], OLD_ATOMIC).filter(([name]) => name !== "GFP_KERNEL_ACCOUNT"),
    source: "include/linux/gfp.h (4.4): NOACCOUNT where 4.5 has ACCOUNT",
  },
  {
    era: { before: "4.4" },
    bits: {
      ...ZONES,
      ...SCATTERED,
      WAIT: 0x10,
      HIGH: 0x20,
      IO: 0x40,
      FS: 0x80,
      COLD: 0x100,
      REPEAT: 0x400,
      RECLAIMABLE: 0x80000,
      KMEMCG: 0x100000,
      NOTRACK: 0x200000,
      NO_KSWAPD: 0x400000,
      OTHER_NODE: 0x800000,
      WRITE: 0x1000000,
    },
    composites: WAIT_COMPOSITES,
    source: "include/linux/gfp.h (3.10): WAIT is what later became DIRECT_RECLAIM",
  },
];

/**
 * Every reading of the mask that the release allows; all eras when it is unknown. Likeliest first: no unknown bits, then
 * those that may reclaim directly (masks in reports about reclaim do), no bits of debugging configurations, the newer era.
 */
export function decodeGfp(mask: number, release?: Release): readonly GfpDecoding[] {
  if (!Number.isInteger(mask) || mask < 0 || mask > 0xffffffff) return [];
  const readings = ERAS.filter((e) => inEra(release, e.era) !== false).map((e) => decode(mask, e));
  // Eras that read the mask alike say nothing apart: keep the newest and widen nothing, the first name is enough.
  const distinct = readings.filter((r, i) => readings.findIndex((o) => o.text === r.text) === i);
  return distinct.sort((a, b) => rank(a) - rank(b));
}

/** Bits of debugging configurations (lockdep, KASAN with hardware tags) make a reading less likely than one without. */
const DEBUG_ONLY = /__GFP_(NOLOCKDEP|SKIP_ZERO|SKIP_KASAN|SKIP_KASAN_UNPOISON)$/;

function rank(d: GfpDecoding): number {
  return (
    (d.unknownBits === 0 ? 0 : 4) + (d.mayDirectReclaim ? 0 : 2) + (d.names.some((n) => DEBUG_ONLY.test(n)) ? 1 : 0)
  );
}

function decode(mask: number, e: GfpEra): GfpDecoding {
  const bit = (name: string): number => e.bits[name] ?? 0;
  const has = (name: string): boolean => (mask & bit(name)) !== 0;
  const names: string[] = [];
  let rest = mask >>> 0;
  const take = (value: number, name: string): void => {
    if (value === 0 || (rest & value) >>> 0 !== value) return;
    names.push(name);
    rest = (rest & ~value) >>> 0;
  };
  for (const [name, flags] of e.composites)
    take(
      flags.reduce((sum, f) => (sum | bit(f)) >>> 0, 0),
      name,
    );
  for (const name of PRINT_ORDER) {
    if (name === "RECLAIM") take((bit("DIRECT_RECLAIM") | bit("KSWAPD_RECLAIM")) >>> 0, "__GFP_RECLAIM");
    else take(bit(name), `__GFP_${name}`);
  }
  if (rest !== 0) names.push(`0x${rest.toString(16)}`);
  return {
    era: e.era,
    text: names.length === 0 ? "none" : names.join("|"),
    names,
    unknownBits: rest,
    mayEnterFs: has("FS"),
    mayStartIo: has("IO"),
    mayDirectReclaim: has("DIRECT_RECLAIM") || has("WAIT"),
    nofail: has("NOFAIL"),
    account: has("ACCOUNT"),
    source: e.source,
  };
}
