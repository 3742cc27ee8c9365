/**
 * One printed stack frame, in every form kernels, /proc and debuggers print it.
 *
 * Recognition goes by the shape of the line: an identifier followed by `+0x1/0x2`, an address in `[<...>]`,
 * a crash index `#3 [...]`. No list of symbols is involved, except that an entry symbol (the last frame of a
 * complete stack) tells whether a stack was cut.
 */
import type { Frame } from "./types.ts";

/** What a line of a stack is: which tool prints frames this way. */
export type FrameForm =
  /** `sym+0x1/0x2 [mod]` of printk since v4.10. */
  | "plain"
  /** `[<ffffffff81>] sym+0x1/0x2`, kernels before v4.10, MIPS, arm64 before v4.20, ppc64. */
  | "addr"
  /** `[<0>] sym+0x1/0x2`, only `/proc/PID/stack`. */
  | "proc"
  /** ` #0 [addr] sym at addr [mod]` of crash. */
  | "crash"
  /** `#0 __schedule+617 at file` of drgn and gdb-like tools. */
  | "drgn"
  /** `sym file.c:1 [inline]` of a symbolised log. */
  | "inline"
  /** `0xffffffffffffffff`: end of an old `/proc/PID/stack`. */
  | "end";

/** One line of a stack. */
export interface FrameLine {
  readonly form: FrameForm;
  /** Usually one; two for arm32's `callee from caller+0x..`; none for the end marker. */
  readonly frames: readonly Frame[];
}

/** {@link FrameLine} with what differs between two printings of the same frame. */
export interface IndexedFrameLine {
  readonly line: FrameLine;
  /** crash's and drgn's frame number. */
  readonly index?: number;
  /** Count before the frame in a histogram (`uniq -c`). */
  readonly count?: number;
}

const SUFFIX = /(?:\.(?:isra|constprop|part|cold|llvm|lto_priv|localalias|clone|plt|resume)(?:\.\d+)*)+$/;

/** `foo.isra.0.cold.3` -> `foo`. */
export const normaliseSymbol = (printed: string): string =>
  printed.includes(".") ? printed.replace(SUFFIX, "") : printed;

const ENTRY =
  /^(?:ret_from_fork|ret_from_kernel_|entry_|system_call|sysenter_|ret_fast_syscall|ret_to_user|el0|el0t|asm_(?:exc|sysvec|common)|page_fault$|async_page_fault|error_entry|secondary_startup|handle_sys|syscall_common|sysret|stub_|int80|ia32_|__handle_exception|tracesys|0xffffffffffffffff|kernel_thread_helper|child_rip|cpu_startup_entry|start_kernel|ret_from_exception|handle_syscall|__sys_trace|start_secondary|do_syscall_|common_interrupt|irq_entries_start|kthread$|tail_call)/;

/** True for symbols that end a kernel stack: the way in from user space, or the start of a kernel thread. */
export const isEntrySymbol = (symbol: string): boolean => ENTRY.test(symbol);

const EXCEPTION =
  /^(?:kthread$|asm_|page_fault|async_page_fault|error_entry|common_interrupt|irq_entries|el1|do_syscall_)/;

/** Like {@link isEntrySymbol}, but not for exceptions, which also interrupt the kernel: the stack goes on below them. */
export const isOutermostSymbol = (symbol: string): boolean => ENTRY.test(symbol) && !EXCEPTION.test(symbol);

const isIdentifier = (c: number): boolean =>
  (c >= 97 && c <= 122) || (c >= 65 && c <= 90) || (c >= 48 && c <= 57) || c === 95 || c === 46 || c === 36;
const isHexDigit = (c: number): boolean => (c >= 48 && c <= 57) || (c >= 97 && c <= 102) || (c >= 65 && c <= 70);
const isDigit = (c: number): boolean => c >= 48 && c <= 57;

/** First character at or after `p` that is neither blank nor tab. */
export const skipBlanks = (s: string, p: number): number => {
  let c = s.charCodeAt(p);
  while (c === 32 || c === 9) c = s.charCodeAt(++p);
  return p;
};

const makeFrame = (
  printed: string,
  extra: { offset?: number; size?: number; module?: string | undefined; unreliable?: boolean; inlined?: boolean },
): Frame => {
  const symbol = normaliseSymbol(printed);
  // A return address never lies past its function: a trampoline (kretprobe, ftrace) stands in place of the caller.
  const past = extra.offset !== undefined && extra.size !== undefined && extra.size > 0 && extra.offset >= extra.size;
  return {
    symbol,
    ...(symbol === printed ? {} : { printed }),
    ...(extra.offset === undefined ? {} : { offset: extra.offset }),
    ...(extra.size === undefined ? {} : { size: extra.size }),
    ...(extra.module === undefined ? {} : { module: extra.module }),
    ...(extra.unreliable || past ? { unreliable: true } : {}),
    ...(extra.inlined ? { inlined: true } : {}),
  };
};

