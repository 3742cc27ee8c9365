/**
 * Tasks whose stacks are data: resumable functions, the entities they work on, and the machine that runs them.
 *
 * @packageDocumentation
 */
export { bool, create, Entity, type FieldKind, fields, ghost, type Init, int, list, ref, value } from "./entity.ts";
export { ModelError, SymmetryError, TransformError } from "./errors.ts";
export type { Explorable, Symmetry, SymmetryElement } from "./explorable.ts";
export { World } from "./heap.ts";
export { List } from "./list.ts";
export { type Frame, Machine, type MachineHooks } from "./machine.ts";
export { type OpSpec, op, type Resumable, type Step } from "./ops.ts";
export type { SymmetryMember } from "./symmetry.ts";
