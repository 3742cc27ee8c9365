import { describe, expect, it } from "vitest";
import { build } from "../../test/locks-program.ts";

describe("the machine", () => {
  it("runs compiled functions to a deadlock and prints where they stand", () => {
    const m = build(2, 4);
    for (const context of [1, 2, 1, 2]) m.step(context, 0);
    expect([1, 2].map((c) => [m.ways(c), m.position(c)])).toEqual([
      [0, "abba:2 lock lock 3"],
      [0, "abba:2 lock lock 2"],
    ]);
    m.step(0, 0);
    expect(m.stack(0).map((f) => `${f.name} ${f.file}:${f.line}`)).toEqual([
      "deep test/locks-program.ts:25",
      "deep test/locks-program.ts:21",
      "deep test/locks-program.ts:21",
    ]);
  });
});
