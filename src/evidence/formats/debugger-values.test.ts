import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { collectEvidence } from "../collect.ts";
import { textInput } from "../inputs.ts";
import type { Evidence } from "../types.ts";
import { pageCounter } from "./page-counter.ts";
import { ps } from "./ps.ts";
import { scanControl } from "./scan-control.ts";

async function read(text: string): Promise<Evidence> {
  return await collectEvidence([textInput("log", text)], { formats: [scanControl, pageCounter, ps] });
}
const posting = readFileSync(new URL("./samples/debugger-values.txt", import.meta.url), "utf8");

describe("the values of the jbd2 posting", () => {
  it("are read, each by its reader", async () => {
    const e = await read(posting);
    expect(e.scanControls).toHaveLength(1);
    expect(e.scanControls[0]!.values).toEqual({
      nr_to_reclaim: 32,
      order: 0,
      priority: 1,
      reclaim_idx: 4,
      gfp_mask: 17861706,
      nr_scanned: 27810,
      nr_reclaimed: 0,
      "nr.dirty": 27797,
      "nr.unqueued_dirty": 27797,
      "nr.congested": 0,
      "nr.writeback": 0,
      "nr.immediate": 0,
      "nr.file_taken": 27810,
      "nr.taken": 27810,
    });
    expect(e.samples.find((s) => s.source === "page_counter")!.values).toEqual({ max: 134896020, usage: 144747169 });
    expect(e.samples.filter((s) => s.source === "ps").map((s) => [s.key, s.values.count])).toEqual([
      ["D", 1463],
      ["D", 1463],
    ]);
  });
});

describe("scan_control", () => {
  it("reads one line, a cast and a cut dump", async () => {
    const e = await read(
      [
        "struct scan_control { nr_to_reclaim = 32, gfp_mask = 0xcc0, nr = { dirty = 1, taken = -2 }, x = 3 }",
        "$1 = (struct scan_control) {",
        "  nr_scanned = 5,",
        "",
        "",
        "",
        "something else",
        "struct scan_control {",
        "  nr_scanned = 7,",
        "  nr = {",
      ].join("\n"),
    );
    expect(e.scanControls.map((s) => s.values)).toEqual([
      { nr_to_reclaim: 32, gfp_mask: 0xcc0, "nr.dirty": 1, "nr.taken": -2, x: 3 },
      { nr_scanned: 5 },
      { nr_scanned: 7 },
    ]);
  });

  it("takes no source code", async () => {
    const e = await read(
      "struct scan_control {\n\tunsigned long nr_to_reclaim;\n\tnodemask_t *nodemask;\n};\nint main(void) {\n}",
    );
    expect(e.scanControls).toEqual([]);
  });

  it("keeps hostile dumps small", async () => {
    const fields = Array.from({ length: 20_000 }, (_, i) => `  f${i} = ${"9".repeat(25)},`).join("\n");
    const e = await read(`struct scan_control {\n${fields}\n}`);
    expect(Object.keys(e.scanControls[0]!.values).length).toBeLessThanOrEqual(512);
    const deep = await read(`struct scan_control {\n${"a = {\n".repeat(3000)}x = 1\n${"}\n".repeat(3000)}`);
    expect(deep.scanControls.length).toBeLessThanOrEqual(1);
  });
});

describe("page_counter", () => {
  it("reads the dump of a debugger", async () => {
    const e = await read(
      "struct page_counter {\n  usage = {\n    counter = 144747169\n  },\n  min = 0,\n  low = 0,\n  high = 2251799813685247,\n  max = 134896020,\n  watermark = 145000000,\n  failcnt = 12\n}",
    );
    expect(e.samples[0]).toMatchObject({ source: "page_counter", key: "page_counter", line: 1 });
    expect(e.samples[0]!.values).toMatchObject({ usage: 144747169, max: 134896020, failcnt: 12 });
  });
  it("takes no sizes out of other texts", async () => {
    expect(
      (await read("max: 5\nusage: lots GB\nlimit : 3 apples\nmemory: usage 307200kB, limit 307200kB")).samples,
    ).toEqual([]);
  });
});

describe("ps", () => {
  it("counts states of a listing", async () => {
    const e = await read(
      "  PID STAT WCHAN  COMMAND\n    1 Ss   -      init\n   62 D    folio_ fsyncer0\n   63 D+   folio_ fsyncer1\n   70 R<l  -      busy loop\n\ntext",
    );
    expect(Object.fromEntries(e.samples.map((s) => [s.key, s.values.count]))).toEqual({ S: 1, D: 2, R: 1 });
  });
  it("reads crash's listing and its words for states", async () => {
    const e = await read(
      "   PID    PPID  CPU       TASK        ST  %MEM     VSZ    RSS  COMM\n>      0      0   0  ffffffff82a13780  RU   0.0       0      0  [swapper/0]\n  992582      1  40  ffff8c53a15b3080  UN   0.1  812345  12345  xx\n  992583      1  40  ffff8c53a15b3081  IN   0.1  812345  12345  yy",
    );
    expect(Object.fromEntries(e.samples.map((s) => [s.key, s.values.count]))).toEqual({ R: 1, D: 1, S: 1 });
  });
  it("wants a number right below the count", async () => {
    expect((await read("ps | grep UN | wc -l\nno number\n1463")).samples).toEqual([]);
    expect((await read("crash> ps | grep UN | wc -l\n\n77")).samples.map((s) => s.values.count)).toEqual([77]);
    expect((await read("ps aux | grep httpd | wc -l\n1463")).samples).toEqual([]);
  });
  it("takes no task header and no bare number", async () => {
    expect(
      (await read('task:foo state:D stack:0 pid:5\n1463\nPID: 992582 TASK: ffff8c53a15b3080 CPU: 40 COMMAND: "xx"'))
        .samples,
    ).toEqual([]);
  });
});
