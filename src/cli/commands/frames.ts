/** `unwedge frames FILE...`: the frames that no row of the table knows, so that it can grow from evidence. */
import { diagnoseEvidence } from "../../diagnose/index.ts";
import { collectEvidence } from "../../evidence/index.ts";
import { exitCodes } from "../exit-codes.ts";
import { openInputs } from "../inputs.ts";
import { printable } from "../messages.ts";
import { show, type Terminal } from "../terminal.ts";
import { documentHead } from "../version.ts";
import { somethingIn, talkAbout } from "./diagnose.ts";

interface UnknownFrame {
  readonly symbol: string;
  readonly module: string | null;
  /** Contexts that show it. */
  count: number;
  /** Inputs that show it. */
  files: number;
}

/** Runs the command; each FILE is a log of its own here, not a part of one incident. */
export async function runFrames(
  t: Terminal,
  files: readonly string[],
  flags: { readonly json?: boolean; readonly pager: boolean },
): Promise<number> {
  const known = new Map<string, UnknownFrame>();
  let contexts = 0;
  let something = false;
  for (const input of openInputs(t, files)) {
    const evidence = await collectEvidence([input]);
    if (t.interrupted.aborted) return exitCodes.interrupted;
    talkAbout(t, evidence);
    something ||= somethingIn(evidence);
    const d = diagnoseEvidence(evidence);
    contexts += d.contexts;
    for (const f of d.unknownFrames) {
      const key = `${f.symbol} ${f.module ?? ""}`;
      const entry = known.get(key) ?? { symbol: f.symbol, module: f.module ?? null, count: 0, files: 0 };
      entry.count += f.count;
      entry.files += 1;
      known.set(key, entry);
    }
  }
  const frames = [...known.values()].sort((a, b) => b.count - a.count || (a.symbol < b.symbol ? -1 : 1));
  if (flags.json) {
    await t.out(
      `${JSON.stringify({ ...documentHead("unwedge.frames/1"), inputs: files.length, contexts, frames }, undefined, 2)}\n`,
    );
  } else if (something) await show(t, table(frames, files.length, contexts), flags.pager);
  return something ? exitCodes.ok : exitCodes.inconclusive;
}

function table(frames: readonly UnknownFrame[], inputs: number, contexts: number): string {
  const of = `${inputs} ${inputs === 1 ? "log" : "logs"}, ${contexts} blocked ${contexts === 1 ? "context" : "contexts"}`;
  if (frames.length === 0) return `Every frame is known (${of}).\n`;
  const rows = frames.map((f) => {
    const name = f.module === null ? f.symbol : `${f.symbol} [${f.module}]`;
    return `${String(f.count).padStart(8)} ${String(f.files).padStart(6)}  ${printable(name)}`;
  });
  return [`Frames we know nothing about: ${frames.length} (${of})`, "contexts   logs  function", ...rows, ""].join(
    "\n",
  );
}
