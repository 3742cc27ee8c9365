/** `unwedge formats`: what can be read, each with a literal sample line. */
import { FORMATS } from "../../evidence/index.ts";
import { exitCodes } from "../exit-codes.ts";
import { show, type Terminal } from "../terminal.ts";
import { documentHead } from "../version.ts";

/** Runs the command. */
export async function runFormats(
  t: Terminal,
  flags: { readonly json?: boolean; readonly pager: boolean },
): Promise<number> {
  const list = FORMATS.map(({ name, describes, sample }) => ({ name, describes, sample }));
  if (flags.json) {
    await t.out(`${JSON.stringify({ ...documentHead("unwedge.formats/1"), formats: list }, undefined, 2)}\n`);
    return exitCodes.ok;
  }
  const blocks = list.map(
    (f) =>
      `${f.name}\n  ${f.describes}\n${f.sample
        .split("\n")
        .map((l) => `    ${l}\n`)
        .join("")}`,
  );
  const tail =
    "Any of these may be mixed in one file, carry printk, journal, syslog, netconsole or mail\n" +
    "prefixes, and be compressed with gzip, xz or zstd.\n";
  await show(t, `${blocks.join("\n")}\n${tail}`, flags.pager);
  return exitCodes.ok;
}
