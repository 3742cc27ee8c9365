/** What remains of the members' doubts when all states are visited (@internal). */
import { Gifts } from "./gifts.ts";
import { GoodStates } from "./good-states.ts";
import type { Doubt, MemberReport } from "./member.ts";
import type { TeamMemory } from "./team-memory.ts";

/** The components that lead only to each other: something in them goes on for ever. */
export function remainingDoubts(memory: TeamMemory, reports: readonly MemberReport[]): readonly Doubt[] {
  const good = new GoodStates(memory);
  const gifts = new Gifts(memory, 0);
  const comesToAnEnd = (target: number): boolean => {
    const state = target >= 0 ? target : gifts.resultOf(-target - 1);
    return state !== undefined && (state < 0 || good.has(state));
  };
  let open = reports.flatMap((report) => report.doubts);
  for (let before = Infinity; open.length < before; ) {
    before = open.length;
    open = open.filter(({ states, targets }) => {
      if (!targets.some(comesToAnEnd)) return true;
      for (const state of states) good.add(state);
      return false;
    });
  }
  return open;
}
