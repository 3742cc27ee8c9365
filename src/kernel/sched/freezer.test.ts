import { describe, expect, it } from "vitest";
import { era, withoutFix } from "../era.ts";
import { createFreezer, freezerWrite, tryToFreeze } from "./freezer.ts";
import { obstacleOf } from "./stuck.ts";
import { runAlone, testKernel } from "./testing.ts";

const without = withoutFix(era("4.4"), "oom-victims-not-frozen");
if (!without.ok) throw new Error(without.error);

describe("a frozen group", () => {
  it("stops its tasks on their way to user mode until it is thawed, and nobody else", () => {
    const kernel = testKernel("4.4");
    const [inside, outside] = ["inside", "outside"].map((comm) => kernel.spawn({ comm }, tryToFreeze));
    const freezer = createFreezer(kernel, "/f", [inside!]);
    const freeze = kernel.spawn({ comm: "freeze" }, freezerWrite, [freezer, "FROZEN"]);
    const thaw = kernel.spawn({ comm: "thaw" }, freezerWrite, [freezer, "THAWED"]);
    for (const task of [freeze, inside!, outside!]) runAlone(kernel, task);
    const obstacle = obstacleOf(kernel, inside!);
    expect(obstacle?.kind === "wait" && [obstacle.wait.state, obstacle.wait.verb]).toEqual(["D", "thaw"]);
    expect(kernel.machine.finished(outside!.context)).toBe(true);
    for (const task of [thaw, inside!]) runAlone(kernel, task);
    expect(kernel.machine.finished(inside!.context)).toBe(true);
  });

  it.each([
    ["lets an OOM victim go", era("4.4"), true],
    ["keeps it without the fix", without.era, false],
  ])("%s", (_, release, goes) => {
    const kernel = testKernel(release);
    const victim = kernel.spawn({ comm: "victim" }, tryToFreeze);
    const freezer = createFreezer(kernel, "/f", [victim]);
    runAlone(kernel, kernel.spawn({ comm: "freeze" }, freezerWrite, [freezer, "FROZEN"]));
    runAlone(kernel, victim);
    victim.oomVictim = true;
    runAlone(kernel, victim);
    expect(kernel.machine.finished(victim.context)).toBe(goes);
  });
});
