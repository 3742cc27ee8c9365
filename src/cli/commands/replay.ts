/** `unwedge replay WITNESS`: runs a schedule that was found and shows where it ends. */
import { readFileSync } from "node:fs";
import { parseWitness, type Witness } from "../../explore/incident-witness.ts";
import { shellWord } from "../../report/escape.ts";
import { explorationText } from "../../report/exploration.ts";
import { explorationDocument } from "../../report/exploration-json.ts";
import { exitCodeOfExploration, exitCodes } from "../exit-codes.ts";
import type { Library } from "../explore/job.ts";
import { runJob } from "../explore/run-job.ts";
import { usageError } from "../messages.ts";
import { show, type Terminal, wantsColor } from "../terminal.ts";
import { packageVersion } from "../version.ts";
import { refusal } from "./explore.ts";

/** Options as the command line gives them. */
export interface ReplayFlags {
  readonly json?: boolean;
  readonly color: "auto" | "always" | "never";
  readonly pager: boolean;
  readonly all?: boolean;
  readonly exitZero?: boolean;
}

/** Runs the command; resolves with the exit code. */
export async function runReplay(t: Terminal, file: string, flags: ReplayFlags, library?: Library): Promise<number> {
  const witness = await readWitness(file, file === "-" ? await textOf(t.stdin) : undefined);
  const result = await runJob(t, { kind: "replay", witness }, library);
  if (result.kind === "refused") {
    if (result.error.id === "witness-mismatch")
      throw usageError("witness-mismatch", `${file}: ${result.error.message}`);
    throw refusal(result.error);
  }
  if (result.kind !== "explored") throw new Error("a replay was asked for");
  const { exploration } = result;
  if (flags.json) {
    const document = explorationDocument(exploration, { version: packageVersion(), replayed: true });
    await t.out(`${JSON.stringify(document, undefined, 2)}\n`);
  } else {
    const style = wantsColor(t, flags.color) ? (await import("../style.ts")).colored : undefined;
    const text = explorationText(exploration, {
      replayed: true,
      command: `unwedge replay ${shellWord(file)}`,
      ...(style && { style }),
      ...(flags.all && { all: true }),
    });
    await show(t, text, flags.pager);
  }
  if (t.interrupted.aborted) return exitCodes.interrupted;
  return flags.exitZero ? exitCodes.ok : exitCodeOfExploration(exploration);
}

async function readWitness(file: string, given: string | undefined): Promise<Witness> {
  let value: unknown;
  try {
    value = JSON.parse(given ?? readFileSync(file, "utf8"));
  } catch (e) {
    if (e instanceof SyntaxError) throw usageError("witness-unreadable", file, `no JSON (${e.message})`);
    throw (await import("../inputs.ts")).readError(file, e) ?? e;
  }
  const parsed = parseWitness(value);
  if (!parsed.ok) throw usageError("witness-unreadable", file, parsed.message);
  return parsed.witness;
}

async function textOf(stream: AsyncIterable<Buffer | string>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString("utf8");
}
