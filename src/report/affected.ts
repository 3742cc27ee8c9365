/** What can happen on a kernel, as text and as `unwedge.affected/1`. */
import { type KernelName, pointName } from "../affected/kernel-name.ts";
import type { Answer, Experiment, Fact, Machine, Status } from "../affected/types.ts";
import type { AffectedDocument } from "./affected-schema.ts";
import { Page, type TextRole } from "./page.ts";
import { count, plural } from "./words.ts";

/** What a report of answers needs besides them. */
export interface AffectedReport {
  readonly machine: Machine;
  readonly answers: readonly Answer[];
  /** Contradictions of the input and damage of files, as sentences. */
  readonly notes: readonly string[];
  /** The explorations were run. */
  readonly proven: boolean;
}

/** How many answers of each kind. */
export function countsOf(answers: readonly Answer[]): Readonly<Record<Status, number>> {
  const of = (status: Status): number => answers.filter((a) => a.status === status).length;
  return { affected: of("affected"), unknown: of("unknown"), unreachable: of("unreachable"), fixed: of("fixed") };
}

const TITLES: Readonly<Record<Status, string>> = {
  affected: "AFFECTED: it can happen here",
  unknown: "UNKNOWN",
  unreachable: "UNREACHABLE: it cannot happen here",
  fixed: "FIXED here",
};
/** Column in which the reason starts. */
const INDENT = "    ";

/** The text report: 80 columns, affected first. @since 0.3.0 */
export function affectedText(
  { machine, answers, notes, proven }: AffectedReport,
  options: { readonly width?: number; readonly style?: (role: TextRole, text: string) => string } = {},
): string {
  const page = new Page(options.width ?? 80, options.style ?? ((_role, text) => text), false);
  const counts = countsOf(answers);
  const others = `${count(counts.unknown)} unknown, ${count(counts.unreachable)} unreachable, ${count(counts.fixed)} fixed`;
  page.wrapped("verdict", `${headline(counts)}: ${others}.`, "", "  ");
  for (const line of machineLines(machine)) page.wrapped("dim", line, "", "  ");
  for (const note of notes) page.wrapped(undefined, note, "note: ", "  ");
  for (const status of ["affected", "unknown", "unreachable", "fixed"] as const) {
    const own = answers.filter((a) => a.status === status);
    if (own.length === 0) continue;
    page.blank();
    page.line("heading", TITLES[status]);
    for (const answer of own) block(page, answer);
  }
  page.blank();
  if (!proven && answers.some((a) => a.experiments.length > 0))
    page.wrapped(
      "dim",
      "The commands show it in the model at its default sizes; --prove runs them all at small ones.",
      "",
    );
  return page.toString();
}

function headline(counts: Readonly<Record<Status, number>>): string {
  if (counts.affected > 0) return `AFFECTED by ${plural(counts.affected, "entry", "entries")}`;
  return counts.unknown > 0 ? "CANNOT TELL" : "NOT AFFECTED";
}

function block(page: Page, a: Answer): void {
  const incident = a.kind === "incident" ? "incident" : "bug";
  page.wrapped("name", `${a.id} (${incident}): ${a.title}`, "  ", INDENT);
  page.wrapped(undefined, a.reason, INDENT, INDENT);
  if (a.status === "unknown" && a.decidedBy.length > 0)
    page.wrapped(undefined, `decided by: ${a.decidedBy.join(", ")}`, INDENT, INDENT);
  for (const e of a.experiments) experimentLines(page, e);
}

function experimentLines(page: Page, e: Experiment): void {
  const { result } = e;
  const said =
    result === undefined
      ? ""
      : result.outcome === "none"
        ? result.complete
          ? `: none, every schedule (${plural(result.states ?? 0, "state")})`
          : ": none found, a bound was reached"
        : `: ${result.outcome}`;
  page.wrapped("dim", `${e.role}${said}`, INDENT, INDENT);
  page.pasted(e.command, `${INDENT}  `);
}

