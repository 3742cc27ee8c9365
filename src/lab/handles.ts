/**
 * Who holds a jbd2 handle at the end of a trace: the lab's own witness for or against the holder that a diagnosis names.
 * Read from the probes of lab/guest/probes: a nested start returns the handle the task already has, and each start has
 * its stop. Stops whose start the ring lost are passed over; so is a start whose return was lost.
 */

/** A handle that was started and not stopped. */
export interface OpenHandle {
  readonly pid: number;
  readonly comm: string;
  /** Guest seconds of its outermost start. */
  readonly sinceSeconds: number;
  readonly handle: string;
}

// "         creat48-159     [001] .....    10.760014: jbd2_start_ret: (... <- jbd2__journal_start) handle=0xff19..."
const startReturned = /^\s*(.+)-(\d+)\s+\[\d+\]\s+\S+\s+(\d+\.\d+): jbd2_start_ret: .*\bhandle=(0x[0-9a-f]+)$/;
const stopped = /-(\d+)\s+\[\d+\]\s+\S+\s+\d+\.\d+: jbd2_stop: .*\bhandle=(0x[0-9a-f]+)$/;
/** Errors come back as the last page of addresses, and no journal as 0. */
const isHandle = (value: string): boolean => value !== "0x0" && !/^0xfffffffffffff[0-9a-f]{3}$/.test(value);

/** The handles of a trace. */
export interface TracedHandles {
  /** Open at its end, oldest first. */
  readonly open: readonly OpenHandle[];
  /** The tasks that it saw start or stop one: of others, whose start the ring lost, it cannot tell. */
  readonly followed: ReadonlySet<number>;
}

/** Follows the handles of a trace. */
export function tracedHandles(trace: string): TracedHandles {
  const followed = new Set<number>();
  const open = new Map<string, { holder: OpenHandle; depth: number }>();
  for (const line of trace.split("\n")) {
    if (!line.includes("jbd2_st")) continue;
    const start = startReturned.exec(line);
    if (start !== null && isHandle(start[4]!)) {
      const [, comm, pid, at, handle] = start as unknown as [string, string, string, string, string];
      const known = open.get(handle);
      followed.add(Number(pid));
      // a handle's memory is used again: another task's start means that a stop was lost
      if (known !== undefined && known.holder.pid === Number(pid)) known.depth++;
      else open.set(handle, { holder: { pid: Number(pid), comm, sinceSeconds: Number(at), handle }, depth: 1 });
      continue;
    }
    const stop = stopped.exec(line);
    if (stop === null) continue;
    followed.add(Number(stop[1]));
    const known = open.get(stop[2]!);
    if (known !== undefined && --known.depth === 0) open.delete(known.holder.handle);
  }
  const holders = [...open.values()].map((o) => o.holder);
  return { open: holders.sort((a, b) => a.sinceSeconds - b.sinceSeconds), followed };
}
