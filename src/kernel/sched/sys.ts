/** System calls of kernel/sys.c. */
import { op, type Resumable } from "../../resumable/index.ts";
import { PF_LESS_THROTTLE, PF_LOCAL_THROTTLE, PF_MEMALLOC_NOIO } from "../gfp.ts";
import { current, era } from "./current.ts";

const setFlags = op<undefined, number>("set task flags", {
  apply(_none, flags) {
    current().flags |= flags;
  },
});

/**
 * `prctl(PR_SET_IO_FLUSHER, 1)`: what the task allocates from now on starts no I/O and waits for none. False where there is no
 * such call (EINVAL, before 5.6).
 */
export function* prSetIoFlusher(): Resumable<boolean> {
  if (!era().prSetIoFlusher) return false;
  yield setFlags(undefined, PF_MEMALLOC_NOIO | (era().localThrottle ? PF_LOCAL_THROTTLE : PF_LESS_THROTTLE));
  return true;
}
