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
  k.subsystems.set(SUBSYSTEM, Object.freeze([...mappedDevices(k), Object.freeze(device)]));
}
/** All of them, in the order in which they were made. */
export function mappedDevices(k: Kernel): readonly MappedDevice[] {
  return (k.subsystems.get(SUBSYSTEM) as readonly MappedDevice[] | undefined) ?? [];
}
/** Undefined: an ordinary device. */
export function mappedDevice(queue: RequestQueue | undefined): MappedDevice | undefined {
  return mappedDevices(kernel()).find((device) => device.queue === queue);
}