const SYM = String.raw`([A-Za-z_.$][\w.$]*)`;
/** `sym+0x1/0x2 [mod]`; the size may be missing, what follows (file:line, `(unreliable)`, addr2line text) does not count. */
const OFFSET_FRAME = new RegExp(
  String.raw`^${SYM}\+0x([0-9a-f]+)(?:\/0x([0-9a-f]+))?(?=$|[\s)\]])(?:\s*\[([\w-]+)(?:\([A-Z]+\))?(?: [0-9a-f]{8,})?\]?)?(.*)$`,
);
const INLINE_FRAME = new RegExp(String.raw`^${SYM} \S+:\d+ \[inline\]`);
/** arm32, v5.19 and later: `schedule from schedule_timeout+0x54/0xc4`; before: `(schedule) from [<c0a1>] (schedule_timeout+0x54/0xc4)`. */
const FROM_FRAME = new RegExp(
  String.raw`^\(?${SYM}\)?(?:\+0x([0-9a-f]+)\/0x([0-9a-f]+)\)?)? from (?:\[<[0-9a-f]+>\] )?\(?${SYM}\+0x([0-9a-f]+)(?:\/0x([0-9a-f]+))?\)?(?: \[([\w-]+)\])?`,
);
/** `__schedule at ffffffff818b3c3c [mod]`, `schedule at ... [mod]`, `ext4_create at  [ext4]`, `sym+617 at addr`. */
const AT_FRAME = new RegExp(
  String.raw`^${SYM}(?:\+(0x[0-9a-f]+|\d+))? at(?:$|\s+(?:(?:[0-9a-f]{6,}|\.{2,}|<?\w*>?)(?=$|\s|\[))?\s*(?:\[([\w-]+)\])?)`,
);
const AT_FILE_FRAME = new RegExp(
  String.raw`^${SYM}(?:\+(0x[0-9a-f]+|\d+))?(?:\/0x([0-9a-f]+))? (?:at |\()[\w./-]+:\d+`,
);
const GDB_FRAME = new RegExp(String.raw`^(?:0x[0-9a-f]+ in )?${SYM}(?:\+(0x[0-9a-f]+|\d+))?(?:\/0x([0-9a-f]+))? ?\(`);
const DRGN_OFFSET_FRAME = new RegExp(String.raw`^${SYM}\+(\d+|0x[0-9a-f]+)(?:\/0x([0-9a-f]+))?(?=$|\s)`);

const parseNumber = (s: string | undefined): number | undefined => {
  if (s === undefined) return undefined;
  const n = s.startsWith("0x") ? Number.parseInt(s.slice(2), 16) : Number.parseInt(s, 10);
  return Number.isSafeInteger(n) ? n : undefined;
};
const hex = (s: string | undefined): number | undefined => {
  if (s === undefined) return undefined;
  const n = Number.parseInt(s, 16);
  return Number.isSafeInteger(n) ? n : undefined;
};

const defined = <T extends object>(o: T): { [K in keyof T]: Exclude<T[K], undefined> } => {
  const out: Record<string, unknown> = {};
  for (const [k, v] of Object.entries(o)) if (v !== undefined) out[k] = v;
  return out as { [K in keyof T]: Exclude<T[K], undefined> };
};

const offsetFrame = (body: string, unreliable: boolean): Frame | undefined => {
  const m = OFFSET_FRAME.exec(body);
  if (!m) return undefined;
  const doubtful = unreliable || m[5]?.includes("(unreliable)") === true;
  return makeFrame(
    m[1]!,
    defined({ offset: hex(m[2]), size: hex(m[3]), module: m[4], unreliable: doubtful || undefined }),
  );
};

const fromFrames = (body: string): readonly Frame[] | undefined => {
  const m = FROM_FRAME.exec(body);
  if (!m) return undefined;
  return [
    makeFrame(m[1]!, defined({ offset: hex(m[2]), size: hex(m[3]) })),
    makeFrame(m[4]!, defined({ offset: hex(m[5]), size: hex(m[6]), module: m[7] })),
  ];
};

const END: FrameLine = { form: "end", frames: [] };

