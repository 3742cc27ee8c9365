/** When devices finish what they were given (@internal). */
import type { Bio } from "../kernel/block/bio.ts";

/** How fast a device is. */
export interface DeviceSpeed {
  /** Nanoseconds that a request takes beside its pages. */
  readonly latency: number;
  /** Nanoseconds for a page of 4 KiB. */
  readonly perPage: number;
  /** Requests that it works on at the same time. */
  readonly parallel: number;
}

/** Rough figures of devices; `--device` chooses. */
export const DEVICES: Readonly<Record<string, DeviceSpeed>> = {
  /** 10,000 reads or writes of a page a second, 100 at once would be ten times that. */
  ssd: { latency: 90_000, perPage: 10_000, parallel: 8 },
  /** A disk that turns: 8 ms to get there, 150 MB/s. */
  disk: { latency: 8_000_000, perPage: 27_000, parallel: 1 },
  nvme: { latency: 70_000, perPage: 2_000, parallel: 32 },
};

export class DeviceClock {
  readonly #speed: DeviceSpeed;
  /** When each of its parallel units is free. */
  readonly #free: number[];

  constructor(speed: DeviceSpeed) {
    this.#speed = speed;
    this.#free = new Array<number>(speed.parallel).fill(0);
  }

  /** When a request given to it `now` is finished: in the order they come, on the unit that is free first. */
  submit(now: number, bio: Bio): number {
    let unit = 0;
    for (let i = 1; i < this.#free.length; i++) if (this.#free[i]! < this.#free[unit]!) unit = i;
    const { latency, perPage } = this.#speed;
    const end = Math.max(now, this.#free[unit]!) + latency + perPage * bio.pages.length;
    this.#free[unit] = end;
    return end;
  }
}
