import type { Evidence, Frame, TaskRecord } from "./types.ts";

const frameText = (f: Frame): string => {
  const size = f.size === undefined ? "" : `/0x${f.size.toString(16)}`;
  const offset = f.offset === undefined ? "" : `+0x${f.offset.toString(16)}${size}`;
  return `${f.unreliable ? "? " : ""}${f.printed ?? f.symbol}${offset}${f.module ? ` [${f.module}]` : ""}${f.inlined ? " [inline]" : ""}`;
};

const facts = (t: TaskRecord): string =>
  [
    t.state,
    t.blockedSeconds === undefined ? undefined : `>${t.blockedSeconds}s`,
    t.cpu === undefined ? undefined : `cpu ${t.cpu}`,
    t.tgid === undefined ? undefined : `tgid ${t.tgid}`,
    t.ppid === undefined ? undefined : `ppid ${t.ppid}`,
    t.time === undefined ? undefined : `time ${t.time}`,
    t.wchan === undefined ? undefined : `wchan ${t.wchan}`,
    t.count === undefined ? undefined : `x${t.count}`,
    t.truncated ? "truncated" : undefined,
  ]
    .filter((s) => s !== undefined)
    .join(" ");

const taskText = (t: TaskRecord): string => {
  const lines = [
    `${t.line}-${t.lastLine} #${t.snapshot} ${t.format} ${t.comm ?? "-"}:${t.pid ?? "-"} ${facts(t)}`.trimEnd(),
  ];
  if (t.title !== undefined) lines.push(`  title ${t.title}`);
  const wq = t.workqueue;
  if (wq) lines.push(`  workqueue ${wq.name} | ${wq.work ?? "-"} | ${wq.description ?? "-"}`);
  const o = t.likelyOwner;
  if (o) lines.push(`  owner of ${o.lock}${o.mode ? ` (${o.mode})` : ""}: ${o.comm ?? "-"}:${o.pid}, line ${o.line}`);
  t.stack.frames.forEach((f, i) => {
    lines.push(`  ${t.frameLines?.[i] ?? "-"} ${frameText(f)}`);
  });
  return lines.join("\n");
};

/**
 * Snapshots, task records and unparsed lines as compact text, for golden files.
 * @internal
 */
export const dumpEvidence = (e: Evidence): string => {
  const lines: string[] = [];
  for (const i of e.inputs) lines.push(`input ${i.name}: ${i.format} (${i.formats.join(", ")}) ${i.lines} lines`);
  if (e.release !== undefined) lines.push(`release ${e.release}`);
  e.snapshots.forEach((s, n) => {
    lines.push(
      `snapshot #${n} ${s.kind} line ${s.line}${s.time === undefined ? "" : ` time ${s.time}`}${s.complete ? " complete" : ""}`,
    );
  });
  for (const t of e.tasks) lines.push(taskText(t));
  const first = e.unparsed.first;
  lines.push(`unparsed ${e.unparsed.count}${first ? `, first line ${first.line}: ${first.text}` : ""}`);
  return `${lines.join("\n")}\n`;
};
