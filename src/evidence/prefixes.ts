/**
 * Takes off what stands before a kernel message: printk time and caller id, `dmesg -T`, syslog, journal,
 * ISO time, priority, /dev/kmsg, logcat, and combinations of them, in any order.
 *
 * `[  115.002350][    C2] sysrq: Show State` -> time 115.00235, caller C2, `sysrq: Show State`.
 * Only one blank after a prefix belongs to it: the others are the message's own indent (` <TASK>`).
 */
import { ownCopy, skipBlanks } from "./frames.ts";

/** Where the message starts and what the prefix said. */
export interface Prefix {
  /** Offset of the message. */
  at: number;
  time: number | undefined;
  caller: string | undefined;
  /** The machine that a logger wrote down; `localhost`, what most machines call themselves while they boot, is none. */
  host: string | undefined;
  /** There was a prefix (a time, a host, a priority ...). */
  present: boolean;
}

const DATE = String.raw`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?`;
/** `[Thu May 20 08:53:35 2021]`, `[May20 08:53]`, `[  +0.000013]`, `[2024-01-02 10:00:00]` */
const WALL = new RegExp(
  String.raw`\[(?:[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d+)? \d{4}|[A-Z][a-z]{2}[ \d]\d \d\d:\d\d|\s*[+-]\d+\.\d+|${DATE})\] ?`,
  "y",
);
const SYSLOG =
  /(?:[A-Z][a-z]{2} )?(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ \d]?\d (?:\d{4} )?\d\d:\d\d:\d\d(?:\.\d+)?(?: \d{4})? /y;
const ISO = new RegExp(`${DATE} `, "y");
/** `host kernel: `, `host kernel[0]: `, or only the host in front of another time stamp. */
const HOST = /(?:(?!kernel:)[\w.:-]*[\w-] )?(?:kernel|Kernel|klogd|vmunix)(?:\[\d+\])?: ?/y;
const HOST_ONLY = /[\w.-]+ (?=\[\s*\d+\.\d+\])/y;
const SYSLOG_5424 = /\S+ kernel - - - ?(?:- )?/y;
const LOGCAT = /\d\d-\d\d \d\d:\d\d:\d\d\.\d+ +\d+ +\d+ [VDIWEF] [\w./-]+ *: ?/y;
const KMSG = /\d{1,6},\d+,(\d+),[^;\s]{1,80};/y;
const KMSG_CALLER = /caller=([TC]\d+)/;
const PRIORITY = /<\d{1,3}>(?:1 )?/y;
const JOURNAL_HOST = /[\w.-]{1,64} kernel: ?/y;

const sticky = (re: RegExp, s: string, p: number): number => {
  re.lastIndex = p;
  return re.test(s) ? re.lastIndex : -1;
};

const isDigit = (c: number): boolean => c >= 48 && c <= 57;

const oneBlank = (s: string, p: number): number => (s.charCodeAt(p) === 32 ? p + 1 : p);

/** `[  T123]`, `[    C1]`, `[T123@C1]` behind a time: offset behind it, or -1. */
const callerAt = (s: string, p: number, out: Prefix): number => {
  const q = skipBlanks(s, p + 1);
  const kind = s.charCodeAt(q);
  if (kind !== 84 && kind !== 67) return -1;
  let r = q + 1;
  while (isDigit(s.charCodeAt(r))) r++;
  if (r === q + 1 || s.charCodeAt(r) !== 93) return -1;
  out.caller = s.slice(q, r);
  return r + 1;
};

/** `[   12.345678]` at `p`: offset behind it, or -1. */
const printkTimeAt = (s: string, p: number, out: Prefix): number => {
  let q = skipBlanks(s, p + 1);
  const start = q;
  let seconds = 0;
  let c = s.charCodeAt(q);
  while (c >= 48 && c <= 57) {
    seconds = seconds * 10 + (c - 48);
    c = s.charCodeAt(++q);
  }
  if (q === start || q - start > 12 || c !== 46) return -1;
  let fraction = 0;
  let scale = 1;
  const dot = q;
  c = s.charCodeAt(++q);
  while (c >= 48 && c <= 57) {
    fraction = fraction * 10 + (c - 48);
    scale *= 10;
    c = s.charCodeAt(++q);
  }
  if (q === dot + 1 || q - dot > 10 || c !== 93) return -1;
  out.time = seconds + fraction / scale;
  return q + 1;
};

