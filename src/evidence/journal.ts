/**
 * `journalctl -o json`: one entry per line, what the other outputs print before a message in fields beside it.
 * Sample: {"_HOSTNAME":"a","_BOOT_ID":"0c1f...","_SOURCE_MONOTONIC_TIMESTAMP":"616926063","MESSAGE":"INFO: task ..."}
 */

/** A message of the journal. */
export interface JournalEntry {
  readonly message: string;
  /** Seconds, as printk counts them. */
  readonly time: number | undefined;
  readonly host: string | undefined;
  readonly bootId: string | undefined;
}

/** Whether the line at `from` is worth parsing. */
export const mayBeJournal = (text: string, from: number): boolean =>
  text.charCodeAt(from) === 123 && text.charCodeAt(from + 1) === 34;

type Fields = Readonly<Record<string, unknown>>;

const fieldsOf = (line: string): Fields | undefined => {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? (value as Fields) : undefined;
  } catch {
    return undefined;
  }
};

const isByte = (b: unknown): b is number => typeof b === "number" && b >= 0 && b <= 255;

/** A field given twice is a list of texts; one that is not UTF-8, or has control characters, a list of bytes. */
const textOf = (value: unknown): string | undefined => {
  if (typeof value === "string") return value;
  if (!Array.isArray(value)) return undefined;
  if (value.length > 0 && value.every(isByte)) return Buffer.from(value).toString("utf8");
  const first: unknown = value[0];
  return Array.isArray(first) ? undefined : textOf(first);
};

const secondsOf = (fields: Fields): number | undefined => {
  const text = textOf(fields._SOURCE_MONOTONIC_TIMESTAMP) ?? textOf(fields.__MONOTONIC_TIMESTAMP);
  return text !== undefined && /^\d{1,18}$/.test(text) ? Number(text) / 1e6 : undefined;
};

/** The entry of a line, or undefined when it is none. */
export const readJournalEntry = (line: string): JournalEntry | undefined => {
  if (!line.includes('"MESSAGE"')) return undefined;
  const fields = fieldsOf(line);
  const message = fields && textOf(fields.MESSAGE);
  if (!fields || message === undefined) return undefined;
  const from = textOf(fields.SYSLOG_IDENTIFIER) ?? "kernel";
  return {
    // What programs log is not the kernel's word; the text outputs name them as well.
    message: from === "kernel" || textOf(fields._TRANSPORT) === "kernel" ? message : `${from}: ${message}`,
    time: secondsOf(fields),
    host: textOf(fields._HOSTNAME),
    bootId: textOf(fields._BOOT_ID),
  };
};
