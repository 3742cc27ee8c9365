/** USB: storage commands, the threads and the hub work that serve them. */
import type { KnowledgeRow } from "../types.ts";
import { deviceIo } from "./driver-core.ts";
import { completionFrames } from "./locking.ts";

/** USB. */
export const usbRows: readonly KnowledgeRow[] = [
  {
    ...deviceIo,
    fn: [
      "usb_stor_msg_common",
      "usb_stor_ctrl_transfer",
      "usb_stor_bulk_transfer_buf",
      "usb_stor_bulk_transfer_sglist",
      "usb_stor_control_msg",
      "usb_sg_wait",
    ],
    callees: completionFrames,
    sleep: "interruptible",
    source: "drivers/usb/storage/transport.c:usb_stor_msg_common",
  },
  {
    ...deviceIo,
    fn: ["usb_start_wait_urb", "usb_control_msg", "usb_internal_control_msg", "usb_bulk_msg"],
    callees: completionFrames,
    sleep: "timed",
    source: "drivers/usb/core/message.c:usb_start_wait_urb",
  },
  {
    ...deviceIo,
    fn: [
      "usb_kill_urb",
      "usb_poison_urb",
      "usb_hcd_flush_endpoint",
      "usb_wait_anchor_empty_timeout",
      "usb_kill_anchored_urbs",
    ],
    direct: true,
    event: "urb_done",
    source: "drivers/usb/core/urb.c:usb_kill_urb",
  },
  {
    kind: "caller",
    of: ["mutex"],
    fn: [
      "usb_stor_control_thread",
      "usb_stor_pre_reset",
      "usb_stor_probe1",
      "usb_stor_disconnect",
      "quiesce_and_remove_host",
      "usb_stor_suspend",
    ],
    class: "mutex",
    id: "usb_stor_dev_mutex",
    scope: "device",
    source: "drivers/usb/storage/usb.c:us->dev_mutex",
  },
  {
    kind: "hold",
    fn: ["usb_probe_interface", "usb_stor_probe2", "usb_stor_control_thread", "usb_stor_transparent_scsi_command"],
    callees: [
      "usb_stor_msg_common",
      "usb_stor_invoke_transport",
      "usb_stor_bulk_transfer_buf",
      "usb_stor_ctrl_transfer",
    ],
    class: "device_io",
    scope: "device",
    confidence: "possible",
    because: "carries out the command of its USB storage device",
    source: "drivers/usb/storage/usb.c:usb_stor_control_thread",
  },
  {
    kind: "doing",
    fn: [
      "hub_event",
      "hub_port_connect",
      "usb_new_device",
      "usb_disconnect",
      "usb_set_configuration",
      "usb_probe_device",
      "usb_probe_interface",
      "usb_generic_driver_probe",
    ],
    activity: "handles a USB port",
    source: "drivers/usb/core/hub.c:hub_event",
  },
];
