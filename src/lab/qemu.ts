/** The virtual machine as a command line: software emulation only, serial console into a file, no network, no display. */

/** A disk of the guest, in the order vda, vdb, ... */
export interface Disk {
  readonly file: string;
  /** QEMU's own throttling, e.g. `{ "bps-write": 1048576, "iops-total": 60 }`. */
  readonly throttle?: Readonly<Record<string, number>>;
}

/** Everything one boot needs. */
export interface Machine {
  /** Folders with QEMU's firmware, when it was not installed but unpacked. */
  readonly firmware: readonly string[];
  readonly memoryMib: number;
  readonly cpus: number;
  readonly kernel: string;
  readonly initramfs: string;
  readonly commandLine: string;
  readonly serialLog: string;
  readonly disks: readonly Disk[];
}

/** The limits this lab keeps to, so that it can run beside other work. */
export const most = { memoryMib: 2048, cpus: 2 } as const;

/** What the kernel is booted with; panic=-1 and -no-reboot end QEMU when the guest panics. */
export const kernelCommandLine = "console=ttyS0 loglevel=8 printk.time=1 mitigations=off psi=1 panic=-1 rdinit=/init";

// a comma ends an option of QEMU, two are one
const quoted = (file: string): string => file.replaceAll(",", ",,");

const driveArguments = (disk: Disk, i: number): string[] => [
  "-drive",
  [
    `file=${quoted(disk.file)}`,
    "if=none",
    `id=d${i}`,
    "format=raw",
    "cache=unsafe",
    ...Object.entries(disk.throttle ?? {}).map(([what, value]) => `throttling.${what}=${value}`),
  ].join(","),
  "-device",
  `virtio-blk-pci,drive=d${i}`,
];

/** The arguments of qemu-system-x86_64. Throws a RangeError for a machine larger than {@link most}. */
export function qemuArguments(m: Machine): string[] {
  if (m.memoryMib > most.memoryMib || m.cpus > most.cpus) throw new RangeError("larger than the lab allows");
  return [
    ...m.firmware.flatMap((folder) => ["-L", folder]),
    ...["-accel", "tcg,thread=multi", "-cpu", "max", "-machine", "q35"],
    ...["-smp", String(m.cpus), "-m", String(m.memoryMib)],
    ...["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-monitor", "none"],
    ...["-serial", `file:${quoted(m.serialLog)}`],
    ...m.disks.flatMap(driveArguments),
    ...["-kernel", m.kernel, "-initrd", m.initramfs, "-append", m.commandLine],
  ];
}
