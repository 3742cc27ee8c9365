/** The script of the second document, as its author wrote it, on the executable kernel. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { runScript, type ScriptResult } from "../src/incidents/shell/run-script.ts";
import { readFileNow } from "../src/kernel/cgroup/cgroupfs.ts";
import { lockupReports } from "../src/kernel/index.ts";

/** The quoted lines from the `cd` to the last `done`, without the marks of the quotation. */
function scriptOf(document: string): string {
  const lines = readFileSync(new URL(`../samples/documents/${document}`, import.meta.url), "utf8").split("\n");
  const first = lines.findIndex((line) => line.includes("cd /mnt/cgroup/memory"));
  const end = lines.findIndex((line) => line.includes("The deadlock does not seem possible"));
  return lines
    .slice(first, end)
    .map((line) => line.replace(/^> ?/, ""))
    .join("\n");
}
const SCRIPT = scriptOf("wb-switch-irq-nesting.txt");
const WHERE = { release: "4.16.0", mount: "/mnt/cgroup/memory", seed: 1, most: 200_000 };
const HACKS = { hacks: ["switching", "moving"] };

const namesOf = ({ kernel }: ScriptResult, contexts: readonly number[]): readonly string[] =>
  contexts.map((context) => String(kernel.tasks[context]).replace(/\/.*/, "")).sort();

describe("the reproducer of wb-switch-irq-nesting, as written", { timeout: 240_000 }, () => {
  it("is what the document has", () => {
    expect(SCRIPT.split("\n").filter((line) => line !== "")).toHaveLength(19);
  });

  it("locks up with the document's hack: dd in a truncation, the interrupt on top of it", () => {
    const result = runScript(SCRIPT, { ...WHERE, ...HACKS });
    expect(result.end).toBe("dead");
    expect(namesOf(result, result.dead)).toEqual(expect.arrayContaining(["dd", "hardirq"]));
    const report = lockupReports(result.kernel).join("\n");
    expect(report).toMatch(/hard LOCKUP on cpu 0\nCPU: 0 PID: \d+ Comm: dd/);
    expect(report).toMatch(/lock_page_memcg.*\n.*test_clear_page_writeback[\s\S]*__cancel_dirty_page/);
  });

  it("goes on and on without it: groups made, dd's pages charged, the sleeper moved to and fro", () => {
    const result = runScript(SCRIPT, WHERE);
    expect([result.end, result.dead]).toEqual(["bound", []]);
    expect(result.output.match(/256\+0 records out\n/g)?.length).toBeGreaterThan(3);
    expect(result.output).not.toContain("bash:");
    const members = [readFileNow("/a/cgroup.procs"), readFileNow("/b/cgroup.procs")].join("");
    const sleeper = result.kernel.tasks.find((task) => task.comm === "sleep");
    expect(members).toContain(`${sleeper?.pid}\n`);
    expect(readFileNow("/a/memory.move_charge_at_immigrate")).toBe("1\n");
    expect(Number(readFileNow("/a/memory.max_usage_in_bytes"))).toBeGreaterThanOrEqual(256 * 4096);
  });
});
