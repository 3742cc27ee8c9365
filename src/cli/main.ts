#!/usr/bin/env node
/** The process around the command line: signals, closed pipes, exit code. */
import { exitCodes } from "./exit-codes.ts";
import { startSearcher } from "./explore/searcher.ts";

const [command, subject] = process.argv.slice(2);
// a search begins in its own thread, which loads what it needs while this one reads the options
if (command === "explore") startSearcher(subject);
const [{ runCommandLine }, { processTerminal }] = await Promise.all([import("./program.ts"), import("./terminal.ts")]);
const interrupt = new AbortController();
// once: what was read so far is diagnosed; the next interrupt finds the default action and ends the process
process.once("SIGINT", () => interrupt.abort());
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (e: NodeJS.ErrnoException) => {
    // `| head` has what it wants; the verdict's code stands
    if (e.code !== "EPIPE") throw e;
    process.exit(process.exitCode ?? exitCodes.ok);
  });
}
process.exitCode = await runCommandLine(process.argv.slice(2), processTerminal(interrupt.signal));
// an abandoned read (an idle pipe after an interrupt) would keep the process alive
process.stdin.destroy();
