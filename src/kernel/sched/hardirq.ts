/** Entering and leaving an interrupt context (include/linux/hardirq.h): it runs on top of what its CPU was doing. */
import { thisCpu } from "./current.ts";
import type { Kernel } from "./kernel.ts";
import type { Task } from "./task.ts";

/** Part of the step in which the interrupt arrives: a hard one runs with interrupts off. */
export function irqEnter(handler: Task): void {
  handler.cpu.irqStack.push(handler);
  if (handler.kind === "hardirq") handler.cpu.irqsOff = true;
}

/** Back to what was interrupted: interrupts were on, and the CPU may have been kept by its task. */
export function irqExit(pinned: Task | undefined): void {
  const cpu = thisCpu();
  cpu.irqStack.pop();
  cpu.irqsOff = false;
  cpu.pinned = pinned;
}

type HasWork = (handler: Task) => boolean;

/** Set-up only: how to see whether a handler has something to handle; a device adds its own. */
export function handlersHaveWork(k: Kernel, hasWork: HasWork): void {
  const others = k.subsystems.get("irq work") as HasWork | undefined;
  k.subsystems.set("irq work", (handler: Task) => hasWork(handler) || (others?.(handler) ?? false));
}
