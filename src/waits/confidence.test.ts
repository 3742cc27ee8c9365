import { expect, test } from "vitest";
import { CONFIDENCES, compareConfidence, weakest } from "./confidence.ts";

test("possible is weaker than likely, likely than proven", () => {
  expect(CONFIDENCES).toEqual(["possible", "likely", "proven"]);
  expect((["proven", "possible", "likely"] as const).toSorted(compareConfidence)).toEqual(CONFIDENCES);
  expect(compareConfidence("likely", "likely")).toBe(0);
});

test("the weakest link counts, and no link is proven", () => {
  expect(weakest([])).toBe("proven");
  expect(weakest(["proven", "likely"])).toBe("likely");
  expect(weakest(["likely", "possible", "proven"])).toBe("possible");
  expect(weakest(new Set(["likely"] as const))).toBe("likely");
});
