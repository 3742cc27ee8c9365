/** `unwedge tour`: two pieces of real evidence, diagnosed and explained; what `npm start` shows. */
import { existsSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { diagnose } from "../../diagnose/index.ts";
import { fileInput } from "../../evidence/index.ts";
import { toText } from "../../report/index.ts";
import { exitCodes } from "../exit-codes.ts";
import { CliError, message } from "../messages.ts";
import { colored } from "../style.ts";
import { show, type Terminal, wantsColor } from "../terminal.ts";
import { packageRoot } from "../version.ts";

interface Stop {
  readonly file: string;
  readonly before: string;
  readonly after: string;
}

const stops: readonly Stop[] = [
  {
    file: "samples/tour/memcg-writeback-abba.txt",
    before: `1. A mail from 2018: two bare stacks inside a patch description. No task names,
no pids, no addresses of the pages; this is what a first report often looks like.
What follows is unwedge's whole answer.`,
    after: `Read the first line first: the verdict and how sure it is. It is "likely", not
"proven", because no page address in the mail says that both tasks mean the same
page; the stacks fit the known bug and nothing contradicts it.`,
  },
  {
    file: "samples/tour/ext4-writeback-hang.log.gz",
    before: `2. The same bug caught on a running 6.1 kernel with the fix taken out: its serial
console, gzipped, with boot messages, hung-task reports and SysRq dumps mixed.`,
    after: `A log like this holds a stack for every task. The tasks of the core are the
cause; everyone under "stuck behind" is a victim and would run on by itself.`,
  },
];

/** Runs the tour; it always ends in exit code 0, whatever the samples show. */
export async function runTour(
  t: Terminal,
  flags: { readonly color: "auto" | "always" | "never"; readonly pager: boolean },
): Promise<number> {
  const style = wantsColor(t, flags.color) ? colored : (_: unknown, text: string) => text;
  const parts = [
    "unwedge reads the kernel log of a hung Linux machine and says who waits for whom.\nThis tour diagnoses two real pieces of evidence.\n",
  ];
  for (const stop of stops) {
    const path = fileURLToPath(new URL(stop.file, packageRoot));
    if (!existsSync(path)) throw new CliError(exitCodes.usage, "samples-missing", message("samples-missing", path));
    const shown = shortest(path);
    const d = await diagnose({ ...fileInput(path), name: shown });
    if (t.interrupted.aborted) return exitCodes.interrupted;
    const rule = "-".repeat(78);
    parts.push(
      `${style("heading", stop.before)}\n`,
      `$ unwedge diagnose ${shown}`,
      rule,
      toText(d, { ...(style === colored && { style: colored }) }).trimEnd(),
      rule,
      "",
      `${stop.after}\n`,
    );
  }
  parts.push(next(shortest(fileURLToPath(new URL(stops[1]!.file, packageRoot)))));
  await show(t, parts.join("\n"), flags.pager);
  return exitCodes.ok;
}

/** The path as one would type it here. */
function shortest(path: string): string {
  const near = relative(process.cwd(), path);
  return near.length < path.length && !near.startsWith("../..") ? near : path;
}

function next(sample: string): string {
  return `Try next ("unwedge" is "npm start --" in a clone):
  unwedge diagnose ${sample} --html report.html
                                     the wait-for graph as a picture, in one file
  unwedge diagnose ${sample} --json
                                     the same answer for programs
  unwedge diagnose /var/log/kern.log your own log; also: dmesg | unwedge
  unwedge knowledge finish_fault     what the table says of a function, and why
  unwedge bugs                       the known bugs it compares with
  unwedge formats                    what it can read
`;
}
