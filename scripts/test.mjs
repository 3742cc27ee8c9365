#!/usr/bin/env node
// `npm test [-- ARGS]`: set-up, then every test (or those that ARGS name).
import { spawn } from "node:child_process";
import { join } from "node:path";
import { root, setUpOrExit } from "./setup.mjs";

await setUpOrExit();
const vitest = join(root, "node_modules/vitest/vitest.mjs");
const child = spawn(process.execPath, [vitest, "run", ...process.argv.slice(2)], { cwd: root, stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("close", (code) => {
  process.exitCode = code ?? 1;
});
