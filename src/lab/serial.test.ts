import { expect, test } from "vitest";
import { guestIsUp, labLineOf, readSerial, secondsOf } from "./serial.ts";

const console_ = [
  "[    2.736170] EXT4-fs (vda): mounted filesystem",
  "[    3.643469] lab: guest up at 3.67: 6.1.0-56-cloud-amd64, scenario healthy",
  "some program without a time stamp: lab: no",
  "[    4.083564] lab: load starts at 4.14: cgroup v1",
  "[   22.645507] INFO: task kworker/u4:1:25 blocked for more than 10 seconds.",
  "",
].join("\r\n");

test("the log loses its carriage returns and nothing else", () => {
  expect(readSerial(console_).kernelLog).toBe(console_.replaceAll("\r", ""));
});

test("the script's lines with the guest's time", () => {
  const { lab, panicked } = readSerial(console_);
  expect(lab.map((l) => l.seconds)).toEqual([3.643469, 4.083564]);
  expect(lab.map(guestIsUp)).toEqual([true, false]);
  expect(secondsOf(lab, "load starts at ")).toBe(4.083564);
  expect(secondsOf(lab, "thawed")).toBeUndefined();
  expect(panicked).toBe(false);
});

test("a panic is seen", () => {
  expect(readSerial("[    1.1] Kernel panic - not syncing: No working init found.\r\n").panicked).toBe(true);
});

test("a line of the script quoted by something else is not one", () => {
  expect(labLineOf("[    1.000000] systemd: [    1.0] lab: guest up at 1")).toBeUndefined();
});
