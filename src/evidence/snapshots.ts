/** Which printing of many tasks a record belongs to: a dump that was announced, or headers that follow each other. */
import type { EvidenceSink, LogLine } from "./reader.ts";
import type { Snapshot } from "./types.ts";

/** Kinds of {@link Snapshot}. */
export type SnapshotKind = Snapshot["kind"];

interface KnownSnapshot {
  readonly index: number;
  readonly pids: Set<number>;
  lastTime: number | undefined;
}

/** The snapshots of one input that are still growing. */
export interface Snapshots {
  /**
   * The snapshot of this kind that `pid` belongs to: the last one, unless this pid is in it already or the time
   * since its last line is longer than `gapSeconds`.
   */
  snapshotFor(kind: SnapshotKind, l: LogLine, pid: number | undefined, gapSeconds?: number): number;
  /** Begins a dump whose header was printed: task headers that follow belong to it. */
  beginDump(kind: SnapshotKind, format: string, l: LogLine): void;
  endDump(): void;
  /** The dump that a task header at `l` belongs to, or undefined. */
  dumpFor(l: LogLine, pid: number | undefined): { readonly snapshot: number; readonly format: string } | undefined;
  /** A record of the snapshot was printed until then. */
  printed(snapshot: number, lastTime: number | undefined): void;
  end(): void;
}

/** Lines of one dump are never this far apart, not even on a slow serial console. */
const DUMP_GAP_SECONDS = 60;

/** Snapshots that go to `sink`. */
export const createSnapshots = (sink: EvidenceSink): Snapshots => {
  const last = new Map<SnapshotKind, KnownSnapshot>();
  const known = new Map<number, KnownSnapshot>();
  let dump: { readonly snapshot: KnownSnapshot; readonly format: string } | undefined;

  const newSnapshot = (kind: SnapshotKind, l: LogLine, complete: boolean): KnownSnapshot => {
    const index = sink.snapshot({ kind, line: l.number, ...(l.time === undefined ? {} : { time: l.time }), complete });
    const made: KnownSnapshot = { index, pids: new Set(), lastTime: l.time };
    known.clear();
    for (const s of last.values()) known.set(s.index, s);
    if (dump) known.set(dump.snapshot.index, dump.snapshot);
    known.set(index, made);
    return made;
  };

  const snapshotFor = (kind: SnapshotKind, l: LogLine, pid: number | undefined, gapSeconds?: number): number => {
    const previous = last.get(kind);
    const late =
      gapSeconds !== undefined &&
      l.time !== undefined &&
      previous?.lastTime !== undefined &&
      Math.abs(l.time - previous.lastTime) > gapSeconds;
    let s = previous;
    if (!s || late || (pid !== undefined && pid > 0 && s.pids.has(pid))) {
      s = newSnapshot(kind, l, false);
      last.set(kind, s);
      known.set(s.index, s);
    }
    if (pid !== undefined) s.pids.add(pid);
    if (l.time !== undefined) s.lastTime = l.time;
    return s.index;
  };

  return {
    snapshotFor,
    beginDump(kind, format, l) {
      dump = undefined;
      dump = { snapshot: newSnapshot(kind, l, kind === "sysrq-w" || kind === "sysrq-t"), format };
    },
    endDump() {
      dump = undefined;
    },
    dumpFor(l, pid) {
      if (!dump) return undefined;
      const s = dump.snapshot;
      const late = l.time !== undefined && s.lastTime !== undefined && Math.abs(l.time - s.lastTime) > DUMP_GAP_SECONDS;
      if (late || (pid !== undefined && pid > 0 && s.pids.has(pid))) {
        dump = undefined;
        return undefined;
      }
      if (pid !== undefined) s.pids.add(pid);
      if (l.time !== undefined) s.lastTime = l.time;
      return { snapshot: s.index, format: dump.format };
    },
    printed(snapshot, lastTime) {
      const k = known.get(snapshot);
      if (k && lastTime !== undefined) k.lastTime = lastTime;
    },
    end() {
      last.clear();
      known.clear();
      dump = undefined;
    },
  };
};
