#!/usr/bin/env node
// `npm start [-- ARGS]`: set-up, then the command line in this process, so that exit codes and signals are its own.
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { root, setUpOrExit } from "./setup.mjs";

await setUpOrExit();
// npm runs scripts in the clone's folder; FILE arguments mean the folder the user typed them in.
if (["start", "lab"].includes(process.env.npm_lifecycle_event ?? "") && process.env.INIT_CWD)
  process.chdir(process.env.INIT_CWD);
const main = join(root, "dist/cli/main.js");
const args = process.argv.slice(2);
process.argv = [process.execPath, main, ...(args.length > 0 ? args : ["tour"])];
await import(pathToFileURL(main).href);
