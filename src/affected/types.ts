/** What is known of one machine, and what follows from it for each bug and incident. Plain data. */
import type { Need } from "../diagnose/known-bugs/preconditions.ts";
import type { Choices } from "../incidents/prepared.ts";
import type { KernelConfig } from "./kernel-config.ts";
import type { KernelName } from "./kernel-name.ts";

/** A fact and where it was said: an option (`--cgroup`), a file, or a file and its line (`kern.log:3`). */
export interface Fact<T> {
  readonly value: T;
  readonly from: string;
}

/** What is known of a machine; everything may be missing. @since 0.3.0 */
export interface Machine {
  readonly kernel?: Fact<KernelName>;
  /** Point release where the name hides it: from the header of the configuration. */
  readonly config?: Fact<KernelConfig>;
  /** Hierarchy that the memory controller is on. */
  readonly cgroup?: Fact<"v1" | "v2">;
  /** The memory controller is on; false: `cgroup_disable=memory`. */
  readonly memcg?: Fact<boolean>;
  /** Kernel memory is accounted; false: `cgroup.memory=nokmem`. */
  readonly kmem?: Fact<boolean>;
  /** Filesystems in use. `complete`: there are no others. */
  readonly filesystems?: Fact<readonly string[]> & { readonly complete: boolean };
  readonly swap?: Fact<boolean>;
  /** The kernel is the named release and nothing else, whoever built it. */
  readonly unpatched?: boolean;
  /** Commits that are in the kernel, or are not, whatever its name says; hashes of 7 digits or more. */
  readonly has?: readonly string[];
  readonly lacks?: readonly string[];
}

/** In the order in which answers are listed. */
export const STATUSES = ["affected", "unknown", "unreachable", "fixed"] as const;
/** What an answer says. */
export type Status = (typeof STATUSES)[number];

/** One precondition, looked up in what is known of the machine. */
export interface Condition {
  /** What must be so. */
  readonly what: string;
  /** Undefined: not known. */
  readonly holds: boolean | undefined;
  readonly because: string;
  /** Options that would tell. */
  readonly decidedBy: readonly string[];
  readonly source: string;
  readonly need: Need;
}

/** One exploration that backs an answer. */
export interface Experiment {
  /** `witness`: the bug is there to be found; `proof`: it is not. */
  readonly role: "witness" | "proof";
  readonly incident: string;
  readonly choices: Choices;
  /** As it is typed. */
  readonly command: string;
  /** What it came to; absent until it is run. */
  readonly result?: ExperimentResult;
}

/** What a search came to. */
export interface ExperimentResult {
  readonly outcome: "deadlock" | "livelock" | "lockup" | "invariant" | "none";
  /** Every schedule of this size was covered. */
  readonly complete: boolean;
  readonly states: number | undefined;
  /** It came out as its role says. */
  readonly asExpected: boolean;
}

/** Whether one bug or incident can happen on a machine. @since 0.3.0 */
export interface Answer {
  readonly kind: "bug" | "incident";
  readonly id: string;
  readonly title: string;
  readonly status: Status;
  /** One sentence. */
  readonly reason: string;
  /** The commit that ends it, 12 digits. */
  readonly commit?: string;
  /** For `unknown`: options that would decide it. */
  readonly decidedBy: readonly string[];
  readonly conditions: readonly Condition[];
  /** Incident of the model that covers it. */
  readonly incident?: string;
  readonly experiments: readonly Experiment[];
  readonly sources: readonly string[];
}
