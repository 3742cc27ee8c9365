/** Golden dumps of real samples, one per file of `samples/`; `vitest -u` writes them anew, review the diff. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { collectEvidence } from "../collect.ts";
import { dumpEvidence } from "../dump.ts";
import { textInput } from "../inputs.ts";

const dir = new URL("samples/", import.meta.url);
const mine = /^(?:hung|sysrq|task-dump|proc-stack|crash|bare|name-stack).*\.txt$/;

describe("stack formats", () => {
  for (const file of readdirSync(dir)
    .filter((f) => mine.test(f))
    .sort()) {
    it(file, async () => {
      const whole = readFileSync(new URL(file, dir), "utf8");
      expect(whole.startsWith("SOURCE: ")).toBe(true);
      // The header stays in, blanked, so that line numbers are those of the file.
      const text = whole.replace(/^SOURCE: .*\n/, "\n");
      const dump = dumpEvidence(await collectEvidence([textInput(file, text)]));
      await expect(dump).toMatchFileSnapshot(new URL(`golden/${file}`, dir).pathname);
    });
  }
});