const bracketAt = (s: string, p: number, out: Prefix): number => {
  let q = printkTimeAt(s, p, out);
  if (q < 0) return sticky(WALL, s, p);
  const gap = skipBlanks(s, q);
  if (gap - q <= 1 && s.charCodeAt(gap) === 91) {
    const r = callerAt(s, gap, out);
    if (r >= 0) q = r;
  }
  return oneBlank(s, q);
};

const NO_HOST =
  /^(?:localhost\b.*|kern\.\w+|user\.\w+|emerg|alert|crit|err|error|warning|warn|notice|info|debug|[-.:]*)$/i;

/** Host names come line after line: the same string again costs no new one. */
const seenHost = { text: "", host: undefined as string | undefined };

/** The word at `p` is a host, unless it is `kernel:` itself, a facility or a severity; `q`: behind the prefix. */
const takeHost = (s: string, p: number, q: number, out: Prefix): void => {
  const known = seenHost.text;
  if (known === "" || !s.startsWith(known, p) || s.charCodeAt(p + known.length) !== 32) {
    const end = s.indexOf(" ", p);
    // `kernel: ` ends with its blank.
    if (end < 0 || end >= q || (end === q - 1 && s.charCodeAt(end - 1) === 58)) return;
    const text = ownCopy(s.slice(p, end));
    seenHost.text = text;
    seenHost.host = NO_HOST.test(text) ? undefined : text;
  }
  if (seenHost.host !== undefined) out.host = seenHost.host;
};

/** After a wall-clock time: host and `kernel:`. */
const hostAt = (s: string, p: number, out: Prefix): number => {
  for (const re of [HOST, SYSLOG_5424, HOST_ONLY]) {
    const q = sticky(re, s, p);
    if (q < 0) continue;
    takeHost(s, p, q, out);
    return q;
  }
  return p;
};

const wallAt = (s: string, p: number, out: Prefix): number => {
  const c = s.charCodeAt(p);
  let q = -1;
  if (isDigit(c)) {
    q = sticky(LOGCAT, s, p);
    if (q >= 0) return q;
    q = sticky(ISO, s, p);
  } else q = sticky(SYSLOG, s, p);
  return q < 0 ? -1 : hostAt(s, q, out);
};

const kmsgAt = (s: string, p: number, out: Prefix): number => {
  KMSG.lastIndex = p;
  const m = KMSG.exec(s);
  if (!m) return -1;
  out.time = Number(m[1]) / 1e6;
  const caller = KMSG_CALLER.exec(m[0]);
  if (caller) out.caller = caller[1];
  return KMSG.lastIndex;
};

/** One prefix at `p`: offset behind it, or -1. */
const prefixAt = (s: string, p: number, out: Prefix): number => {
  const c = s.charCodeAt(p);
  if (c === 91 /* [ */) return bracketAt(s, p, out);
  if (c === 107 /* k */) return s.startsWith("kernel: ", p) ? p + 8 : s.startsWith("kernel:[", p) ? p + 7 : -1;
  if (c === 60 /* < */) return sticky(PRIORITY, s, p);
  if (isDigit(c)) {
    const second = s.charCodeAt(p + 1);
    if (second === 44 || (isDigit(second) && s.charCodeAt(p + 2) === 44)) return kmsgAt(s, p, out);
    if (s.charCodeAt(p + 2) === 45 || s.charCodeAt(p + 4) === 45) return wallAt(s, p, out);
    return kmsgAt(s, p, out);
  }
  if (c >= 65 && c <= 90 && s.charCodeAt(p + 3) === 32) return wallAt(s, p, out);
  return -1;
};

/** Finds the message of the line that starts at `from`; `out` is overwritten. */
export const readPrefix = (s: string, from: number, out: Prefix): void => {
  out.at = from;
  out.time = undefined;
  out.caller = undefined;
  out.host = undefined;
  out.present = false;
  for (let n = 0; n < 5; n++) {
    const p = skipBlanks(s, out.at);
    const c = s.charCodeAt(p);
    // Most messages start with a frame: `__schedule`, `? schedule`, `folio_wait_bit`.
    if (p > out.at && ((c >= 95 && c <= 122 && c !== 107) || c === 63)) return;
    // An indent deeper than this belongs to the message, not to the mail it was pasted into.
    if (out.present && p - out.at > 2) return;
    let q = prefixAt(s, p, out);
    // journalctl -o short-monotonic: `[12345.678901] host kernel: text`
    if (q < 0 && out.present && p === out.at) {
      q = sticky(JOURNAL_HOST, s, p);
      // A message of the kernel's own could look like this, but would start with a capital.
      if (q >= 0 && (c >= 97 || isDigit(c))) takeHost(s, p, q, out);
    }
    if (q < 0) return;
    out.at = q;
    out.present = true;
  }
};
