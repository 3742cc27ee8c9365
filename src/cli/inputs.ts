/** FILE arguments made into evidence inputs, with every expected failure found before anything is read. */
import { accessSync, constants, statSync } from "node:fs";
import { type EvidenceInput, EvidenceInputError, fileInput } from "../evidence/index.ts";
import { errorCode } from "./error-code.ts";
import { CliError, message, printable, usageError } from "./messages.ts";
import type { Terminal } from "./terminal.ts";

/** Inputs of FILE arguments; `-` is standard input. Throws a {@link CliError} for what cannot be read. */
export function openInputs(t: Terminal, files: readonly string[]): EvidenceInput[] {
  if (files.length === 0) throw usageError("input-none");
  if (files.filter((f) => f === "-").length > 1) throw usageError("input-stdin-twice");
  for (const f of files) if (f !== "-") checkReadable(f);
  if (files.includes("-") && t.stdinTty) t.err(message("reading-terminal"));
  return files.map((f) => stoppable(f === "-" ? { name: "stdin", chunks: t.stdin } : fileInput(f), t.interrupted));
}

function checkReadable(file: string): void {
  try {
    if (statSync(file).isDirectory()) throw usageError("input-directory", file);
    accessSync(file, constants.R_OK);
  } catch (e) {
    throw readError(file, e) ?? e;
  }
}

/** The clear line for a failed read, or undefined when the error is no matter of input. */
export function readError(file: string, e: unknown): CliError | undefined {
  if (e instanceof CliError) return e;
  if (e instanceof EvidenceInputError) return usageError("input-damaged", e.input, e.message.slice(e.input.length + 2));
  const code = errorCode(e);
  if (code === "ENOENT" || code === "ENOTDIR" || code === "ENAMETOOLONG") return usageError("input-missing", file);
  if (code === "EISDIR") return usageError("input-directory", file);
  if (code === undefined) return undefined;
  return usageError(
    "input-unreadable",
    file,
    code === "EACCES" || code === "EPERM" ? "permission denied" : printable(String((e as Error).message)),
  );
}

/** The same input, ending early when the user interrupts. */
function stoppable(input: EvidenceInput, stop: AbortSignal): EvidenceInput {
  return { name: input.name, chunks: { [Symbol.asyncIterator]: () => untilStopped(input, stop) } };
}

async function* untilStopped(input: EvidenceInput, stop: AbortSignal): AsyncGenerator<Uint8Array> {
  const source = input.chunks as AsyncIterable<Uint8Array>;
  const it = source[Symbol.asyncIterator]();
  const stopped = new Promise<undefined>((done) => {
    if (stop.aborted) done(undefined);
    else stop.addEventListener("abort", () => done(undefined), { once: true });
  });
  try {
    for (;;) {
      const next = await Promise.race([it.next(), stopped]);
      if (next === undefined || next.done === true) return;
      yield next.value;
    }
  } catch (e) {
    throw readError(input.name, e) ?? e;
  } finally {
    // not awaited: a read that hangs (an idle pipe) must not hold up the answer
    void it.return?.()?.catch?.(() => undefined);
  }
}
