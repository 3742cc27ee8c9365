/**
 * Which single provider decides (@internal). Two relations between contexts of a net that is blocked as a whole:
 * - p *pins* c: as long as p is blocked, c is, whoever else runs: the one way out. A cycle of pins is self-sustaining.
 * - p *frees* c: if p runs, c does, whoever else is blocked: one of several ways out.
 */
import { EVENT, GATE, type Net, type Rows } from "./net.ts";

/** The provider of an event that has only one; {@link NOBODY} or {@link SEVERAL} otherwise. */
const NOBODY = -1;
const SEVERAL = -2;

function soleProviders({ kind, inputs, inputStart }: Net): Int32Array {
  const sole = new Int32Array(kind.length).fill(NOBODY);
  for (let e = 0; e < kind.length; e++) {
    if (kind[e] !== EVENT) continue;
    for (let i = inputStart[e]!; i < inputStart[e + 1]!; i++) {
      if (sole[e] === NOBODY) sole[e] = inputs[i]!;
      else if (sole[e] !== inputs[i]) sole[e] = SEVERAL;
    }
  }
  return sole;
}

/** Pins of every context, and whether there is nothing but pins (each wait has one way out). */
export interface Pins extends Rows {
  readonly pure: boolean;
}

/** Finds the pins. A condition in which the same provider blocks every branch of an OR is not recognised as pinned by it. */
export function findPins(net: Net): Pins {
  const { contexts, inputs, inputStart, kind, need } = net;
  const sole = soleProviders(net);
  const start = new Int32Array(contexts + 1);
  const targets: number[] = [];
  let pure = true;
  for (let c = 0; c < contexts; c++) {
    const open = [c];
    for (let v = open.pop(); v !== undefined; v = open.pop()) {
      if (kind[v] === EVENT) {
        if (sole[v]! >= 0) targets.push(sole[v]!);
        else pure = false;
      } else if (need[v] === inputStart[v + 1]! - inputStart[v]!) {
        for (let i = inputStart[v + 1]! - 1; i >= inputStart[v]!; i--) open.push(inputs[i]!);
      } else {
        pure = false;
      }
    }
    start[c + 1] = targets.length;
  }
  return { start, targets: new Int32Array(targets), pure };
}

/** Contexts that stay blocked even when every other context runs, ascending. Linear. */
export function selfBlocked(net: Net): number[] {
  const { contexts, inputs, inputStart, kind, need } = net;
  const sole = soleProviders(net);
  const owner = new Int32Array(kind.length);
  for (let v = 0; v < kind.length; v++) {
    if (kind[v] === EVENT) continue;
    if (v < contexts) owner[v] = v;
    for (let i = inputStart[v]!; i < inputStart[v + 1]!; i++)
      if (kind[inputs[i]!] === GATE) owner[inputs[i]!] = owner[v]!;
  }
  const met = new Uint8Array(kind.length);
  for (let v = kind.length - 1; v >= 0; v--) {
    if (kind[v] === EVENT) continue;
    let missing = need[v]!;
    for (let i = inputStart[v]!; i < inputStart[v + 1]!; i++) {
      const u = inputs[i]!;
      if (kind[u] === EVENT ? sole[u] !== NOBODY && sole[u] !== owner[v] : met[u] === 1) missing--;
    }
    if (missing <= 0) met[v] = 1;
  }
  const found: number[] = [];
  for (let c = 0; c < contexts; c++) if (met[c] === 0) found.push(c);
  return found;
}

/** Calls back for providers that free context `c` in the state `need`; may leave some out and may repeat. */
export function eachFreeing(net: Net, need: Int32Array, c: number, found: (provider: number) => void): void {
  const open = [c];
  for (let v = open.pop(); v !== undefined; v = open.pop()) {
    if (need[v] !== 1) continue; // fired, or one input is not enough
    for (let i = net.inputStart[v]!; i < net.inputStart[v + 1]!; i++) {
      const u = net.inputs[i]!;
      if (u >= net.contexts) open.push(u);
      else if (need[u]! > 0) found(u);
    }
  }
}
