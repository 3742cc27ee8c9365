import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Boot, type BootLimits, boot } from "./boot.ts";

let dir: string;
let serial: string;
let lines: string[];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "unwedge-boot-"));
  serial = join(dir, "serial.log");
  lines = [];
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** A machine of shell: what a QEMU does to its console. */
function machine(script: string, limits: BootLimits, interrupted = new AbortController().signal): Promise<Boot> {
  const file = join(dir, "qemu");
  writeFileSync(file, `#!/bin/sh\necho $$ >${dir}/pid\n${script}\n`);
  chmodSync(file, 0o755);
  return boot({ file, args: [], env: { SERIAL: serial } }, [], serial, {
    limits,
    interrupted,
    path: process.env.PATH ?? "",
    onLine: (l) => lines.push(l.text),
  });
}
const gone = (): boolean => {
  try {
    process.kill(Number(readFileSync(join(dir, "pid"), "utf8")), 0);
    return false;
  } catch {
    return true;
  }
};
const patient = { upSeconds: 50, runSeconds: 50 };
const up = 'printf "[    3.1] lab: guest up at 3.10\\r\\n" >$SERIAL';

test("a machine that comes to its end", async () => {
  const b = await machine(`${up}; printf "[    4.2] lab: results written\\r\\n[    4.3] cut" >>$SERIAL`, patient);
  expect(b.how).toBe("ended");
  expect(b.upSeconds).toBeGreaterThan(0);
  expect(lines).toEqual(["guest up at 3.10", "results written"]);
});

test("one that says nothing in time is ended", async () => {
  const b = await machine("exec sleep 60", { upSeconds: 0.2, runSeconds: 50 });
  expect(b).toMatchObject({ how: "not-up", upSeconds: undefined });
  expect(gone()).toBe(true);
});

test("one that dies before it speaks did not come up, and its complaint is kept", async () => {
  const b = await machine("echo 'qemu: no such device' >&2; exit 1", patient);
  expect(b).toMatchObject({ how: "not-up", complaint: "qemu: no such device" });
});

test("one that does not end is ended", async () => {
  const b = await machine(`${up}; exec sleep 60`, { upSeconds: 50, runSeconds: 0.2 });
  expect(b.how).toBe("too-long");
  expect(gone()).toBe(true);
});

test("an interrupt ends it", async () => {
  const stop = new AbortController();
  const seen = setInterval(() => existsSync(serial) && stop.abort(), 10);
  const b = await machine(`${up}; exec sleep 60`, patient, stop.signal);
  clearInterval(seen);
  expect(b.how).toBe("interrupted");
  expect(gone()).toBe(true);
});

test("a program that cannot be started", async () => {
  const b = await boot({ file: join(dir, "nothing"), args: [], env: {} }, [], serial, {
    limits: patient,
    interrupted: new AbortController().signal,
    path: "",
    onLine: () => undefined,
  });
  expect(b.how).toBe("not-up");
  expect(b.complaint).toContain("ENOENT");
});
