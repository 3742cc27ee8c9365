/**
 * Files of a memory cgroup, v1 and v2, as people collect them:
 *
 *     -- memory.usage_in_bytes          ==> memory.current <==        memory.events:max 36
 *     12128256                          31166464                      # cat /sys/fs/cgroup/a/memory.max
 *
 * `memory.stat` becomes a sample of its own; the small files of one round become one `memcg` sample, whose values are named by
 * file (`memory.limit_in_bytes`) or file and line (`memory.events.oom_kill`). Printed by mm/memcontrol.c:memory_stat_show,
 * mm/memcontrol-v1.c:memcg1_stat_format and their neighbours. `max` is infinity and is left out.
 */
import { ownCopy } from "../frames.ts";
import type { EvidenceSink, Format, LineReader, LogLine } from "../reader.ts";
import { createCounterBlock, plainNumber } from "./counter-block.ts";
import { readSection, sampleTime, sectionLine } from "./section.ts";

/** First lines of memory.stat: by these a list without its file name is known. */
const OPENERS: ReadonlySet<string> = new Set([
  "cache",
  "anon",
  "hierarchical_memory_limit",
  "total_cache",
  "total_dirty",
  "file_dirty",
]);
const KEY_VALUE = /^([a-z][a-z0-9_]{1,63})[ \t]+(\S+)$/;
const HEADER =
  /^(?:[-=>#$\s]*)(?:cat\s+)?((?:\/?[^\s/:]{1,255}\/){0,32})(memory\.[a-z_]+(?:\.[a-z_]+){0,3})(?:\s*<==|\s*==+)?(?::\s*|\s*=\s*|\s+|$)(.*)$/;
/** Keys of memory.events, memory.oom_control and the like. */
const SMALL_FILE = /^memory(?:\.\w+)*\.(?:events|events\.local|oom_control|swap\.events)$/;

/** Reader of memory cgroup files. */
export const memoryStat: Format = {
  name: "memory_stat",
  describes: "memory cgroup files: memory.stat, usage/limit/failcnt (v1), current/max/events (v2)",
  sample: "-- memory.usage_in_bytes",
  open: (sink) => createReader(sink),
};

interface Round {
  readonly key: string;
  readonly line: number;
  readonly section: number;
  readonly time: number | undefined;
  readonly values: Record<string, number>;
}

function createReader(sink: EvidenceSink): LineReader {
  let file = "";
  let path = "";
  let fileLine = 0;
  let round: Round | undefined;
  const stat = createCounterBlock(sink, "memory_stat", "memory.stat", () => path || "memory.stat");

  const flushRound = (): void => {
    if (round === undefined) return;
    const { key, line, time, values } = round;
    round = undefined;
    sink.saw("memory_stat");
    sink.sample({ source: "memcg", line, key, values, ...(time === undefined ? {} : { time }) });
  };
  const put = (l: LogLine, name: string, value: number): void => {
    const key = path || "memory";
    if (
      round !== undefined &&
      (round.section !== sectionLine(sink) || round.key !== key || Object.hasOwn(round.values, name))
    ) {
      flushRound();
    }
    round ??= { key: ownCopy(key), line: l.number, section: sectionLine(sink), time: sampleTime(sink, l), values: {} };
    if (Number.isFinite(value)) round.values[ownCopy(name)] = value;
  };
  const inFile = (l: LogLine): boolean => file !== "" && l.number - fileLine <= 3;

  /** A value line below a file name, or the rest of `memory.current: 123`. */
  const content = (l: LogLine, text: string): boolean => {
    if (file === "memory.stat") return keyValue(l, text, true);
    const number = plainNumber(text);
    if (number !== undefined) {
      put(l, file, number);
      return true;
    }
    if (text === "max") return true;
    const m = KEY_VALUE.exec(text);
    const value = m === null || !SMALL_FILE.test(file) ? undefined : plainNumber(m[2]!);
    if (value === undefined) return false;
    put(l, `${file}.${m![1]!}`, value);
    fileLine = l.number;
    return true;
  };
  const keyValue = (l: LogLine, text: string, named: boolean): boolean => {
    const m = KEY_VALUE.exec(text);
    const value = m === null ? undefined : plainNumber(m[2]!);
    if (value === undefined || !(named || stat.isOpen(l) || OPENERS.has(m![1]!))) return false;
    stat.add(l, m![1]!, value);
    return true;
  };
  const header = (l: LogLine): boolean => {
    const m = HEADER.exec(l.text);
    if (m === null || m[2] === "memory.pressure") return false;
    const rest = m[3]!.trim();
    const before = { file, path, fileLine };
    if (m[2] !== file || m[2] === "memory.stat") stat.isOpen(l);
    file = m[2]!;
    path = m[1]!.replace(/\/$/, "");
    fileLine = l.number;
    // The file's name in running text is no header: nothing but a value may follow it.
    if (rest === "" || content(l, rest)) return true;
    ({ file, path, fileLine } = before);
    return false;
  };

  return {
    line(l: LogLine): boolean {
      const { text } = l;
      const c = text.charCodeAt(0);
      if (text.length > 500 || c === 32 || Number.isNaN(c)) return false;
      if (text.includes("memory.") && header(l)) return true;
      if (c === 61) {
        if (!readSection(sink, l)) return false;
        file = "";
        return true;
      }
      if (inFile(l) && content(l, text)) return true;
      if (c < 97 || c > 122) return false;
      const last = text.charCodeAt(text.length - 1);
      return last >= 48 && last <= 57 && keyValue(l, text, false);
    },
    end(): void {
      stat.flush();
      flushRound();
    },
  };
}
