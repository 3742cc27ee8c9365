/** A user's choices of parameters, held against what an incident has. */
import type { Parameters, Story } from "./incident.ts";
import type { ChoiceError } from "./prepared.ts";

/** The value of every parameter, or why one cannot be taken. @internal */
export function parametersOf(
  incident: Story,
  given: Readonly<Record<string, number>>,
): { readonly values: Parameters } | { readonly error: ChoiceError } {
  const values: Record<string, number> = {};
  for (const [name, p] of Object.entries(incident.parameters)) values[name] = p.default;
  for (const [name, value] of Object.entries(given)) {
    const p = Object.hasOwn(incident.parameters, name) ? incident.parameters[name] : undefined;
    if (p === undefined) {
      const message = `${incident.id} has no parameter "${name}"`;
      return { error: { message, given: name, known: Object.keys(incident.parameters) } };
    }
    if (!Number.isInteger(value) || value < p.min || value > p.max) {
      return { error: { message: `parameter ${name} must be a whole number from ${p.min} to ${p.max}, not ${value}` } };
    }
    values[name] = value;
  }
  return { values };
}
