/** Source text of resumable functions, compiled and evaluated in the test itself. */
import * as runtime from "../src/resumable/functions.ts";
import { transformModule } from "../src/resumable/transform/transform.ts";

/** Evaluates text as the body of a function with these names; returns what `names` are bound to afterwards. */
export function evaluate(text: string, given: object, names: readonly string[]): Record<string, unknown> {
  const make = new Function(...Object.keys(given), `"use strict";\n${text}\nreturn { ${names.join()} };`);
  return make(...Object.values(given)) as Record<string, unknown>;
}

/** The text with its generator functions made resumable, as {@link evaluate} takes it: `runtime` must be given. */
export function compileText(text: string, typescript = false): string {
  const { code } = transformModule(text, { file: "text.ts", runtime: "runtime", typescript });
  const opening = /\nimport \{ (.*) \} from "runtime";$/.exec(code);
  if (opening === null) return code;
  return `const { ${(opening[1] as string).replaceAll(" as ", ": ")} } = runtime;${code.slice(0, opening.index)}`;
}

/** Compiles and evaluates. */
export function evaluateCompiled(
  text: string,
  given: object,
  names: readonly string[],
  typescript = false,
): Record<string, unknown> {
  return evaluate(compileText(text, typescript), { ...given, runtime }, names);
}
