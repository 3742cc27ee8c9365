/** Cuts the public document `unwedge.diagnosis/1` from the view object; `undefined` becomes `null` where the contract has it. */
import type { ContextRef, ContextView, CoreEdgeView, Diagnosis } from "../diagnose/types.ts";
import type { Resource } from "../waits/types.ts";
import type { DiagnosisDocument } from "./schema.ts";

type RefDocument = DiagnosisDocument["breakers"] extends readonly (infer R)[] | undefined ? R : never;

/** Most contexts a stuck group lists; its `count` is exact. */
const MAX_LISTED = 1000;

/** A context as the contract names it. */
export function contextDocument(context: Omit<ContextRef, "key">): RefDocument {
  return {
    kind: context.kind,
    pid: context.pid ?? null,
    comm: context.comm ?? null,
    cpu: context.cpu ?? null,
    line: context.line ?? null,
    input: context.input ?? null,
  };
}

/** A resource as the contract names it. */
export function resourceDocument(r: Resource): { class: string; id: string | null } {
  return { class: r.class, id: r.id ?? null };
}

/** An edge of a core as the contract has it. */
export function edgeDocument(edge: CoreEdgeView): DiagnosisDocument["core"][number] {
  return {
    waiter: contextDocument(edge.waiter),
    waitsFor: resourceDocument(edge.waitsFor),
    event: edge.event,
    any: edge.any,
    heldBy: edge.heldBy.map(contextDocument),
    why: [...edge.why],
    confidence: edge.confidence,
    lines: edge.lines.map((at) => ({ ...at })),
  };
}

/** One sentence per fact that is missing: `fact: command`. */
function collectAdvice(d: Diagnosis): string[] {
  return d.missing.map((missing) => `collect ${missing.fact}: ${missing.command}`);
}

/**
 * The document of the contract, ready for `JSON.stringify`.
 *
 * @example
 * JSON.stringify(toContract(diagnosis, { version: "0.1.0" }));
 */
export function toContract(d: Diagnosis, options: { readonly version: string }): DiagnosisDocument {
  return {
    schema: "unwedge.diagnosis/1",
    tool: { name: "unwedge", version: options.version },
    inputs: d.inputs.map(({ name, format, formats, bytes, lines, compression, notes }) => ({
      name,
      format,
      bytes,
      lines,
      formats: [...formats],
      compression: compression ?? null,
      notes: [...(notes ?? [])],
    })),
    kernel: { release: d.kernel.release ?? null, pageApi: d.kernel.pageApi ?? null },
    verdict: d.verdict,
    exits: [...d.exits],
    confidence: d.confidence,
    summary: d.summary,
    core: d.core.map(edgeDocument),
    stuckBehind: d.stuckBehind.map((group) => ({
      waitsFor: resourceDocument(group.waitsFor),
      event: group.event,
      contexts: group.contexts.slice(0, MAX_LISTED).map(contextDocument),
      count: group.count,
      heldBy: group.heldBy.map(contextDocument),
      why: [...group.why],
    })),
    contexts: d.contexts,
    unexplained: d.unexplained.map(contextDocument),
    knownBugs: d.knownBugs.map((bug) => ({
      id: bug.id,
      title: bug.title,
      fix: bug.fix ?? null,
      match: bug.match,
      outsideEra: bug.outsideEra ?? false,
      incident: bug.incident ?? null,
      affected: bug.affected,
      today: bug.today,
      why: [...bug.why],
    })),
    advice: [...new Set([...d.advice, ...collectAdvice(d)])],
    assumptions: [...d.assumptions],
    breakers: d.breakers.map(contextDocument),
    answers: d.answers.map(({ question, answer, lines }) => ({
      question,
      answer,
      lines: lines.map((at) => ({ ...at })),
    })),
    missing: d.missing.map(({ fact, command }) => ({ fact, command })),
    terminals: (d.terminals ?? []).map(({ role, name, count }) => ({ role, name, count })),
    reasons: [...(d.reasons ?? [])],
    unknownFrames: d.unknownFrames.map(({ symbol, module, count }) => ({ symbol, module: module ?? null, count })),
    unparsed: { count: d.unparsed.count, first: d.unparsed.first === undefined ? null : { ...d.unparsed.first } },
    cutLines: d.cutLines,
    details: d.details.map(detail),
  };
}

function detail(view: ContextView): NonNullable<DiagnosisDocument["details"]>[number] {
  const { wait } = view;
  return {
    ref: contextDocument(view),
    role: view.role,
    state: view.state ?? null,
    blockedSeconds: view.blockedSeconds ?? null,
    workqueue: view.workqueue ?? null,
    count: view.count,
    wait:
      wait === undefined
        ? null
        : {
            waitsFor: resourceDocument(wait.resource),
            event: wait.event,
            mode: wait.mode ?? null,
            sleep: wait.sleep,
            any: wait.any,
            because: wait.because,
            line: wait.line ?? null,
          },
    holds: view.holds.map((hold) => ({
      resource: resourceDocument(hold.resource),
      mode: hold.mode ?? null,
      confidence: hold.confidence,
      because: hold.because,
      line: hold.line ?? null,
    })),
    doing: [...view.doing],
    frames: view.frames.map((frame) => ({ text: frame.text, line: frame.line ?? null, says: frame.says ?? null })),
  };
}
