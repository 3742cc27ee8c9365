/**
 * Memory is brought online: the zonelists are rebuilt inside a sequence lock, with interrupts on and printing as it goes. An
 * interrupt that allocates spins on the odd sequence: on the same CPU, for the section it interrupted; on another CPU with
 * the serial port's lock held, which the section waits for to print.
 *
 * "mm/page_alloc: fix potential deadlock on zonelist_update_seq seqlock" (Tetsuo Handa, April 2023), commit 1007843a9190. His second
 * case holds the port lock of a pty; a serial interrupt does the same with the console's own.
 */
import { bootSerial } from "../kernel/drivers/serial-8250.ts";
import { bootMemoryHotplug, onlinePages } from "../kernel/mm/zonelists.ts";
import { bootConsole } from "../kernel/printk/printk.ts";
import { defineIncident } from "./incident.ts";

/** Which CPUs get the interrupts of the serial line, by parameter; memory is brought online on 0. */
const IRQ_CPUS = [[0], [1], [0, 1]] as const;

export const zonelistSeqIrq = defineIncident({
  id: "zonelist-seq-irq",
  title: "an interrupt allocates while the zonelists are rebuilt, and spins for the task below it or for the console",
  source: "[PATCH] mm/page_alloc: fix potential deadlock on zonelist_update_seq seqlock, Tetsuo Handa, 2023-04",
  era: "6.2.0",
  parameters: {
    characters: { default: 1, min: 0, max: 4, what: "characters that arrive on the serial line, each an interrupt" },
    "irq-cpus": { default: 2, min: 0, max: 2, what: "who gets them: 0 or 1 that CPU, 2 either" },
    console: { default: 1, min: 0, max: 1, what: "1: the kernel prints to the serial line" },
    hotplugs: { default: 1, min: 1, max: 3, what: "tasks that bring memory online" },
    free: {
      default: 0,
      min: 0,
      max: 4,
      what: "free pages; with enough of them nobody takes the allocator's slow path",
    },
  },
  fixes: ["zonelist-update-guarded"],
  hacks: {
    "only-irqs-off": "half of the fix: interrupts are off in the section, printing is not deferred",
    "only-printk-deferred": "the other half",
  },
  fixedChoices: ["memory is brought online on CPU 0; CPU 1 has nothing else to do than interrupts"],
  setup(s, { characters = 1, "irq-cpus": irqCpus = 2, console = 1, hotplugs = 1, free = 0 }) {
    s.memory();
    const port = bootSerial(s.kernel, characters, IRQ_CPUS[irqCpus] ?? []);
    if (console > 0) bootConsole(s.kernel, port);
    bootMemoryHotplug(s.kernel);
    for (let i = 0; i < hotplugs; i++) s.task("bash", { cpu: 0 }, onlinePages);
    s.freePages(free);
  },
});