/** What is known, and from where. */
function machineLines(m: Machine): readonly string[] {
  const facts = [
    m.cgroup && `cgroup ${m.cgroup.value} (${m.cgroup.from})`,
    m.memcg?.value === false && `no memory cgroups (${m.memcg.from})`,
    m.kmem && `kernel memory ${m.kmem.value ? "" : "not "}accounted as far as the command line goes (${m.kmem.from})`,
    m.filesystems &&
      `filesystems ${m.filesystems.complete ? "" : "at least "}${m.filesystems.value.join(", ") || "none"} (${m.filesystems.from})`,
    m.swap && `${m.swap.value ? "swap" : "no swap"} (${m.swap.from})`,
    m.config && `configuration ${m.config.from}`,
  ].filter((text): text is string => typeof text === "string");
  const kernel =
    m.kernel === undefined ? "The kernel's release is not known." : kernelLine(m.kernel.value, m.unpatched === true);
  return [kernel, ...(facts.length === 0 ? [] : [`Known: ${facts.join("; ")}.`])];
}

function kernelLine(k: KernelName, unpatched: boolean): string {
  const point = pointName(k);
  const from = k.pointFrom === undefined ? "" : ` (from ${k.pointFrom})`;
  const whose = k.distribution?.name;
  if (whose === undefined || unpatched) return `Linux ${k.uname}, taken as ${point} of kernel.org${from}.`;
  const hides = k.patch === undefined && k.rc === undefined ? "; the name hides the point release" : "";
  const added =
    k.distribution?.backports === "features" ? "an old base with many backports" : "with patches of its own";
  return `Linux ${k.uname} of ${whose}: ${point}${from}, ${added}${hides}. What it does not have by its number may have been backported.`;
}

/** The document of the contract, ready for `JSON.stringify`. @since 0.3.0 */
export function affectedDocument(
  { machine, answers, notes, proven }: AffectedReport,
  version: string,
): AffectedDocument {
  return {
    schema: "unwedge.affected/1",
    tool: { name: "unwedge", version },
    machine: machineDocument(machine),
    counts: countsOf(answers),
    proven,
    notes: [...notes],
    answers: answers.map(answerDocument),
  };
}

const factDocument = <T>(fact: Fact<T> | undefined) =>
  fact === undefined ? null : { value: fact.value, from: fact.from };

function machineDocument(m: Machine): AffectedDocument["machine"] {
  const k = m.kernel?.value;
  return {
    kernel:
      m.kernel === undefined || k === undefined
        ? null
        : {
            release: k.uname,
            point: k.patch === undefined && k.rc === undefined ? null : pointName(k),
            pointFrom: k.pointFrom ?? null,
            distribution: k.distribution?.name ?? null,
            backports: m.unpatched ? "none" : (k.distribution?.backports ?? "none"),
            from: m.kernel.from,
          },
    config: m.config === undefined ? null : { release: m.config.value.release ?? null, from: m.config.from },
    cgroup: factDocument(m.cgroup),
    memcg: factDocument(m.memcg),
    kmem: factDocument(m.kmem),
    filesystems:
      m.filesystems === undefined
        ? null
        : { value: [...m.filesystems.value], from: m.filesystems.from, complete: m.filesystems.complete },
    swap: factDocument(m.swap),
  };
}

function answerDocument(a: Answer): AffectedDocument["answers"][number] {
  return {
    kind: a.kind,
    id: a.id,
    title: a.title,
    status: a.status,
    reason: a.reason,
    commit: a.commit ?? null,
    decidedBy: [...a.decidedBy],
    conditions: a.conditions.map(({ what, holds, because, decidedBy, source }) => ({
      what,
      holds: holds ?? null,
      because,
      decidedBy: [...decidedBy],
      source,
    })),
    incident: a.incident ?? null,
    experiments: a.experiments.map(({ role, incident, command, result }) => ({
      role,
      incident,
      command,
      result: result === undefined ? null : { ...result, states: result.states ?? null },
    })),
    sources: [...a.sources],
  };
}
