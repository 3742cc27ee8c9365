/** Virtual machines: running a virtual CPU, moving packets of a guest. */
import type { KnowledgeRow } from "../types.ts";

/** Virtual machines. */
export const virtRows: readonly KnowledgeRow[] = [
  {
    kind: "doing",
    fn: [
      "kvm_vcpu_ioctl",
      "kvm_arch_vcpu_ioctl_run",
      "vcpu_run",
      "vmx_handle_exit",
      "kvm_mmu_page_fault",
      "kvm_tdp_page_fault",
      "kvm_faultin_pfn",
      "hva_to_pfn",
    ],
    activity: "runs a virtual CPU",
    source: "virt/kvm/kvm_main.c:kvm_vcpu_ioctl",
  },
  {
    kind: "doing",
    fn: ["handle_rx", "handle_tx", "tun_recvmsg", "tun_get_user", "vhost_worker"],
    activity: "moves packets of a guest",
    source: "drivers/vhost/net.c:handle_rx",
  },
];
