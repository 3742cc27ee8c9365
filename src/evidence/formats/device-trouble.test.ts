import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { collectEvidence } from "../collect.ts";
import { textInput } from "../inputs.ts";
import type { DeviceTrouble } from "../types.ts";
import { deviceTrouble } from "./device-trouble.ts";

async function read(text: string): Promise<readonly DeviceTrouble[]> {
  return (await collectEvidence([textInput("log", text)], { formats: [deviceTrouble] })).troubles;
}
async function sample(name: string): Promise<string[]> {
  const troubles = await read(readFileSync(new URL(`./samples/${name}`, import.meta.url), "utf8"));
  return troubles.map((t) => `${t.line} ${t.kind} ${t.device ?? "?"}`);
}

describe("real logs", () => {
  it("SCSI timeout, then I/O errors up to the file system", async () => {
    expect((await sample("trouble-sd.txt")).slice(0, 8)).toEqual([
      "4 timeout 0:0:1:0",
      "5 io-error sdb",
      "9 io-error sdb",
      "12 io-error dm-2",
      "14 io-error dm-2",
      "15 io-error dm-0",
      "17 offline dm-2",
      "18 io-error dm-0",
    ]);
  });
  it("ATA errors and recovery", async () => {
    expect(await sample("trouble-ata.txt")).toEqual([
      "4 io-error ata3.00",
      "35 recovered ata3",
      "37 io-error sdc",
      "45 io-error sdc",
      "50 recovered ata3",
      "51 io-error ata3.00",
    ]);
  });
  it("a controller that is reset", async () => {
    expect(await sample("trouble-aacraid.txt")).toEqual([
      "3 abort aacraid",
      "5 abort aacraid",
      "7 reset aacraid",
      "19 reset aacraid 0000:af:00.0",
      "21 reset aacraid 0000:af:00.0",
    ]);
  });
});

