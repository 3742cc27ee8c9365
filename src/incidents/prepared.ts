/** What an incident becomes when it is ready to run, whatever it is a model of. */
import type { Machine } from "../resumable/machine.ts";
import type { Account } from "./account.ts";
import type { Parameters, Story } from "./incident.ts";

/** What a user chose; everything has a default. */
export interface Choices {
  readonly era?: string;
  readonly fixes?: readonly string[];
  readonly reverted?: readonly string[];
  readonly cgroup?: "v1" | "v2";
  readonly kmem?: boolean;
  readonly hacks?: readonly string[];
  readonly parameters?: Readonly<Record<string, number>>;
  /** Check the laws of the model in every state. */
  readonly invariants?: boolean;
}

/** Why a choice cannot be taken; `known` lists what there is, for a suggestion. */
export interface ChoiceError {
  readonly message: string;
  readonly given?: string;
  readonly known?: readonly string[];
}

/** What a result holds for. Printed with it. */
export interface Scope {
  readonly tasks: number;
  readonly pages: number;
  readonly cpus: number;
  /** Requests that may be in flight. */
  readonly requests: number;
  readonly timers: "free";
  readonly memoryModel: "sequential";
  readonly fixedChoices: readonly string[];
  readonly fairness: string;
}

/** Which kernel it is. @since 0.2.0 */
export interface KernelChoice {
  readonly era: string;
  readonly cgroup: "v1" | "v2";
  readonly kmem: boolean;
}

/** A program in its first state, what it was made from, and who tells of it. @since 0.2.0 */
export interface Subject {
  readonly incident: Story;
  readonly parameters: Parameters;
  readonly choices: Choices;
  readonly scope: Scope;
  /** Undefined for abstract models: there is no kernel. With what it would be if nothing was chosen. */
  readonly ofKernel: (KernelChoice & { readonly defaults: Pick<KernelChoice, "era" | "cgroup"> }) | undefined;
  /** The machine, which stands in its first state when this is first called. */
  start(): Machine;
  /**
   * The account of its present state, to which `steps` lead from the first; `also` are contexts to show although they wait for
   * nothing.
   */
  account(also: readonly number[], steps: readonly { readonly context: string; readonly way: number }[]): Account;
  /** Seconds after which the step that a context is at has happened at the latest, by a clock that a search has not. */
  boundOf?(context: number): number | undefined;
  /** The kernel function that a context is in, as the release prints it. */
  within(context: number): string | undefined;
}

/** What both kinds of model hold for alike. @internal */
export const anyScheduler = {
  timers: "free",
  memoryModel: "sequential",
  fairness: "none needed: what is reported cannot end under any scheduler",
} as const;
