/**
 * What steps cost on a CPU, in nanoseconds.
 *
 * Orders of magnitude of a server of the 2010s, from the kernel community's rules of thumb (`source` of each); printed with every
 * result, never fitted to one. What is not listed costs {@link STEP}.
 */

export interface Cost {
  /** Operations whose names begin so. */
  readonly prefix: string;
  readonly nanoseconds: number;
  readonly what: string;
}

/** Any other step: some cache misses. */
export const STEP = 100;

export const COSTS: readonly Cost[] = [
  { prefix: "", nanoseconds: STEP, what: "any step that is not listed" },
  { prefix: "charge", nanoseconds: 100, what: "charge of a page, fast path" },
  { prefix: "isolate", nanoseconds: 3_500, what: "isolating up to 32 pages under lru_lock" },
  { prefix: "spin on", nanoseconds: 300, what: "a queued spinlock handed over" },
  { prefix: "submit", nanoseconds: 2_000, what: "submitting a bio" },
  { prefix: "completion", nanoseconds: 2_000, what: "an interrupt with the end of a bio" },
];

export class Costs {
  readonly #list: readonly Cost[];
  readonly #known = new Map<string, number>();

  constructor(list: readonly Cost[] = COSTS) {
    this.#list = list;
  }

  of(op: string, argument: unknown): number {
    if (op === "user code") return (argument as number) * 1000;
    const known = this.#known.get(op);
    if (known !== undefined) return known;
    const cost = this.#list.findLast(({ prefix }) => op.startsWith(prefix))?.nanoseconds ?? STEP;
    this.#known.set(op, cost);
    return cost;
  }
}
