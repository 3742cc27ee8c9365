/**
 * What steps cost on a CPU, in nanoseconds.
 *
 * Orders of magnitude of a server of the 2010s, not measured; printed with every result, never fitted to one. So far all steps but
 * interrupts cost the same: how many pages a step has looked at is not counted.
 */

export interface Cost {
  /** Operations whose names begin so; the last that fits counts. */
  readonly prefix: string;
  readonly nanoseconds: number;
  readonly what: string;
}

/** Any other step: some cache misses. */
export const STEP = 100;

export const COSTS: readonly Cost[] = [
  { prefix: "", nanoseconds: STEP, what: "any step" },
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
