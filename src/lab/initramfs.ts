/** What the guest starts from: busybox, the load program, the modules, the scripts of lab/guest and the scenario's numbers. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type CpioEntry, cpioArchive } from "./cpio.ts";
import type { Module } from "./modules.ts";

/** The ingredients; `guestFolder` is lab/guest of this package. */
export interface GuestContents {
  readonly guestFolder: string;
  readonly busybox: Buffer;
  readonly load: Buffer;
  readonly modules: readonly Module[];
  readonly parameters: Readonly<Record<string, string | number>>;
}

/** Shell assignments; a value is a number or a plain word, so that no quoting is needed. Throws a RangeError otherwise. */
export function parameterFile(parameters: Readonly<Record<string, string | number>>): string {
  const lines = Object.entries(parameters).map(([name, value]) => {
    if (!/^[a-z_]+$/.test(name) || !/^[\w.-]*$/.test(String(value))) throw new RangeError(`parameter ${name}=${value}`);
    return `${name}=${value}\n`;
  });
  return lines.join("");
}

const directories = ["bin", "dev", "proc", "sys", "lab", "lab/modules", "lab/scenarios"];

/** The archive that QEMU gives the kernel. */
export function initramfs(c: GuestContents): Buffer {
  const guest = (name: string): Buffer => readFileSync(join(c.guestFolder, name));
  const script = (path: string, name: string): CpioEntry => ({
    kind: "file",
    path,
    content: guest(name),
    executable: true,
  });
  return cpioArchive([
    ...directories.map((path) => ({ kind: "directory", path }) as const),
    // the first process has no console without it: devtmpfs is mounted by that process itself
    { kind: "character-device", path: "dev/console", major: 5, minor: 1 },
    script("init", "init"),
    { kind: "file", path: "bin/busybox", content: c.busybox, executable: true },
    { kind: "file", path: "bin/load", content: c.load, executable: true },
    ...["lib.sh", "steps.sh", "probes", "events"].map((name) => script(`lab/${name}`, name)),
    ...readdirSync(join(c.guestFolder, "scenarios"))
      .sort()
      .map((name) => script(`lab/scenarios/${name}`, join("scenarios", name))),
    ...c.modules.map(({ name, content }) => ({ kind: "file", path: `lab/modules/${name}.ko`, content }) as const),
    { kind: "file", path: "lab/modules.list", content: Buffer.from(c.modules.map((m) => `${m.name}.ko\n`).join("")) },
    { kind: "file", path: "lab/params", content: Buffer.from(parameterFile(c.parameters)) },
  ]);
}
