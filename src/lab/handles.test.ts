import { expect, test } from "vitest";
import { tracedHandles } from "./handles.ts";

const openHandles = (trace: string) => tracedHandles(trace).open;

const from = "(__ext4_journal_start_sb+0x105/0x120 <- jbd2__journal_start)";
const start = (task: string, at: string, handle: string): string =>
  `${task.padStart(20)}     [001] .....    ${at}: jbd2_start_ret: ${from} handle=${handle}`;
const stop = (task: string, at: string, handle: string): string =>
  `${task.padStart(20)}     [000] d....    ${at}: jbd2_stop: (jbd2_journal_stop+0x0/0x2d0) handle=${handle}`;
const a = "0xff192f0901498fc0";
const b = "0xff192f0901498100";

test("a handle is open until as many stops as starts have come", () => {
  const lines = [
    start("creat48-159", "10.760014", a),
    start("creat48-159", "10.760160", a),
    start("kworker/u4:0-9", "10.8", b),
    stop("creat48-159", "10.9", a),
    stop("kworker/u4:0-9", "11.0", b),
  ];
  expect(openHandles(lines.join("\n"))).toEqual([{ pid: 159, comm: "creat48", sinceSeconds: 10.760014, handle: a }]);
  expect(openHandles([...lines, stop("creat48-159", "12.0", a)].join("\n"))).toEqual([]);
});

test("names with a hyphen, a blank and a colon", () => {
  const names = openHandles([start("a b-c:0-77", "1.0", a), start("jbd2/vda-8-99", "0.5", b)].join("\n"));
  expect(names.map((h) => [h.comm, h.pid])).toEqual([
    ["jbd2/vda-8", 99],
    ["a b-c:0", 77],
  ]);
});

test("what the ring lost makes nobody a holder for ever", () => {
  // the start is lost; then the stop of the first owner is lost and the memory is used again
  expect(openHandles(stop("x-1", "1.0", a))).toEqual([]);
  const again = [start("x-1", "1.0", a), start("y-2", "2.0", a), stop("y-2", "3.0", a)];
  expect(openHandles(again.join("\n"))).toEqual([]);
});

test("an error is no handle", () => {
  expect(openHandles([start("x-1", "1.0", "0xffffffffffffffe2"), start("x-1", "1.0", "0x0")].join("\n"))).toEqual([]);
});

test("it follows who was seen to start or stop one, and nobody else", () => {
  const blind =
    "         creat4-114     [001] .....    11.466215: jbd2_start: (jbd2__journal_start+0x0/0x1e0) journal=0xff";
  const trace = [start("x-1", "1.0", a), stop("y-2", "2.0", b), blind].join("\n");
  expect([...tracedHandles(trace).followed]).toEqual([1, 2]);
});