/** A frame after its address or `?`; `form` says what stood before it. */
const parseBody = (s: string, at: number, form: FrameForm, unreliable: boolean): FrameLine | undefined => {
  let p = skipBlanks(s, at);
  while (s.charCodeAt(p) === 63 /* ? */) {
    unreliable = true;
    p = skipBlanks(s, p + 1);
  }
  const c = s.charCodeAt(p);
  if (c === 48 && s.charCodeAt(p + 1) === 120 /* 0x */) {
    const m = /^0x(0|[0-9a-f]{6,16})\s*(?:\[|$)/.exec(s.slice(p));
    if (!m) return undefined;
    if (/^(?:f+|0)$/.test(m[1]!)) return END;
    return { form, frames: [makeFrame("", { unreliable: true })] };
  }
  if (c === 40 /* ( */ || !isIdentifier(c) || isDigit(c)) {
    const from = c === 40 ? fromFrames(s.slice(p)) : undefined;
    if (from) return { form, frames: from };
    // s390: `([<000000000011c2e8>] show_trace+0x8a/0xe0)`, old arm: `(unwind_backtrace+0x0/0xe0)`
    if (c !== 40) return undefined;
    const inner = offsetFrame(s.slice(p + 1), unreliable);
    return inner ? { form, frames: [inner] } : undefined;
  }
  let q = p + 1;
  while (isIdentifier(s.charCodeAt(q))) q++;
  const next = s.charCodeAt(q);
  if (next === 43 /* + */) {
    if (s.charCodeAt(q + 1) !== 48 || s.charCodeAt(q + 2) !== 120) return undefined;
    const body = p === 0 ? s : s.slice(p);
    if (s.includes(" from ", q)) {
      const from = fromFrames(body);
      if (from) return { form, frames: from };
    }
    const frame = offsetFrame(body, unreliable);
    return frame ? { form, frames: [frame] } : undefined;
  }
  if (next !== 32) return undefined;
  if (s.includes(" [inline]", q)) {
    const m = INLINE_FRAME.exec(s.slice(p));
    return m ? { form: "inline", frames: [makeFrame(m[1]!, { inlined: true })] } : undefined;
  }
  if (s.startsWith(" from ", q)) {
    const from = fromFrames(s.slice(p));
    return from ? { form, frames: from } : undefined;
  }
  return undefined;
};

/** `[<addr>] sym`, `[<0>] sym`, `[c000f1] [c0019] sym`, `[<addr>] (sym) from ..` starting at `p`. */
const parseBracketed = (s: string, p: number): FrameLine | undefined => {
  let q = p;
  let proc = false;
  let angled = false;
  // ppc64 prints the stack pointer first: `[c000000f1c3cb7d0] [c0000000000191dc] __switch_to+0x1bc/0x2a0`
  for (let n = 0; n < 2 && s.charCodeAt(q) === 91; n++) {
    let r = q + 1;
    if (s.charCodeAt(r) === 60) {
      angled = true;
      r++;
    } else if (angled) return undefined;
    const digits = r;
    while (isHexDigit(s.charCodeAt(r))) r++;
    const length = r - digits;
    if (angled) {
      // Addresses elided by whoever posted the log: `[<...>]`.
      while (s.charCodeAt(r) === 46) r++;
      if (s.charCodeAt(r) !== 62 || s.charCodeAt(r + 1) !== 93) return undefined;
      proc = length === 1 && s.charCodeAt(digits) === 48;
      q = skipBlanks(s, r + 2);
      break;
    }
    if (length < 8 || s.charCodeAt(r) !== 93) return undefined;
    q = skipBlanks(s, r + 1);
  }
  return parseBody(s, q, proc ? "proc" : "addr", false);
};

const DRGN_LIKE = [AT_FILE_FRAME, GDB_FRAME, DRGN_OFFSET_FRAME] as const;

/** What follows `#3 ` in crash's, drgn's and gdb's backtraces. */
const parseNumbered = (body: string, bracketed: boolean, hash: boolean): FrameLine | undefined => {
  if (!bracketed) {
    for (const shape of DRGN_LIKE) {
      const m = shape.exec(body);
      if (m)
        return { form: "drgn", frames: [makeFrame(m[1]!, defined({ offset: parseNumber(m[2]), size: hex(m[3]) }))] };
    }
  }
  const m = AT_FRAME.exec(body);
  if (m) return { form: "crash", frames: [makeFrame(m[1]!, defined({ offset: parseNumber(m[2]), module: m[3] }))] };
  if (bracketed && hash && /^[A-Za-z_][\w.]*$/.test(body)) return { form: "crash", frames: [makeFrame(body, {})] };
  return undefined;
};

/** Finds frames; keeps what it has parsed, because the same frames come again and again. */
export interface FrameParser {
  parse(text: string): IndexedFrameLine | undefined;
}

const CACHE_LIMIT = 50_000;
const TEXT_LIMIT = 400;

/** A string that does not keep the large block alive from which it was sliced. */
export const ownCopy = (s: string): string => (s.length < 13 ? s : Buffer.from(s, "utf8").toString("utf8"));

/**
 * A parser whose frames went through `canonical` (see {@link createInterner}).
 * @internal
 */
export const createFrameParser = (canonical: (frame: Frame) => Frame): FrameParser => {
  let cache = new Map<string, IndexedFrameLine>();
  let numbered = new Map<string, FrameLine>();
  const canonicalLine = (line: FrameLine): FrameLine =>
    line.frames.length === 0 ? line : { form: line.form, frames: line.frames.map(canonical) };
  const remember = (text: string, line: FrameLine): IndexedFrameLine => {
    if (cache.size >= CACHE_LIMIT) cache = new Map();
    const found = { line: canonicalLine(line) };
    cache.set(ownCopy(text), found);
    return found;
  };

  /** ` #0 [ffffc9000cd0f8b0] __schedule at ffffffff818b3c3c`: stack addresses differ, the rest comes again. */
  const parseIndex = (text: string, p: number): IndexedFrameLine | undefined => {
    let q = p;
    const hash = text.charCodeAt(q) === 35;
    if (hash) q++;
    const start = q;
    while (isDigit(text.charCodeAt(q)) && q - start < 8) q++;
    if (q === start) return undefined;
    const index = Number(text.slice(start, q));
    const body = skipBlanks(text, q);
    if (body === q) return undefined;
    let r = body;
    const bracketed = text.charCodeAt(r) === 91;
    if (bracketed) {
      if (text.charCodeAt(r + 1) === 60) {
        // A histogram of /proc/PID/stack: `   1463 [<0>] rwsem_down_read_slowpath+0x2c3/0x4a0`
        if (hash) return undefined;
        const line = parseBracketed(text, r);
        return line && line.frames.length > 0 ? { line: canonicalLine(line), count: index } : undefined;
      }
      const close = text.indexOf("]", r);
      if (close < 0 || close - r > 24 || !/^[0-9a-f.x]*$/.test(text.slice(r + 1, close))) return undefined;
      r = skipBlanks(text, close + 1);
    } else if (!hash) return undefined;
    const rest = text.slice(r);
    let line = numbered.get(rest);
    if (line === undefined) {
      const parsed = parseNumbered(rest, bracketed, hash);
      if (!parsed) return undefined;
      line = canonicalLine(parsed);
      if (numbered.size >= CACHE_LIMIT) numbered = new Map();
      numbered.set(ownCopy(rest), line);
    }
    return { line, index };
  };

  const parseUncached = (text: string): IndexedFrameLine | undefined => {
    let p = skipBlanks(text, 0);
    const c = text.charCodeAt(p);
    if (c === 91 /* [ */) {
      if (text.startsWith("[exception RIP: ", p)) {
        const m = /^\[exception RIP: ([A-Za-z_.$][\w.$]*)\+(0x[0-9a-f]+|\d+)/.exec(text.slice(p));
        if (!m) return undefined;
        return remember(text, { form: "crash", frames: [makeFrame(m[1]!, defined({ offset: parseNumber(m[2]) }))] });
      }
      const line = parseBracketed(text, p);
      return line && remember(text, line);
    }
    if (c === 35 /* # */ || isDigit(c)) {
      if (c === 48 && text.charCodeAt(p + 1) === 120) {
        const line = parseBody(text, p, "plain", false);
        return line && remember(text, line);
      }
      return parseIndex(text, p);
    }
    if (c === 40 && text.charCodeAt(p + 1) === 91)
      p++; // s390: `([<addr>] sym+..)`
    else if (isIdentifier(c) && text.charCodeAt(p + 1) === 91 && text.charCodeAt(p + 2) === 60) p++; // a stray letter before `[<`
    if (text.charCodeAt(p) === 91) {
      const line = parseBracketed(text, p);
      return line && remember(text, line);
    }
    const line = parseBody(text, p, "plain", false);
    return line && remember(text, line);
  };

  return {
    parse(text) {
      if (text.length > TEXT_LIMIT) return undefined;
      return cache.get(text) ?? parseUncached(text);
    },
  };
};
