/**
 * Messages in which a driver, a file system or a client says that a device or a server has trouble, or is well again. General
 * forms of the kernel's own printk texts; `dev` in an expression is the device's name.
 * @internal
 */
import type { DeviceTrouble } from "../types.ts";

/** One form of message. */
export interface TroublePattern {
  readonly kind: DeviceTrouble["kind"];
  /** Literal that every such line holds; looked for before the expression. */
  readonly needle: string;
  readonly re: RegExp;
  readonly source: string;
}

const SCSI = "(?:sd|sr|st|scsi|ses|sg) (?<hctl>\\d+:\\d+:\\d+:\\d+):(?: \\[(?<dev>\\w+)\\])?";

export const TROUBLE_PATTERNS: readonly TroublePattern[] = [
  // Block layer
  {
    kind: "io-error",
    needle: "rror, dev ",
    re: /\b(?:I\/O|[a-z]+) error, dev (?<dev>[\w!-]+)/,
    source: "block/blk-mq.c:blk_print_req_error (blk_update_request:, print_req_error:, end_request: in older kernels)",
  },
  {
    kind: "io-error",
    needle: "Buffer I/O error on dev",
    re: /^Buffer I\/O error on dev(?:ice)? (?<dev>[\w!-]+)/,
    source: "fs/buffer.c:buffer_io_error",
  },
  {
    kind: "io-error",
    needle: "rror on swap-device",
    re: /(?:Read|Write)-error on swap-device \((?<dev>\d+:\d+)/,
    source: "mm/page_io.c:end_swap_bio_write",
  },
  {
    kind: "io-error",
    needle: "loop: ",
    re: /^loop: (?:Write|Transfer|transfer) error/,
    source: "drivers/block/loop.c:lo_write_bvec",
  },
  // SCSI, ATA and their controllers
  {
    kind: "timeout",
    needle: "timing out command, waited",
    re: new RegExp(`^${SCSI}.*timing out command, waited \\d+s`),
    source: "drivers/scsi/scsi_lib.c:scsi_cmd_runtime_exceeced",
  },
  {
    kind: "io-error",
    needle: "FAILED Result:",
    re: new RegExp(`^${SCSI}.*FAILED Result:`),
    source: "drivers/scsi/scsi_logging.c:scsi_print_result",
  },
  {
    kind: "offline",
    needle: "rejecting I/O to ",
    re: new RegExp(`^${SCSI}.*rejecting I/O to (?:offline|dead) device`),
    source: "drivers/scsi/scsi_lib.c:scsi_device_state_check",
  },
  {
    kind: "offline",
    needle: "Device offlined",
    re: new RegExp(`^${SCSI}.*Device offlined`),
    source: "drivers/scsi/scsi_error.c:scsi_eh_offline_sdevs",
  },
  {
    kind: "abort",
    needle: "task abort",
    re: /(?:attempting task abort!|task abort: \w+).*?(?:scmd|$)/,
    source: "drivers/scsi/mpt3sas/mpt3sas_scsih.c:scsih_abort",
  },
  {
    kind: "reset",
    needle: " reset",
    re: /attempting (?:device|target|host|bus) reset!|(?:device|target|host|bus) reset: \w+ scmd/,
    source: "drivers/scsi/mpt3sas/mpt3sas_scsih.c:scsih_host_reset",
  },
  {
    kind: "abort",
    needle: "Host adapter abort request",
    re: /^(?:(?<dev>[\w:. -]{1,40}): )?Host adapter abort request/,
    source: "drivers/scsi/aacraid/linit.c:aac_eh_abort",
  },
  {
    kind: "reset",
    needle: " reset request",
    re: /^(?:(?<dev>[\w:. -]{1,40}): )?Host (?:adapter|bus|device|target) reset request/,
    source: "drivers/scsi/aacraid/linit.c:aac_eh_host_reset",
  },
  {
    kind: "reset",
    needle: "Issuing IOP reset",
    re: /^(?:(?<dev>\w+ [0-9a-f:.]+): )?Issuing IOP reset/,
    source: "drivers/scsi/aacraid/src.c:aac_src_restart_adapter",
  },
  {
    kind: "recovered",
    needle: "IOP reset succeeded",
    re: /^(?:(?<dev>\w+ [0-9a-f:.]+): )?IOP reset succeeded/,
    source: "drivers/scsi/aacraid/src.c:aac_src_restart_adapter",
  },
  {
    kind: "reset",
    needle: "Controller reset",
    re: /^(?:(?<dev>[\w:. -]{1,40}): )?Controller reset(?: type|ting)/,
    source: "drivers/scsi/aacraid/linit.c:aac_eh_host_reset",
  },
  {
    kind: "reset",
    needle: "resetting fusion adapter",
    re: /^megaraid_sas (?<dev>[0-9a-f:.]+): resetting fusion adapter/,
    source: "drivers/scsi/megaraid/megaraid_sas_fusion.c:megasas_reset_fusion",
  },
  {
    kind: "recovered",
    needle: "Reset successful",
    re: /^megaraid_sas (?<dev>[0-9a-f:.]+): Reset successful/,
    source: "drivers/scsi/megaraid/megaraid_sas_fusion.c:megasas_reset_fusion",
  },
  {
    kind: "offline",
    needle: "blocked FC remote port time out",
    re: /^\s*(?<dev>rport-[\d:-]+): blocked FC remote port time out/,
    source: "drivers/scsi/scsi_transport_fc.c:fc_timeout_deleted_rport",
  },
  {
    kind: "io-error",
    needle: " exception Emask ",
    re: /^(?<dev>ata\d+(?:\.\d+)?): exception Emask /,
    source: "drivers/ata/libata-eh.c:ata_eh_link_report",
  },
  {
    kind: "timeout",
    needle: "qc timeout",
    re: /^(?<dev>ata\d+(?:\.\d+)?): qc timeout/,
    source: "drivers/ata/libata-core.c:ata_exec_internal",
  },
  {
    kind: "timeout",
    needle: "link is slow to respond",
    re: /^(?<dev>ata\d+): link is slow to respond/,
    source: "drivers/ata/libata-core.c:ata_wait_ready",
  },
  {
    kind: "reset",
    needle: " resetting link",
    re: /^(?<dev>ata\d+(?:\.\d+)?): (?:hard|soft) resetting link/,
    source: "drivers/ata/libata-eh.c:ata_eh_reset",
  },
  {
    kind: "offline",
    needle: "ata",
    re: /^(?<dev>ata\d+\.\d+): disabled$/,
    source: "drivers/ata/libata-core.c:ata_dev_disable",
  },
  {
    kind: "recovered",
    needle: "EH complete",
    re: /^(?<dev>ata\d+(?:\.\d+)?): EH complete$/,
    source: "drivers/ata/libata-eh.c:ata_scsi_port_error_handler",
  },
  {
    kind: "server-not-responding",
    needle: "iscsi",
    re: /iscsi.*(?:session recovery timed out after|detected conn error)/i,
    source: "drivers/scsi/scsi_transport_iscsi.c:session_recovery_timedout",
  },
  {
    kind: "server-not-responding",
    needle: "session recovery timed out",
    re: /(?<dev>session\d+): session recovery timed out after/,
    source: "drivers/scsi/scsi_transport_iscsi.c:session_recovery_timedout",
  },
  {
    kind: "server-not-responding",
    needle: "detected conn error",
    re: /(?<dev>connection\d+:\d+): detected conn error/,
    source: "drivers/scsi/scsi_transport_iscsi.c:iscsi_conn_error_event",
  },
  {
    kind: "timeout",
    needle: "ping timeout of",
    re: /(?<dev>connection\d+:\d+): ping timeout of \d+ secs expired/,
    source: "drivers/scsi/libiscsi.c:iscsi_check_transport_timeouts",
  },
  // NVMe
  {
    kind: "timeout",
    needle: " QID ",
    re: /^nvme (?<dev>nvme\d+): I\/O (?:tag )?\d+ .*QID \d+ timeout/,
    source: "drivers/nvme/host/pci.c:nvme_timeout",
  },
  {
    kind: "timeout",
    needle: "timeout request",
    re: /^nvme (?<dev>nvme\d+): (?:starting error recovery|.*queue \d+: timeout request|.*timeout request)/,
    source: "drivers/nvme/host/tcp.c:nvme_tcp_timeout",
  },
  {
    kind: "offline",
    needle: "Device not ready; aborting",
    re: /(?<dev>nvme\d+): Device not ready; aborting/,
    source: "drivers/nvme/host/core.c:nvme_wait_ready",
  },
  {
    kind: "reset",
    needle: "controller is down; will reset",
    re: /(?<dev>nvme\d+): controller is down; will reset/,
    source: "drivers/nvme/host/pci.c:nvme_warn_reset",
  },
  {
    kind: "offline",
    needle: "Removing after probe failure",
    re: /(?<dev>nvme\d+): Removing after probe failure/,
    source: "drivers/nvme/host/pci.c:nvme_remove_dead_ctrl",
  },
  {
    kind: "server-not-responding",
    needle: "Reconnecting in ",
    re: /^nvme (?<dev>nvme\d+): Reconnecting in \d+ seconds/,
    source: "drivers/nvme/host/fabrics.c",
  },
  {
    kind: "recovered",
    needle: "Successfully reconnected",
    re: /^nvme (?<dev>nvme\d+): Successfully reconnected/,
    source: "drivers/nvme/host/tcp.c:nvme_tcp_reconnect_ctrl_work",
  },
  // MMC and paravirtual disks
  {
    kind: "timeout",
    needle: "Timeout waiting for hardware",
    re: /^(?<dev>mmc\d+): Timeout waiting for hardware (?:cmd )?interrupt/,
    source: "drivers/mmc/host/sdhci.c:sdhci_timeout_timer",
  },
  {
    kind: "io-error",
    needle: "transferring data",
    re: /^(?<dev>mmcblk\w+): error -\d+ transferring data/,
    source: "drivers/mmc/core/block.c",
  },
  {
    kind: "reset",
    needle: "running CQE recovery",
    re: /^(?<dev>mmc\d+): running CQE recovery/,
    source: "drivers/mmc/core/core.c:mmc_cqe_recovery",
  },
  {
    kind: "timeout",
    needle: "virtio_blk",
    re: /^virtio_blk (?<dev>virtio\d+): .*tim(?:e|ed) ?out/i,
    source: "drivers/block/virtio_blk.c",
  },
  {
    kind: "io-error",
    needle: "blkfront",
    re: /^(?:xen-)?blkfront:? (?<dev>\w+):? .*(?:error|failed|timeout)/i,
    source: "drivers/block/xen-blkfront.c",
  },
  // Network block devices and distributed storage
  {
    kind: "timeout",
    needle: "block nbd",
    re: /^block (?<dev>nbd\d+): (?:Connection timed out|Possible stuck request)/,
    source: "drivers/block/nbd.c:nbd_xmit_timeout",
  },
  {
    kind: "server-not-responding",
    needle: "block nbd",
    re: /^block (?<dev>nbd\d+): (?:Dead connection|Receive control failed|Send (?:control|data) failed|shutting down sockets)/,
    source: "drivers/block/nbd.c",
  },
  {
    kind: "server-not-responding",
    needle: "drbd",
    re: /^(?:block )?drbd\S* ?(?<dev>[\w/ ]*?): (?:PingAck did not arrive in time|conn\( \w+ -> (?:Timeout|NetworkFailure|BrokenPipe))/,
    source: "drivers/block/drbd/drbd_receiver.c",
  },
  {
    kind: "io-error",
    needle: "drbd",
    re: /^(?:block )?drbd.*: (?:local (?:READ|WRITE) IO error|Local IO failed)/,
    source: "drivers/block/drbd/drbd_req.c",
  },
  {
    kind: "io-error",
    needle: "rbd: ",
    re: /^rbd: (?<dev>rbd\d+): .*(?:result -\d+|watch error: -\d+)/,
    source: "drivers/block/rbd.c",
  },
  {
    kind: "server-not-responding",
    needle: "libceph: ",
    re: /^libceph: (?<dev>(?:osd|mon|mds)\d+)\b.*(?: down$|session lost|socket closed|socket error|connect authorization failure)/,
    source: "net/ceph/osdmap.c, mon_client.c, messenger.c",
  },
  {
    kind: "recovered",
    needle: "libceph: ",
    re: /^libceph: (?<dev>(?:osd|mon|mds)\d+)\b.*(?: up$|session established)/,
    source: "net/ceph/osdmap.c, mon_client.c",
  },
  {
    kind: "server-not-responding",
    needle: "ceph: ",
    re: /^ceph: .*(?<dev>mds\d+) (?:hung|caps stale|reconnect denied|reconnect start)/,
    source: "fs/ceph/mds_client.c",
  },
  {
    kind: "recovered",
    needle: "ceph: ",
    re: /^ceph: .*(?<dev>mds\d+) (?:reconnect success|recovery completed|came back|caps renewed)/,
    source: "fs/ceph/mds_client.c",
  },
  {
    kind: "server-not-responding",
    needle: " not responding",
    re: /^(?:nfs4?|lockd|NFS4?): server (?<dev>\S{1,253}) not responding/i,
    source: "fs/lockd/clntproc.c, net/sunrpc/clnt.c:rpc_check_timeout",
  },
  {
    kind: "recovered",
    needle: ": server ",
    re: /^(?:nfs4?|lockd): server (?<dev>\S{1,253}) OK$/i,
    source: "net/sunrpc/clnt.c:call_status",
  },
  {
    kind: "server-not-responding",
    needle: " has not responded in ",
    re: /^CIFS:? ?(?:VFS:)? ?(?:Server )?(?<dev>\S{1,253}) has not responded in \d+ seconds/,
    source: "fs/smb/client/connect.c:server_unresponsive",
  },
  // Device mapper and md
  {
    kind: "offline",
    needle: "Failing path",
    re: /^device-mapper: multipath: (?:(?<dev>\d+:\d+): )?Failing path/,
    source: "drivers/md/dm-mpath.c:fail_path",
  },
  {
    kind: "recovered",
    needle: "Reinstating path",
    re: /^device-mapper: multipath: (?:(?<dev>\d+:\d+): )?Reinstating path/,
    source: "drivers/md/dm-mpath.c:reinstate_path",
  },
  {
    kind: "offline",
    needle: "queue_if_no_path",
    re: /^device-mapper: multipath: (?:(?<dev>[\w:-]+): )?.*queue_if_no_path/,
    source: "drivers/md/dm-mpath.c:queue_if_no_path",
  },
  {
    kind: "offline",
    needle: "out-of-data-space",
    re: /^device-mapper: thin: (?:(?<dev>\d+:\d+): )?switching pool to out-of-data-space/,
    source: "drivers/md/dm-thin.c:notify_of_pool_mode_change",
  },
  {
    kind: "offline",
    needle: "Disk failure on ",
    re: /^md\S*?: ?Disk failure on (?<dev>\w+)/,
    source: "drivers/md/raid1.c:raid1_error",
  },
  // File systems
  {
    kind: "io-error",
    needle: "JBD2: ",
    re: /^JBD2: (?:Detected IO errors(?: -?\d+)? while flushing file data on|(?:I\/O error|Error -?\d+) (?:when|detected when) updating journal superblock for) (?<dev>[\w!:-]+)/,
    source: "fs/jbd2/commit.c:jbd2_journal_commit_transaction, fs/jbd2/journal.c:jbd2_write_superblock",
  },
  {
    kind: "abort",
    needle: "Aborting journal on device",
    re: /^Aborting journal on device (?<dev>[\w!:-]+)/,
    source: "fs/jbd2/journal.c:jbd2_journal_abort",
  },
  {
    kind: "io-error",
    needle: "EXT",
    re: /^EXT[234]-fs (?:error \(device (?<dev>[\w!-]+)\)|warning \(device [\w!-]+\):.*\bI\/O error)/,
    source: "fs/ext4/super.c:__ext4_error, fs/ext4/page-io.c:ext4_end_bio",
  },
  {
    kind: "offline",
    needle: "Remounting filesystem read-only",
    re: /^EXT[234]-fs \((?<dev>[\w!-]+)\): Remounting filesystem read-only/,
    source: "fs/ext4/super.c:ext4_handle_error",
  },
  {
    kind: "io-error",
    needle: "I/O error",
    re: /^(?:EXT[234]-fs|XFS) \((?<dev>[\w!-]+)\): .*I\/O error/i,
    source: "fs/xfs/xfs_log.c, fs/xfs/xfs_buf.c:xfs_buf_ioerror_alert, fs/ext4/super.c:ext4_commit_super",
  },
  {
    kind: "offline",
    needle: "hutting down filesystem",
    re: /^XFS \((?<dev>[\w!-]+)\): .*[Ss]hutting down filesystem/,
    source: "fs/xfs/xfs_fsops.c:xfs_do_force_shutdown",
  },
  {
    kind: "offline",
    needle: "has been shut down due to",
    re: /^XFS \((?<dev>[\w!-]+)\): Filesystem has been shut down due to/,
    source: "fs/xfs/xfs_mount.c",
  },
  {
    kind: "io-error",
    needle: "BTRFS",
    re: /^BTRFS:? (?:error|warning|critical) \(device (?<dev>[\w!-]+)\S*\)?:? .*(?:errs: wr|IO failure|lost page write|I\/O error)/,
    source: "fs/btrfs/volumes.c:btrfs_dev_stat_inc_and_print",
  },
  {
    kind: "offline",
    needle: "forced readonly",
    re: /^BTRFS info \(device (?<dev>[\w!-]+)[^)]*\): forced readonly/,
    source: "fs/btrfs/super.c",
  },
  {
    kind: "offline",
    needle: "has encountered an uncorrectable I/O failure",
    re: /Pool '(?<dev>[^']{1,255})' has encountered an uncorrectable I\/O failure/,
    source: "module/zfs/spa.c of OpenZFS: zio_suspend",
  },
];
