/** Declarations on the machine: what they cost and save, and which are refused at once. */
import { describe, expect, test } from "vitest";
import { create, Machine, SymmetryError, World } from "../resumable/index.ts";
import { prove } from "./prove.ts";
import { Cell, equalTasks, Hub, labelled } from "./symmetric-program.ts";

describe("Machine.symmetric", () => {
  test.each([
    [2, "permuted", 2],
    [3, "permuted", 6],
    [3, "rotated", 3],
  ] as const)("%i equal tasks, %s: a group of %i", (columns, how, order) => {
    const all = prove(equalTasks(columns), { find: "all", symmetry: false });
    const found = prove(equalTasks(columns, how), { find: "all" });
    expect(found).toMatchObject({ symmetry: order, complete: true, findings: [] });
    expect(found.states).toBeLessThan((all.states / order) * 1.5);
    expect(found.states).toBeGreaterThanOrEqual(all.states / order);
    expect(found.ends.size).toBe(1);
  });

  test("a group of more than 24 is refused, and the message says what to do", () => {
    expect(() => equalTasks(5)).toThrow(/more than 24 ways.*"rotated"/);
    expect(equalTasks(5, "rotated").symmetry?.elements).toHaveLength(4);
    expect(equalTasks(4).symmetry?.elements).toHaveLength(23);
  });

  test("columns whose members cannot stand for each other are refused", () => {
    const world = new World();
    const machine = new Machine(world);
    const [cell, other, hub] = [create(Cell), create(Cell), create(Hub)];
    expect(() => machine.symmetric([[cell]])).toThrow("two columns at least");
    expect(() => machine.symmetric([[cell], [other, hub]])).toThrow("as many members");
    expect(() => machine.symmetric([[cell], [hub]])).toThrow("not of one class");
    expect(() => machine.symmetric([[cell], [cell]])).toThrow("cell 0 is named twice");
    expect(() => machine.symmetric([[0], [cell]])).toThrow(SymmetryError);
    expect(machine.symmetry).toBeUndefined();
  });

  test("livelocks that some step could end are looked for without it", () => {
    expect(prove(equalTasks(2), { livelocks: "fair" }).symmetry).toBe(1);
    expect(prove(equalTasks(2), { livelocks: "any" }).symmetry).toBe(1);
  });

  test("the first object that differs is named", () => {
    expect(() => prove(labelled([], false))).toThrow(
      "not symmetric: cell 0.count is not in the first state what cell 1.count",
    );
  });

  test("labels may differ while nobody changes them", () => {
    const all = prove(labelled(["count"], false), { find: "all", symmetry: false });
    const found = prove(labelled(["count"], false), { find: "all" });
    expect([found.symmetry, all.symmetry]).toEqual([2, 1]);
    expect(found.states).toBeLessThan(all.states);
    expect(() => prove(labelled(["count"], true))).toThrow(/cell \d.count is no label, it changes/);
  });

  test("a law that tells the tasks apart is refused", () => {
    const machine = equalTasks(2);
    Object.assign(machine, {
      brokenInvariant: () => (machine.finished(0) && !machine.finished(1) ? "0 is first" : undefined),
    });
    expect(() => prove(machine, { find: "all" })).toThrow("not symmetric: a law (0 is first)");
  });
});
