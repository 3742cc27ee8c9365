/**
 * What mail does to a log: quote marks, HTML entities, quoted-printable, wrapped lines.
 *
 * Wrapping is undone by shape, one line ahead: a line is joined to the one before only when the first is visibly
 * unfinished (`INFO: task x:1 blocked for more than`) or the second cannot stand alone (`[dm_integrity]`).
 */

const ENTITY = /&(?:lt|gt|amp|quot|nbsp|apos|#\d{1,7}|#x[0-9a-fA-F]{1,6});/;
const ENTITIES = new RegExp(ENTITY.source, "g");
const NAMED: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', nbsp: " ", apos: "'" };

const decodeEntity = (entity: string): string => {
  const body = entity.slice(1, -1);
  if (body.charCodeAt(0) !== 35) return NAMED[body] ?? entity;
  const code = body[1] === "x" ? Number.parseInt(body.slice(2), 16) : Number(body.slice(1));
  return code === 160 ? " " : code > 0x10ffff || code === 0 ? entity : String.fromCodePoint(code);
};

/** `&gt; &lt;TASK&gt;` -> `> <TASK>`; twice, because archives escape what was already escaped. */
export const decodeEntities = (s: string): string => {
  for (let n = 0; n < 2 && s.includes("&") && ENTITY.test(s); n++) s = s.replace(ENTITIES, decodeEntity);
  return s;
};

/** Length of the quote marks at the start of a line: `> > `, `>>`, `| `, `: `. */
export const quoteLength = (s: string): number => {
  let p = 0;
  let end = 0;
  for (;;) {
    let q = p;
    if (s.charCodeAt(q) === 32) q++;
    const c = s.charCodeAt(q);
    if (c === 62 /* > */) p = end = q + 1;
    else if ((c === 124 /* | */ || c === 58) /* : */ && s.charCodeAt(q + 1) === 32) p = end = q + 1;
    else break;
  }
  // One blank belongs to the mark, the others are the message's indent.
  return end > 0 && s.charCodeAt(end) === 32 ? end + 1 : end;
};

const QP_HEADER = /^content-transfer-encoding:\s*quoted-printable/i;
const QP_CODE = /=([0-9A-F]{2})/g;

const decodeQuotedPrintable = (s: string): string => {
  if (!s.includes("=")) return s;
  const bytes = s.replace(QP_CODE, (_, h: string) => String.fromCharCode(Number.parseInt(h, 16)));
  return /[\x80-\xff]/.test(bytes) && !/[^\x00-\xff]/.test(bytes)
    ? Buffer.from(bytes, "latin1").toString("utf8")
    : bytes;
};

/** Undoes the encoding of a mail, line by line. `undefined`: the line goes on in the next one. */
export interface MailDecoder {
  /** False when `line` would give back a line with these first and last characters unchanged. */
  concerns(first: number, last: number): boolean;
  line(s: string, number: number): { readonly text: string; readonly number: number } | undefined;
  end(): { readonly text: string; readonly number: number } | undefined;
}

/** Quoted-printable is on after its header, or after a soft break that only an encoder makes. */
export const createQuotedPrintable = (): MailDecoder => {
  let on = false;
  let held: { text: string; number: number } | undefined;
  return {
    concerns: (first, last) => on || held !== undefined || last === 61 /* = */ || first === 67 /* C */ || first === 99,
    line(s, number) {
      if (QP_HEADER.test(s)) on = true;
      const soft = s.endsWith("=") && (on || (s.length >= 72 && s.length <= 76 && !s.endsWith("==")));
      if (soft) {
        on = true;
        if (held && held.text.length < 4096) held.text += s.slice(0, -1);
        else held = { text: s.slice(0, -1), number: held?.number ?? number };
        return undefined;
      }
      const whole = held ? held.text + s : s;
      const first = held?.number ?? number;
      held = undefined;
      return { text: on ? decodeQuotedPrintable(whole) : whole, number: first };
    },
    end() {
      const rest = held;
      held = undefined;
      return rest && { text: decodeQuotedPrintable(rest.text), number: rest.number };
    },
  };
};

const HEX_RUN = /^[0-9a-f]{8,16}(?:$|\s)/;
const TASK_FIELD =
  /^(?:stack: ?|pid: ?|ppid: ?|tgid: ?|flags:0x|task_flags:|state:[A-Z]|\d+\s+(?:pid:|ppid:|tgid:|flags:|task_flags:)|\d+$|0x[0-9a-f]+$)/;
const OLD_HEADER_REST = /^[RSDTtXZPIWK]\s+(?:[0-9a-f]{8,16}\s+|running task\s+)?\d+\s+\d+\s+\d+\s+0x[0-9a-f]+$/;
const MODULE_ALONE = /^\[[a-z][\w-]*\]$/;
const BUILD_ID_REST = /^[0-9a-f]{16,}\]/;
const SYMBOL_FRAME = /^(?:\? )?[A-Za-z_.][\w.]*\+0x[0-9a-f]+\/0x[0-9a-f]+/;
const ECHO_REST =
  /^(?:disables this|disables|this message|message\.|\/proc\/sys\/kernel\/hung|> \/proc|hung_task_timeout)/;
