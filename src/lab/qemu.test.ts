import { expect, test } from "vitest";
import { kernelCommandLine, type Machine, most, qemuArguments } from "./qemu.ts";
import { throttleOf } from "./scenarios.ts";

const machine: Machine = {
  firmware: ["/cache/share/qemu"],
  memoryMib: 768,
  cpus: 2,
  kernel: "/cache/boot/vmlinuz",
  initramfs: "/tmp/w/initramfs",
  commandLine: kernelCommandLine,
  serialLog: "/tmp/w/serial.log",
  disks: [
    { file: "/tmp/w/disk.img", throttle: throttleOf({ disk_bps: 1048576, disk_iops: 60 }) },
    { file: "/tmp/w/a,b.img", throttle: throttleOf({ disk_bps: 0, disk_iops: 0 }) },
  ],
};

test("the command line of a machine", () => {
  expect(qemuArguments(machine).join(" ")).toBe(
    "-L /cache/share/qemu -accel tcg,thread=multi -cpu max -machine q35 -smp 2 -m 768 -nodefaults -no-user-config " +
      "-display none -no-reboot -monitor none -serial file:/tmp/w/serial.log " +
      "-drive file=/tmp/w/disk.img,if=none,id=d0,format=raw,cache=unsafe,throttling.bps-write=1048576," +
      "throttling.iops-total=60 -device virtio-blk-pci,drive=d0 " +
      "-drive file=/tmp/w/a,,b.img,if=none,id=d1,format=raw,cache=unsafe -device virtio-blk-pci,drive=d1 " +
      `-kernel /cache/boot/vmlinuz -initrd /tmp/w/initramfs -append ${kernelCommandLine}`,
  );
});

test("a machine is never larger than the lab allows", () => {
  expect(() => qemuArguments({ ...machine, memoryMib: most.memoryMib + 1 })).toThrow(RangeError);
  expect(() => qemuArguments({ ...machine, cpus: most.cpus + 1 })).toThrow(RangeError);
});