describe("forms of the kernel's messages", () => {
  it.each<[DeviceTrouble["kind"], string | undefined, string]>([
    ["io-error", "sdb", "blk_update_request: I/O error, dev sdb, sector 101496008 op 0x1:(WRITE) flags 0x0"],
    ["io-error", "nvme0n1", "I/O error, dev nvme0n1, sector 0 op 0x0:(READ) flags 0x0 phys_seg 1 prio class 2"],
    ["io-error", "sda", "blk_update_request: critical medium error, dev sda, sector 123"],
    ["io-error", "sda", "end_request: I/O error, dev sda, sector 123"],
    ["io-error", "dm-3", "Buffer I/O error on dev dm-3, logical block 5, lost async page write"],
    ["io-error", "sdb1", "Buffer I/O error on device sdb1, logical block 5"],
    ["io-error", "253:1", "Write-error on swap-device (253:1:1234)"],
    ["timeout", "nvme0", "nvme nvme0: I/O 123 QID 4 timeout, aborting"],
    ["timeout", "nvme0", "nvme nvme0: I/O 123 QID 4 timeout, reset controller"],
    [
      "timeout",
      "nvme1",
      "nvme nvme1: I/O tag 123 (1234) opcode 0x2 (Read) QID 4 timeout, aborting req_op:READ(0) size:4096",
    ],
    ["offline", "nvme0", "nvme nvme0: Device not ready; aborting reset, CSTS=0x1"],
    ["server-not-responding", "nvme2", "nvme nvme2: Reconnecting in 10 seconds..."],
    ["recovered", "nvme2", "nvme nvme2: Successfully reconnected (1 attempts)"],
    ["offline", "2:0:0:1", "sd 2:0:0:1: rejecting I/O to offline device"],
    ["offline", "sdc", "sd 2:0:0:1: [sdc] Device offlined - not ready after error recovery"],
    ["reset", "ata3", "ata3: hard resetting link"],
    ["offline", "ata3.00", "ata3.00: disabled"],
    ["abort", undefined, "sd 0:0:1:0: attempting task abort! scmd(00000000c0ffee)"],
    ["recovered", "aacraid 0000:af:00.0", "aacraid 0000:af:00.0: IOP reset succeeded"],
    ["server-not-responding", "filer1", "nfs: server filer1 not responding, still trying"],
    ["server-not-responding", "filer1", "nfs: server filer1 not responding, timed out"],
    ["recovered", "filer1", "nfs: server filer1 OK"],
    ["server-not-responding", "\\\\srv", "CIFS: VFS: \\\\srv has not responded in 180 seconds. Reconnecting..."],
    ["server-not-responding", "srv", "CIFS VFS: Server srv has not responded in 120 seconds. Reconnecting..."],
    ["server-not-responding", "osd3", "libceph: osd3 down"],
    ["recovered", "osd3", "libceph: osd3 up"],
    ["server-not-responding", "mon0", "libceph: mon0 (1)10.0.0.1:6789 session lost, hunting for new mon"],
    ["recovered", "mon1", "libceph: mon1 (1)10.0.0.2:6789 session established"],
    ["server-not-responding", "mds0", "ceph: mds0 hung"],
    ["io-error", "rbd0", "rbd: rbd0: encountered watch error: -107"],
    ["offline", "253:3", "device-mapper: multipath: 253:3: Failing path 8:16."],
    ["recovered", "253:3", "device-mapper: multipath: 253:3: Reinstating path 8:16."],
    ["offline", "253:3", "device-mapper: multipath: 253:3: queue_if_no_path timeout, failing queued IO"],
    ["timeout", "mmc0", "mmc0: Timeout waiting for hardware interrupt."],
    ["timeout", "nbd0", "block nbd0: Possible stuck request 00000000abc: control (read@0,4096B). Runtime 30 seconds"],
    ["io-error", "dm-2", "JBD2: Detected IO errors 5 while flushing file data on dm-2-8"],
    ["abort", "dm-2", "Aborting journal on device dm-2-8."],
    ["io-error", "dm-0", "XFS (dm-0): log I/O error -5"],
    [
      "io-error",
      "dm-0",
      'XFS (dm-0): metadata I/O error in "xfs_buf_ioend+0x1" at daddr 0x2 len 8 error 5'.replace("+0x1", ""),
    ],
    ["offline", "dm-0", "XFS (dm-0): Filesystem has been shut down due to log error (0x2)."],
    ["io-error", "dm-2", "EXT4-fs error (device dm-2): ext4_journal_check_start:61: Detected aborted journal"],
    ["offline", "dm-2", "EXT4-fs (dm-2): Remounting filesystem read-only"],
    ["io-error", "sdb", "BTRFS error (device sdb): bdev /dev/sdb errs: wr 1, rd 0, flush 0, corrupt 0, gen 0"],
    ["offline", "rport-2:0-1", " rport-2:0-1: blocked FC remote port time out: removing target and saving binding"],
    [
      "timeout",
      "connection1:0",
      " connection1:0: ping timeout of 5 secs expired, recv timeout 5, last rx 1, last ping 2, now 3",
    ],
  ])("%s of %s: %s", async (kind, device, line) => {
    const troubles = await read(`noise\n[  100.250000] ${line}\nnoise`);
    expect(troubles.map((t) => [t.kind, t.device, t.line, t.time])).toEqual([[kind, device, 2, 100.25]]);
  });

  it.each([
    " schedule_timeout+0x1df/0x475",
    ' "echo 0 > /proc/sys/kernel/hung_task_timeout_secs" disables this message.',
    "task:ata3            state:D stack:0     pid:5",
    "EXT4-fs (vdc): mounted filesystem with ordered data mode. Opts: .",
    "EXT4-fs warning (device dm-2): ext4_dx_add_entry: Directory index full",
    "nvme nvme0: 8/0/0 default/read/poll queues",
    "INFO: task nfsd:77 blocked for more than 120 seconds.",
    "Workqueue: nvme-reset-wq nvme_reset_work [nvme]",
    "the server was not responding to us",
    "XFS (dm-0): Mounting V5 Filesystem",
    "libceph: client4242 fsid 0000",
    "ata3: SATA link up 6.0 Gbps (SStatus 133 SControl 300)",
    "device-mapper: uevent: version 1.0.3",
  ])("leaves alone: %s", async (line) => {
    expect(await read(line)).toEqual([]);
  });

  it("keeps only the beginning of a long line", async () => {
    const [t] = await read(`Buffer I/O error on dev sda, ${"x".repeat(1500)}`);
    expect(t!.text.length).toBe(300);
    expect(await read(`Buffer I/O error on dev sda, ${"x".repeat(60_000)}`)).toEqual([]);
  });
});
