/**
 * Is anything getting on? Two dumps of a slow host and of a stuck one look alike; counters between them do not.
 */
import type { Evidence, Sample } from "../evidence/types.ts";

export interface Fact {
  readonly text: string;
  readonly lines: readonly { readonly input: number; readonly line: number }[];
}

export interface Progress {
  /** `advancing`: counters of finished work rose to the end; `still`: they stood still; `unknown`: no counters. */
  readonly storage: "advancing" | "still" | "unknown";
  /** Page faults and charges of the cgroup, or of the host. */
  readonly memory: "advancing" | "still" | "unknown";
  /** Requests were in flight while nothing completed. */
  readonly ioStuck: boolean;
  /** Pages of the group under writeback, as last sampled. */
  readonly writebackPages?: number;
  readonly facts: readonly Fact[];
}

const DISK_KEYS = ["sectors_written", "sectors_read", "writes_completed", "reads_completed"];
/** Counters that rise only when somebody gets something done; failcnt is not one, retries raise it too. */
const MEMORY_KEYS = ["pgfault", "pgpgin", "pgpgout", "total_pgfault", "total_pgpgin", "total_pgpgout"];
const VMSTAT_KEYS = ["pgpgout", "pgpgin", "nr_written"];

/** Progress between the samples of the evidence. */
export function progressOf(evidence: Evidence): Progress {
  const facts: Fact[] = [];
  const disks = seriesOf(evidence.samples, "diskstats");
  const groups = [...seriesOf(evidence.samples, "memory.stat"), ...seriesOf(evidence.samples, "memcg")];
  const vm = seriesOf(evidence.samples, "vmstat");
  const storage =
    judge(disks, DISK_KEYS, facts, (s) => `disk ${s.key}`) ??
    judge(vm, VMSTAT_KEYS, facts, () => "vmstat") ??
    "unknown";
  const memory = judge(groups, MEMORY_KEYS, facts, (s) => s.key) ?? "unknown";
  const ioStuck = disks.some((d) => {
    const [a, b] = d.slice(-2);
    return (
      a !== undefined &&
      b !== undefined &&
      (b.values.in_flight ?? 0) > 0 &&
      DISK_KEYS.every((k) => a.values[k] === b.values[k])
    );
  });
  const writeback = groups
    .map((g) => g.at(-1)?.values)
    .map((v) => v?.total_writeback ?? v?.writeback ?? v?.file_writeback)
    .find((v) => v !== undefined);
  return {
    storage,
    memory,
    ioStuck,
    ...(writeback !== undefined && { writebackPages: Math.round(writeback / 4096) }),
    facts,
  };
}

function seriesOf(samples: readonly Sample[], source: Sample["source"]): Sample[][] {
  const by = new Map<string, Sample[]>();
  for (const s of samples) {
    if (s.source !== source) continue;
    const key = `${s.input}/${s.key}`;
    const list = by.get(key);
    if (list) list.push(s);
    else by.set(key, [s]);
  }
  return [...by.values()].filter((s) => s.length >= 2);
}

/** These counters never fall: where one does, another boot (or a group of the same name) began to count. */
function sinceLastFall(series: readonly Sample[], keys: readonly string[]): readonly Sample[] {
  const fell = series.findLastIndex((s, i) => i > 0 && keys.some((k) => s.values[k]! < series[i - 1]!.values[k]!));
  return fell < 0 ? series : series.slice(fell);
}

/** The tail decides: a host that stalled after a good start is stuck. */
function judge(
  series: readonly Sample[][],
  keys: readonly string[],
  facts: Fact[],
  name: (s: Sample) => string,
): "advancing" | "still" | undefined {
  let verdict: "advancing" | "still" | undefined;
  for (const s of series) {
    const tail = sinceLastFall(s, keys).slice(-3);
    if (tail.length < 2) continue;
    const first = tail[0]!;
    const last = tail.at(-1)!;
    const have = keys.filter((k) => last.values[k] !== undefined && first.values[k] !== undefined);
    const moving = have.filter((k) => last.values[k]! > first.values[k]!);
    if (have.length === 0) continue;
    const key = moving[0] ?? have[0]!;
    const lines = [
      { input: first.input, line: first.line },
      { input: last.input, line: last.line },
    ];
    const span =
      first.time !== undefined && last.time !== undefined
        ? ` in ${(last.time - first.time).toFixed(0)} s`
        : ` over the last ${tail.length} samples`;
    if (moving.length > 0) {
      facts.push({ text: `${name(last)}: ${key} went from ${first.values[key]} to ${last.values[key]}${span}`, lines });
      verdict = "advancing";
    } else {
      facts.push({ text: `${name(last)}: ${key} stayed at ${last.values[key]}${span}`, lines });
      verdict ??= "still";
    }
  }
  return verdict;
}
