/**
 * Whose evidence a line is: which machine, and which boot of it. Each origin gets readers of its own, so that a record,
 * a dump or a list of locks never runs on from one machine into another.
 *
 * A boot ends where the kernel introduces itself again (`Linux version`, `Command line:`) or where printk time starts
 * again near 0. Time that merely falls is no reboot: people paste parts of one log in any order.
 */
import type { LogLine } from "./reader.ts";
import type { Origin } from "./types.ts";

/** What is known about where lines come from; `origin` is filled in by the first evidence. */
export interface Place {
  readonly input: number;
  host: string | undefined;
  /** The journal's id of the boot. */
  bootId: string | undefined;
  boot: number;
  line: number;
  origin: number | undefined;
}

interface Entry {
  host?: string;
  readonly boot: number;
  readonly line: number;
  readonly input: number;
}

/** The origins over all inputs. */
export interface OriginTable {
  readonly list: Entry[];
  readonly bootIds: (string | undefined)[];
}

/** An empty {@link OriginTable}. */
export const newOrigins = (): OriginTable => ({ list: [], bootIds: [] });

/** Hostile input could boot in every line; what comes later belongs to the last one. */
const MAX_ORIGINS = 1000;

/** An input that names no machine belongs to the first one with as many boots. */
const fits = (o: Entry, bootId: string | undefined, p: Place): boolean =>
  o.boot === p.boot &&
  (p.host === undefined || o.host === undefined || o.host === p.host) &&
  (p.bootId === undefined || bootId === undefined || bootId === p.bootId);

const find = (table: OriginTable, p: Place): number => {
  const { list, bootIds } = table;
  if (p.bootId !== undefined) {
    const known = bootIds.indexOf(p.bootId);
    if (known >= 0) return known;
    // Another boot of the same machine took this number, in another input.
    while (list.some((o, i) => o.host === p.host && o.boot === p.boot && bootIds[i] !== undefined)) p.boot++;
  }
  const exact = list.findIndex((o, i) => o.host === p.host && fits(o, bootIds[i], p));
  return exact >= 0 ? exact : list.findIndex((o, i) => fits(o, bootIds[i], p));
};

/** Index of the origin of `place`, which becomes one with its first evidence. */
export const originOf = (table: OriginTable, place: Place): number => {
  if (place.origin !== undefined) return place.origin;
  const { list, bootIds } = table;
  let index = find(table, place);
  if (index < 0 && list.length >= MAX_ORIGINS) index = list.length - 1;
  if (index < 0) {
    const { host, boot, line, input } = place;
    list.push(host === undefined ? { boot, line, input } : { host, boot, line, input });
    index = list.length - 1;
  } else if (list.length < MAX_ORIGINS && place.host !== undefined) list[index]!.host ??= place.host;
  bootIds[index] ??= place.bootId;
  place.origin = index;
  return index;
};

/** The table as evidence. */
export const originsOf = (table: OriginTable): readonly Origin[] => table.list;

/** Lines that only a booting kernel prints. */
const markOf = (text: string): string | undefined => {
  const c = text.charCodeAt(0);
  if (c === 76 /* L */) return text.startsWith("Linux version ") ? "version" : undefined;
  if (c === 66 /* B */) return text.startsWith("Booting Linux on ") ? "booting" : undefined;
  if (c === 67 /* C */) return text.startsWith("Command line: ") ? "command" : undefined;
  if (c === 75 /* K */) return text.startsWith("Kernel command line: ") ? "command" : undefined;
  return undefined;
};

/** Printk time of the first lines of a boot. */
const BOOT_SECONDS = 5;
/** Console, syslog and the CPUs' clocks never disagree by this much. */
const FALL_SECONDS = 60;
/** A boot prints its marks within as many lines. `cat /proc/version` prints only one. */
const MARK_LINES = 100;
/** Machines in one input whose readers are kept open. */
const MAX_HOSTS = 64;

interface Stream<R> {
  readonly place: Place;
  readonly readers: R;
  lastTime: number;
  mark: { readonly kind: string; readonly line: number } | undefined;
}

/** Readers of one input, one set per origin. */
export interface Streams<R> {
  /** The readers that line `l` belongs to. */
  at(l: LogLine, host: string | undefined, bootId: string | undefined): R;
  end(): void;
}

/** Opens readers as machines and boots show up; ends them with their boot. */
export const createStreams = <R>(
  input: number,
  table: OriginTable,
  open: (place: Place) => R,
  close: (readers: R) => void,
): Streams<R> => {
  const begin = (place: Omit<Place, "input" | "origin">): Stream<R> => {
    const own: Place = { ...place, input, origin: undefined };
    return { place: own, readers: open(own), lastTime: 0, mark: undefined };
  };
  let current = begin({ host: undefined, bootId: undefined, boot: 0, line: 1 });
  const hosts = new Map<string, Stream<R>>();
  const key = (p: Place): string => p.host ?? "";
  hosts.set("", current);

  /** Lines before the first that names a machine are from that machine. */
  const adopt = (host: string): boolean => {
    const { place } = current;
    if (place.host !== undefined || hosts.size > 1) return false;
    const entry = place.origin === undefined ? undefined : table.list[place.origin];
    if (entry) {
      if (entry.host !== undefined && entry.host !== host) return false;
      entry.host = host;
    }
    hosts.clear();
    place.host = host;
    hosts.set(host, current);
    return true;
  };

  const toHost = (host: string, line: number): void => {
    const known = hosts.get(host);
    if (known) current = known;
    else if (!adopt(host)) {
      if (hosts.size >= MAX_HOSTS) {
        const [oldest, stream] = hosts.entries().next().value!;
        close(stream.readers);
        hosts.delete(oldest);
      }
      current = begin({ host, bootId: undefined, boot: 0, line });
      hosts.set(host, current);
    }
  };

  const reboot = (line: number, bootId: string | undefined): void => {
    const { place } = current;
    if (place.origin === undefined) {
      // A boot that left no evidence does not count.
      place.line = line;
      place.bootId = bootId;
      return;
    }
    close(current.readers);
    current = begin({ host: place.host, bootId, boot: place.boot + 1, line });
    hosts.set(key(place), current);
  };

  const toBoot = (bootId: string, line: number): void => {
    const { place } = current;
    if (place.bootId === bootId) return;
    if (place.bootId === undefined && place.origin === undefined) place.bootId = bootId;
    else reboot(line, bootId);
  };

  /** Two different marks close to each other, in logs without printk times. */
  const introduced = (s: Stream<R>, kind: string, line: number): number | undefined => {
    const before = s.mark;
    s.mark = { kind, line };
    return before && before.kind !== kind && line - before.line <= MARK_LINES ? before.line : undefined;
  };

  const look = (l: LogLine): void => {
    const s = current;
    const { time } = l;
    const kind = markOf(l.text);
    if (time !== undefined) {
      const early = time < BOOT_SECONDS;
      const fell = s.lastTime > time + FALL_SECONDS && time < s.lastTime / 2;
      s.lastTime = time;
      if ((fell && (early || kind !== undefined)) || (kind === "version" && early)) {
        reboot(l.number, undefined);
        current.lastTime = time;
      }
      return;
    }
    if (kind === undefined) return;
    const from = introduced(s, kind, l.number);
    if (from !== undefined) reboot(from, undefined);
  };

  return {
    at(l, host, bootId) {
      if (host !== undefined && host !== current.place.host) toHost(host, l.number);
      if (bootId !== undefined) toBoot(bootId, l.number);
      else look(l);
      return current.readers;
    },
    end() {
      for (const s of hosts.values()) close(s.readers);
      hosts.clear();
    },
  };
};
