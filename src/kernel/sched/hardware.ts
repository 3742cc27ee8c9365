/**
 * What hardware does by itself. A search lets a device finish any request it has at any time; how long each takes is for
 * whoever runs the kernel against a clock, who asks {@link requestsOf} which ones there are.
 */
import { type Entity, type OpSpec, op, type Step } from "../../resumable/index.ts";

type RequestsOf = (object: unknown, argument: unknown) => readonly Entity[];
const hardware = new Map<string, RequestsOf>();

/** Declares the operation of a handler that takes what a device has finished; way n takes the n-th of `requests`. */
export function hardwareOp<A = undefined, B = undefined>(
  name: string,
  spec: Omit<OpSpec<A, B>, "ways"> & { requests(object: A, argument: B): readonly Entity[] },
): (object: A, argument?: B) => Step {
  if (hardware.has(name)) throw new Error(`two hardware operations are called ${name}`);
  hardware.set(name, spec.requests as RequestsOf);
  return op<A, B>(name, { ...spec, ways: (object, argument) => spec.requests(object, argument).length });
}

/** What the announced operation of a handler can take, in the order of its ways; undefined for any other operation. */
export function requestsOf(name: string, object: unknown, argument: unknown): readonly Entity[] | undefined {
  return hardware.get(name)?.(object, argument);
}
