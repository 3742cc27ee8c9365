/** One answer from where the kernel stands and which preconditions hold. */
import { pointName } from "./kernel-name.ts";
import type { Standing } from "./standing.ts";
import type { Condition, Machine, Status } from "./types.ts";

/** What a standing and conditions come to. */
export interface Combined {
  readonly status: Status;
  readonly reason: string;
  readonly decidedBy: readonly string[];
}

/**
 * The fix ends the matter, whatever else holds; one precondition that does not hold makes the bug unreachable, whatever is not
 * known; what is not known makes it unknown.
 */
export function combine(standing: Standing, conditions: readonly Condition[], machine: Machine): Combined {
  if (standing.kind === "fixed") return { status: "fixed", reason: `fixed here by ${standing.because}`, decidedBy: [] };
  if (standing.kind === "before") return { status: "unreachable", reason: standing.because, decidedBy: [] };
  const missing = conditions.find((c) => c.holds === false);
  if (missing !== undefined) return { status: "unreachable", reason: missing.because, decidedBy: [] };
  const open = conditions.filter((c) => c.holds === undefined);
  if (standing.kind === "present" && open.length === 0) {
    const met = conditions.map((c) => c.because);
    const here = machine.kernel === undefined ? "this kernel" : pointName(machine.kernel.value);
    const because = standing.because === "" ? "" : `: ${standing.because}`;
    return { status: "affected", reason: [`${here} has it${because}`, ...met].join("; "), decidedBy: [] };
  }
  const kernel = standing.kind === "unknown" ? standing : undefined;
  const reasons = [
    standing.because,
    ...(open.length === 0 ? [] : [`not known: ${open.map((c) => c.what).join(", ")}`]),
  ];
  return {
    status: "unknown",
    reason: reasons.filter((s) => s !== "").join("; "),
    decidedBy: [...new Set([...(kernel?.decidedBy ?? []), ...open.flatMap((c) => c.decidedBy)])],
  };
}
