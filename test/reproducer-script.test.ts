/** The script of the second document, as its author wrote it, on the executable kernel. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { runScript, type ScriptResult } from "../src/incidents/shell/run-script.ts";
import { lockupReports } from "../src/kernel/index.ts";

/** The quoted lines from the `cd` to the last `done`, without the marks of the quotation. */
function scriptOf(document: string): string {
  const lines = readFileSync(new URL(`../samples/documents/${document}`, import.meta.url), "utf8").split("\n");
  const first = lines.findIndex((line) => line.includes("cd /mnt/cgroup/memory"));
  const end = lines.findIndex((line) => line.includes("The deadlock does not seem possible"));
  return lines.slice(first, end).map((line) => line.replace(/^> ?/, "")).join("\n");
}
const SCRIPT = scriptOf("wb-switch-irq-nesting.txt");
const WHERE = { release: "4.4.1", mount: "/mnt/cgroup/memory" };
const deadOf = ({ kernel, dead }: ScriptResult): readonly string[] =>
  dead.map((context) => (kernel.tasks[context] as { comm: string }).comm).sort();

describe("the reproducer of wb-switch-irq-nesting, as written", () => {
  it.each([1, 2, 3])("runs: seed %i", (seed) => {
    const hacked = runScript(SCRIPT, { ...WHERE, hacks: ["switching", "moving"], seed, most: 400000 });
    console.log(hacked.end, hacked.steps, deadOf(hacked), hacked.output, lockupReports(hacked.kernel).join("\n"));
    const plain = runScript(SCRIPT, { ...WHERE, seed, most: 100000 });
    console.log(plain.end, plain.steps, deadOf(plain), plain.output);
  });
});