const BLOCKED_ON = / blocked(?: on\b|$)|<(?:reader|writer)>$/;
const BLOCKED_ON_WHOLE = / task .+ task .+:\d+(?:\.| <\w+>)?$|not found\.$/;
const ONLY_ADDRESS = /^\s*(?:\?\s*)?\[<[0-9a-f]+>\](?:\s*\?)?$/;
const OOM_REST =
  /^(?:order=|nodemask=|oom_score_adj=|anon-rss:|file-rss:|shmem-rss:|total-vm:|pgtables:|UID:|task_memcg=|task=|cpuset=|mems_allowed=|failcnt|kB|limit |oom_memcg=|global_oom)/;

/** True when `next`, a line without a prefix of its own, is the wrapped rest of `before`. */
export const isContinuation = (before: string, next: string): boolean => {
  if (before === "") return false;
  const cur = next.trimStart();
  if (cur === "" || cur.length > 200) return false;
  const c = cur.charCodeAt(0);
  if (before.endsWith("Workqueue:")) return /^[\w:/.-]+ \w/.test(cur);
  if (c === 91 /* [ */) {
    if (MODULE_ALONE.test(cur)) return /\+0x[0-9a-f]+(?:\/0x[0-9a-f]+)?$| at [0-9a-f.]+$|^Workqueue: /.test(before);
    return false;
  }
  if (c === 67 /* C */ && cur.startsWith("COMMAND:")) return before.includes("PID:") && !before.includes("COMMAND:");
  if (c === 40 /* ( */) return /^\s*#\d+: [0-9a-f]{8,16}$/.test(before);
  const last = before.charCodeAt(before.length - 1);
  if (before.includes("INFO: task ")) {
    if (!before.includes(" blocked on") && /blocked(?: .{0,24})?(?: for(?: more(?: than(?: \d+)?)?)?)?$/.test(before))
      return /^(?:for |more |than |\d+ sec|sec)/.test(cur);
    if (/^<(?:reader|writer)>$/.test(cur)) return before.includes(" blocked on");
    return (
      BLOCKED_ON.test(before) &&
      !BLOCKED_ON_WHOLE.test(before) &&
      /likely|owned|held|by task|semaphore|mutex|:\d+(?: <|\.?$)|^<|not found/.test(cur)
    );
  }
  if (c === 100 || c === 116 || c === 109 || c === 47 || c === 62 || c === 104) {
    if (before.includes('"echo 0') && !before.includes("message.") && ECHO_REST.test(cur)) return true;
  }
  if (last === 116 /* t */ && before.endsWith(" at")) return HEX_RUN.test(cur) || MODULE_ALONE.test(cur);
  if (last === 58 /* : */ && before.endsWith(" at:")) return /^[A-Za-z_][\w.]*(?:\+0x| \S+:\d)/.test(cur);
  if (before.trimStart().startsWith("task:") && !before.includes(" flags:0x"))
    return before.includes(" state:") ? TASK_FIELD.test(cur) : cur.startsWith("state:");
  if (last === 62 || last === 63 || last === 93) {
    if (ONLY_ADDRESS.test(before)) return SYMBOL_FRAME.test(cur);
    if (last === 63 && /(?:^|\s)\?$/.test(before)) return SYMBOL_FRAME.test(cur);
  }
  if (BUILD_ID_REST.test(cur)) return /\[[\w-]+$/.test(before);
  if (OLD_HEADER_REST.test(cur)) return before.length <= 16 && !/[+<>=]/.test(before);
  if (c >= 48 && c <= 57 && /^\d+s! \[/.test(cur)) return before.endsWith("stuck for");
  if (before.includes("oom-killer") || before.includes("illed process") || before.includes("oom-kill:"))
    return OOM_REST.test(cur);
  return false;
};

/** Joins the two halves: an identifier cut before `[` or after `at` needs its blank back. */
export const joinWrapped = (before: string, cur: string): string => `${before} ${cur.trimStart()}`;
