/** The first state of an abstract program. */
import type { Machine, World } from "../../resumable/index.ts";

/** Closes the world and lets every context go up to its first operation, which nobody can see: no search need order that. */
export function atFirstSteps(world: World, machine: Machine): Machine {
  world.seal();
  for (let context = 0; context < machine.contexts; context++) machine.step(context, 0);
  return machine;
}
