/** CPUs: frequency governors, cross calls, and the notifier chains that their changes run through. */
import type { KnowledgeRow } from "../types.ts";

/** CPU frequency, cross calls, notifier chains. */
export const cpuRows: readonly KnowledgeRow[] = [
  {
    kind: "doing",
    fn: ["sugov_exit", "cpufreq_exit_governor", "cpufreq_offline", "cpufreq_stop_governor", "cpufreq_online"],
    activity: "changes the CPU frequency governor",
    source: "kernel/sched/cpufreq_schedutil.c:sugov_exit",
  },
  {
    kind: "wait",
    fn: ["flush_tlb_kernel_range", "on_each_cpu_cond"],
    callees: ["smp_call_function_many", "smp_call_function_many_cond"],
    class: "ipi",
    event: "ack",
    scope: "global",
    sleep: "spin",
    providers: ["anyone"],
    source: "kernel/smp.c:smp_call_function_many_cond",
  },
  {
    kind: "caller",
    of: ["rwsem"],
    fn: [
      "blocking_notifier_call_chain",
      "blocking_notifier_chain_register",
      "__blocking_notifier_call_chain",
      "blocking_notifier_chain_unregister",
    ],
    class: "rwsem",
    id: "notifier_rwsem",
    scope: "lock",
    source: "kernel/notifier.c:blocking_notifier_call_chain",
  },
];
