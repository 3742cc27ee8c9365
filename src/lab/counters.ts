/** Counter files of a guest: samples under `== t=SECONDS`, in them `-- FILE` sections or plain `name value` lines. */

/** One sample: the guest's time and the lines below. */
export interface Sample {
  readonly seconds: number;
  readonly lines: readonly string[];
}

/** Takes a file of samples apart; lines before the first title are left out. */
export function samplesOf(text: string): readonly Sample[] {
  const samples: { seconds: number; lines: string[] }[] = [];
  for (const line of text.split("\n")) {
    const m = /^== t=(\d+(?:\.\d+)?)$/.exec(line);
    if (m !== null) samples.push({ seconds: Number(m[1]), lines: [] });
    else if (line !== "") samples.at(-1)?.lines.push(line);
  }
  return samples;
}

/** `-- FILE` sections: the lines of each file. */
export function sectionsOf(lines: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const sections = new Map<string, string[]>();
  let current: string[] | undefined;
  for (const line of lines) {
    const m = /^-- (\S+)$/.exec(line);
    if (m !== null) sections.set(m[1]!, (current = []));
    else current?.push(line);
  }
  return sections;
}

/** A counter that can be compared between runs: name to number. */
export type Counters = Readonly<Record<string, number>>;

const whole = /^-?\d+$/;

/** The lines `name value` with a whole number. */
export function namedNumbers(lines: readonly string[]): Counters {
  const out: Record<string, number> = {};
  for (const line of lines) {
    const [name, value, ...rest] = line.split(/\s+/);
    if (name && value !== undefined && rest.length === 0 && whole.test(value)) out[name] = Number(value);
  }
  return out;
}

/** The counters of a cgroup in one sample: `memory.failcnt`, `memory.stat.pgfault`, ... */
export function groupCounters(lines: readonly string[]): Counters {
  const out: Record<string, number> = {};
  for (const [file, body] of sectionsOf(lines)) {
    if (body.length === 1 && whole.test(body[0]!)) out[file] = Number(body[0]);
    for (const [name, value] of Object.entries(namedNumbers(body))) out[`${file}.${name}`] = value;
  }
  return out;
}

/** Writes of a disk at one moment. */
export interface DiskSample {
  readonly seconds: number;
  readonly writes: number;
  readonly sectorsWritten: number;
}

/** The samples of diskstats.txt; one disk a sample. Fields: Documentation/admin-guide/iostats.rst. */
export function diskSamples(text: string): readonly DiskSample[] {
  return samplesOf(text).flatMap(({ seconds, lines }) => {
    const fields = lines[0]?.trim().split(/\s+/) ?? [];
    const [writes, sectorsWritten] = [Number(fields[7]), Number(fields[9])];
    return Number.isInteger(writes) && Number.isInteger(sectorsWritten) ? [{ seconds, writes, sectorsWritten }] : [];
  });
}

/** When the writing stopped for good. */
export interface Standstill {
  /** The last sample that saw a write done, in seconds since the boot. */
  readonly lastWriteSeconds: number;
  /** From there to the last sample. */
  readonly quietSeconds: number;
}

/** Undefined when something was written in the last `leastQuietSeconds` of the samples, or nothing ever. */
export function standstill(samples: readonly DiskSample[], leastQuietSeconds: number): Standstill | undefined {
  const last = samples.at(-1);
  if (last === undefined || last.sectorsWritten === 0) return undefined;
  const from = samples.find((s) => s.sectorsWritten === last.sectorsWritten && s.writes === last.writes)!;
  const quietSeconds = last.seconds - from.seconds;
  return quietSeconds >= leastQuietSeconds ? { lastWriteSeconds: from.seconds, quietSeconds } : undefined;
}
