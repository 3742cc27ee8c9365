/** Errors of system calls on control files, and numbers as the kernel reads them (lib/kstrtox.c, lib/cmdline.c, mm/page_counter.c). */
import { PAGE_COUNTER_MAX } from "../mm/memcg-types.ts";

/** Error codes by name. */
export type Errno =
  | "EPERM"
  | "ENOENT"
  | "ESRCH"
  | "EINTR"
  | "EIO"
  | "EAGAIN"
  | "ENOMEM"
  | "EACCES"
  | "EBUSY"
  | "EEXIST"
  | "ENODEV"
  | "ENOTDIR"
  | "EISDIR"
  | "EINVAL"
  | "ERANGE"
  | "EOPNOTSUPP";

/** What a system call that returns nothing but success comes to. */
export type Result = "ok" | Errno;

/** The words of strerror(3). */
export const MESSAGES: Readonly<Record<Errno, string>> = {
  EPERM: "Operation not permitted",
  ENOENT: "No such file or directory",
  ESRCH: "No such process",
  EINTR: "Interrupted system call",
  EIO: "Input/output error",
  EAGAIN: "Resource temporarily unavailable",
  ENOMEM: "Cannot allocate memory",
  EACCES: "Permission denied",
  EBUSY: "Device or resource busy",
  EEXIST: "File exists",
  ENODEV: "No such device",
  ENOTDIR: "Not a directory",
  EISDIR: "Is a directory",
  EINVAL: "Invalid argument",
  ERANGE: "Numerical result out of range",
  EOPNOTSUPP: "Operation not supported",
};

/** Bytes of a page. */
export const PAGE_SIZE = 4096;

/** `simple_strtoull()` with base 0 from the start of the text: the number and what follows it. */
function strtoull(text: string): readonly [number: number, rest: string] {
  const m = /^(?:0[xX]([0-9a-fA-F]+)|(0[0-7]*)|([1-9][0-9]*))/.exec(text);
  if (m === null) return [0, text];
  const [all, hex, octal] = m;
  const base = hex !== undefined ? 16 : octal !== undefined ? 8 : 10;
  return [Number.parseInt(hex ?? all, base), text.slice(all.length)];
}

/** `memparse()`: bytes with a suffix from K to E, and what follows. */
function memparse(text: string): readonly [bytes: number, rest: string] {
  const [number, rest] = strtoull(text);
  const power = "KMGTPE".indexOf(rest.charAt(0).toUpperCase());
  return power < 0 || rest === "" ? [number, rest] : [number * 1024 ** (power + 1), rest.slice(1)];
}

/**
 * `page_counter_memparse()`: pages, or undefined for EINVAL. `max` is the word for no limit. An empty text is 0, as nothing
 * follows the number that is not there.
 */
export function pageCounterMemparse(text: string, max: string): number | undefined {
  const word = text.trim();
  if (word === max) return PAGE_COUNTER_MAX;
  const [bytes, rest] = memparse(word);
  return rest === "" ? Math.min(Math.floor(bytes / PAGE_SIZE), PAGE_COUNTER_MAX) : undefined;
}

/** `kstrtoint()` with base 0. */
export function kstrtoint(text: string): number | "EINVAL" | "ERANGE" {
  const m = /^([+-]?)(.+?)\n?$/.exec(text);
  if (m === null) return "EINVAL";
  const [, sign, digits = ""] = m;
  const [number, rest] = strtoull(digits);
  if (rest !== "") return "EINVAL";
  const signed = sign === "-" ? -number : number;
  return signed > 0x7fffffff || signed < -0x80000000 ? "ERANGE" : signed;
}

/** `kstrtoull()` with base 0. */
export function kstrtoull(text: string): number | "EINVAL" | "ERANGE" {
  const m = /^\+?(.+?)\n?$/.exec(text);
  if (m === null) return "EINVAL";
  const [number, rest] = strtoull(m[1] ?? "");
  if (rest !== "") return "EINVAL";
  return number >= 2 ** 64 ? "ERANGE" : number;
}
