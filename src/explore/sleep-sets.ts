/**
 * Sleep sets of a depth-first search over states (@internal): who need not step in a state, as the step was taken before it and
 * commutes with all that came since (Godefroid, "Partial-Order Methods for the Verification of Concurrent Systems", 1996).
 *
 * Only a step that led into a complete component is put to sleep, so nothing has to be kept with the states. Say t led from p
 * to q, whose component is complete, and w, which commutes with t, leads from p to a new state s. From s, t leads to where w
 * leads from q. All that q's steps lead to was visited, and is complete: steps taken there by the search, sleeping ones by this
 * same argument. So a sleeping step leads from s out of its component, to a state that is known; a step asleep in p that
 * commutes with w likewise. States are all visited, and a component that no step leaves is found as without.
 */
import { IntList } from "./int-list.ts";
import type { StateSpace } from "./state-space.ts";

export class SleepSets {
  readonly #space: StateSpace;
  /** Steps by context and leaf: for each state on the path those asleep in it, then those it has done with. */
  readonly #steps = new IntList(256);
  /** By state on the path: where its steps begin. */
  readonly #from = new IntList(256);

  constructor(space: StateSpace) {
    this.#space = space;
  }

  /** All that is kept. */
  get lists(): readonly IntList[] {
    return [this.#steps, this.#from];
  }

  clear(): void {
    this.#steps.length = 0;
    this.#from.length = 0;
  }

  /** The last step led to a new state, which goes on the path: who sleeps in it, as bits. */
  enter(): number {
    const space = this.#space;
    const steps = this.#steps;
    const end = steps.length;
    let asleep = 0;
    if (this.#from.length > 0) {
      for (let at = this.#from.top(); at < end; at += 2) {
        if (!space.commutes(steps.at(at + 1))) continue;
        asleep |= 1 << steps.at(at);
        steps.push(steps.at(at));
        steps.push(steps.at(at + 1));
      }
    }
    this.#from.push(end);
    return asleep;
  }

  /** The state on top of the path is left. */
  leave(): void {
    this.#steps.length = this.#from.pop();
  }

  /** The step with this leaf, the only one of `context`, led from the top of the path into a complete component. */
  done(context: number, leaf: number): void {
    if (leaf < 0 || this.#space.ways[context] !== 1) return;
    this.#steps.push(context);
    this.#steps.push(leaf);
  }
}
