/**
 * Congestion of legacy request queues (block/blk-core.c:queue_congestion_on_threshold): a queue that has given out seven eighths of
 * its requests is congested. Multi-queue devices never are, and from 5.0 on there are no others.
 */
import { kernel } from "../sched/current.ts";
import type { Block } from "./blk-core.ts";

/** Whether any device is, as `wait_iff_congested()` asks; queues whose requests are not counted never are. */
export function anyQueueCongested(): boolean {
  const block = kernel().subsystems.get("block") as Block | undefined;
  return (block?.queues ?? []).some(({ tags, depth }) => tags > 0 && tags >= depth - Math.floor(depth / 8));
}
