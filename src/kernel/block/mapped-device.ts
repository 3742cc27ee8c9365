/**
 * Devices of the device mapper (drivers/md/dm.c): a queue without requests of its own, whose bios a target carries out by bios of
 * its own on the devices below. Nothing is plugged, tagged or completed by interrupts here.
 */
import type { Entity, Resumable } from "../../resumable/index.ts";
import { kernel } from "../sched/current.ts";
import type { Kernel } from "../sched/kernel.ts";
import type { Bio, RequestQueue } from "./bio.ts";

/** A queue that is mapped, and what becomes of a bio that is submitted to it. */
export interface MappedDevice {
  readonly queue: RequestQueue;
  readonly target: Entity;
  readonly submit: (target: Entity, bio: Bio) => Resumable;
}
const SUBSYSTEM = "mapped devices";

/** Set-up only. */
export function registerMappedDevice(k: Kernel, device: MappedDevice): void {
  const known = (k.subsystems.get(SUBSYSTEM) as readonly MappedDevice[] | undefined) ?? [];
  k.subsystems.set(SUBSYSTEM, Object.freeze([...known, Object.freeze(device)]));
}
/** Undefined: an ordinary device. */
export function mappedDevice(queue: RequestQueue | undefined): MappedDevice | undefined {
  const known = kernel().subsystems.get(SUBSYSTEM) as readonly MappedDevice[] | undefined;
  return known?.find((device) => device.queue === queue);
}
