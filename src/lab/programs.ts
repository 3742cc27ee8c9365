/** Finds programs of the host. */
import { accessSync, closeSync, constants, openSync, readSync, statSync } from "node:fs";
import { delimiter, join } from "node:path";

/** A program to start: its file and what must be in its environment. */
export interface Program {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** The full path of a program on `path`; undefined when it is not there. */
export function findProgram(name: string, path: string): string | undefined {
  return path
    .split(delimiter)
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

const interpreter = 3;

/** An ELF file of 64 bits that names no dynamic loader (no PT_INTERP): it runs where there is no library. */
export function isStaticElf(file: string): boolean {
  const head = Buffer.alloc(4096);
  const fd = openSync(file, "r");
  try {
    readSync(fd, head, 0, head.length, 0);
  } finally {
    closeSync(fd);
  }
  if (head.readUInt32BE(0) !== 0x7f454c46 || head[4] !== 2) return false;
  const [table, size, count] = [Number(head.readBigUInt64LE(32)), head.readUInt16LE(54), head.readUInt16LE(56)];
  for (let i = 0; i < count; i++) {
    const at = table + i * size;
    if (at + 4 > head.length) return false;
    if (head.readUInt32LE(at) === interpreter) return false;
  }
  return true;
}
