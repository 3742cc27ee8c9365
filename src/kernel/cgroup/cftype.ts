/** `struct cftype`: what a control file answers and does. */
import type { Resumable } from "../../resumable/index.ts";
import type { MemCgroup } from "../mm/memcg-types.ts";
import type { Cgroup } from "./cgroup-types.ts";
import type { Errno, Result } from "./errno.ts";

/** The directory that a file is in; immutable. `cgroup` is undefined in kernels without `bootCgroups`. */
export interface Directory {
  readonly memcg: MemCgroup;
  readonly cgroup: Cgroup | undefined;
}

/** A file that cannot be read comes to this. */
export interface Refused {
  readonly error: Errno;
}

/** A control file. Without `read` or `write` it is there, and answers EINVAL. */
export interface Cftype {
  /** First release that has it. */
  readonly since?: string;
  readonly notOnRoot?: boolean;
  /** It needs a {@link Cgroup}. */
  readonly ofCgroup?: boolean;
  /** It belongs to the directory, whether the memory controller is on there or not. */
  readonly core?: boolean;
  read?(directory: Directory): string | Refused;
  /** A write that changes nothing others can see. */
  answer?(directory: Directory, text: string): Result;
  write?(directory: Directory, text: string): Resumable<Result>;
}
export type Cftypes = Readonly<Record<string, Cftype>>;
