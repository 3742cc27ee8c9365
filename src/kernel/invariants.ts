/**
 * Laws that hold in every state of the model, as far as it has the quantities of spec 15.1. Checked in tests and by
 * `--check-invariants`: a broken one is a report with a witness.
 *
 * Not here, because no state can show it: that a group is over its limit only by forced charges, that nobody overtakes a
 * queued writer. Not modelled: journal credits, charges of swap.
 */
import { chargesAreConserved, kernelMemoryIsCounted, swapCounterIsNotBelow } from "./invariants-charges.ts";
import { irqSafeLocksKeepIrqsOff, lockHoldersLive, readersOrWriter, waitersSayForWhat } from "./invariants-locks.ts";
import {
  cacheInOrder,
  freePagesAreClean,
  isolatedPagesAreCounted,
  lruMembership,
  mappingsAreCounted,
  offListsInHands,
  pageLockHolderLives,
  writebackHasBio,
} from "./invariants-pages.ts";
import { reservesAreKept, swapSlotsAreWhole } from "./invariants-pools.ts";
import type { Kernel } from "./sched/kernel.ts";

/** What is wrong in one line; undefined: the law holds. @internal */
export type Law = (kernel: Kernel) => string | undefined;

/** All laws by name. @internal */
export const laws = {
  lruMembership,
  offListsInHands,
  isolatedPagesAreCounted,
  mappingsAreCounted,
  writebackHasBio,
  pageLockHolderLives,
  freePagesAreClean,
  cacheInOrder,
  chargesAreConserved,
  swapCounterIsNotBelow,
  kernelMemoryIsCounted,
  irqSafeLocksKeepIrqsOff,
  readersOrWriter,
  lockHoldersLive,
  waitersSayForWhat,
} as const satisfies Readonly<Record<string, Law>>;

const ALL: readonly Law[] = [...Object.values(laws), reservesAreKept, swapSlotsAreWhole];

/** The first law that does not hold in the present state, in one line. */
export function brokenLaw(kernel: Kernel): string | undefined {
  for (const law of ALL) {
    const said = law(kernel);
    if (said !== undefined) return said;
  }
  return undefined;
}
