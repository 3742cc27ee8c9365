/**
 * Interrupt state lost by an inner lock pair, the deadlock of `wb-switch-irq-nesting` without a kernel: each CPU truncates pages
 * and may take an end of writeback interrupt whenever interrupts are on there; a worker switches the inode to another wb, a
 * mover moves a charge, both on CPUs of their own. With COOKIE the inner unlock restores what was saved. After
 * bench/spin/b_irq.pml, whose parameters it has; of that model's steps only those that others can see are steps here.
 */
import { bool, create, Entity, fields, int, Machine, op, type Resumable, World } from "../../resumable/index.ts";
import { defineAbstractIncident } from "../incident.ts";
import { atFirstSteps } from "./first-steps.ts";

class Cpu extends Entity {
  declare irqsOff: boolean;
  declare inIrq: boolean;
  declare taskReads: boolean;
  declare irqReads: boolean;
  static {
    fields(Cpu, { irqsOff: bool, inIrq: bool, taskReads: bool, irqReads: bool });
  }
}
class Shared extends Entity {
  declare treeLock: boolean;
  declare moveLock: boolean;
  declare switching: boolean;
  declare moving: boolean;
  declare memcg: boolean;
  /** Interrupts yet to come. */
  declare pending: number;
  static {
    fields(Shared, { treeLock: bool, moveLock: bool, switching: bool, moving: bool, memcg: bool, pending: int });
  }
}

/** The truncation stands still while an interrupt runs on top of it. */
const on = (cpu: Cpu): number => (cpu.inIrq ? 0 : 1);

const taskRcu = op<Cpu, boolean>("taskRcu", {
  ways: on,
  apply: (cpu, enter) => {
    cpu.taskReads = enter;
  },
});
/** What lock_page_memcg() looks at: bit 0 the group, bit 1 whether charges move. */
const look = (s: Shared): number => (s.memcg ? 1 : 0) | (s.moving ? 2 : 0);
const taskLook = op<Cpu, Shared>("taskLookAtMemcg", { ways: on, apply: (_, s) => look(s) });
const irqSave = op<Cpu>("irqSave", {
  ways: on,
  apply: (cpu) => {
    const off = cpu.irqsOff;
    cpu.irqsOff = true;
    return off;
  },
});
const irqRestore = op<Cpu, boolean>("irqRestore", {
  ways: on,
  apply: (cpu, off) => {
    cpu.irqsOff = off;
  },
});
/** Takes move_lock; true when the group is still the one that was seen. */
const taskMoveLock = op<Cpu, readonly [Shared, number]>("moveLock", {
  ways: (cpu, [s]) => (cpu.inIrq || s.moveLock ? 0 : 1),
  apply: (_, [s, seen]) => {
    s.moveLock = true;
    return (s.memcg ? 1 : 0) === (seen & 1);
  },
});
const taskMoveUnlock = op<Cpu, Shared>("taskMoveUnlock", {
  ways: on,
  apply: (_, s) => {
    s.moveLock = false;
  },
});
const taskSwitching = op<Cpu, Shared>("lookAtSwitch", { ways: on, apply: (_, s) => s.switching });
const taskTreeLock = op<Cpu, Shared>("treeLock", {
  ways: (cpu, s) => (cpu.inIrq || s.treeLock ? 0 : 1),
  apply: (_, s) => {
    s.treeLock = true;
  },
});
const taskTreeUnlock = op<Cpu, Shared>("taskTreeUnlock", {
  ways: on,
  apply: (_, s) => {
    s.treeLock = false;
  },
});
const taskBody = op<Cpu>("body", { ways: on });

function* truncate(cpu: Cpu, s: Shared, pages: number, cookie: boolean): Resumable {
  for (let k = 0; k < pages; k++) {
    yield taskRcu(cpu, true);
    let offBefore = false;
    let seen: number = yield taskLook(cpu, s);
    while ((seen & 2) !== 0) {
      offBefore = yield irqSave(cpu);
      const same: boolean = yield taskMoveLock(cpu, Object.freeze([s, seen] as const));
      if (same) break;
      yield taskMoveUnlock(cpu, s);
      yield irqRestore(cpu, offBefore);
      seen = yield taskLook(cpu, s);
    }
    const switching: boolean = yield taskSwitching(cpu, s);
    if (switching) {
      const off: boolean = yield irqSave(cpu);
      yield taskTreeLock(cpu, s);
      yield taskBody(cpu);
      yield taskTreeUnlock(cpu, s);
      yield irqRestore(cpu, cookie && off);
    } else yield taskBody(cpu);
    if ((seen & 2) !== 0) {
      yield taskMoveUnlock(cpu, s);
      yield irqRestore(cpu, offBefore);
    }
    yield taskRcu(cpu, false);
  }
}

const takeIrq = op<Cpu, Shared>("takeIrq", {
  idle: true,
  ways: (cpu, s) => (s.pending > 0 && !cpu.irqsOff && !cpu.inIrq ? 1 : 0),
  apply: (cpu, s) => {
    s.pending--;
    cpu.inIrq = true;
  },
});
const irqRcu = op<Cpu, boolean>("irqRcu", {
  apply: (cpu, enter) => {
    cpu.irqReads = enter;
  },
});
const irqLook = op<Shared>("lookAtMemcg", { apply: look });
const moveLock = op<Shared>("moveLock", {
  ways: (s) => (s.moveLock ? 0 : 1),
  apply: (s) => {
    s.moveLock = true;
    return s.memcg;
  },
});
const moveUnlock = op<Shared>("moveUnlock", {
  apply: (s) => {
    s.moveLock = false;
  },
});
const treeLock = op<Shared>("treeLock", {
  ways: (s) => (s.treeLock ? 0 : 1),
  apply: (s) => {
    s.treeLock = true;
  },
});
const treeUnlock = op<Shared>("treeUnlock", {
  apply: (s) => {
    s.treeLock = false;
  },
});
const leaveIrq = op<Cpu>("leaveIrq", {
  apply: (cpu) => {
    cpu.inIrq = false;
  },
});

function* endPageWriteback(cpu: Cpu, s: Shared): Resumable {
  for (;;) {
    yield takeIrq(cpu, s);
    yield irqRcu(cpu, true);
    let seen: number = yield irqLook(s);
    while ((seen & 2) !== 0) {
      const memcg: boolean = yield moveLock(s);
      if ((memcg ? 1 : 0) === (seen & 1)) break;
      yield moveUnlock(s);
      seen = yield irqLook(s);
    }
    yield treeLock(s);
    yield treeUnlock(s);
    if ((seen & 2) !== 0) yield moveUnlock(s);
    yield irqRcu(cpu, false);
    yield leaveIrq(cpu);
  }
}

const noTaskReads = op<Cpu>("synchronizeRcu", { ways: (cpu) => (cpu.taskReads ? 0 : 1) });
const noIrqReads = op<Cpu>("synchronizeRcu", { ways: (cpu) => (cpu.irqReads ? 0 : 1) });
function* synchronizeRcu(cpus: readonly Cpu[]): Resumable {
  for (let i = 0; i < cpus.length; i++) {
    yield noTaskReads(cpus[i]!);
    yield noIrqReads(cpus[i]!);
  }
}

const setSwitching = op<Shared, boolean>("setSwitching", {
  apply: (s, to) => {
    s.switching = to;
  },
});
const setMoving = op<Shared, boolean>("setMoving", {
  apply: (s, to) => {
    s.moving = to;
  },
});
const move = op<Shared>("move", {
  apply: (s) => {
    s.memcg = true;
  },
});
function* switcher(s: Shared, cpus: readonly Cpu[]): Resumable {
  yield setSwitching(s, true);
  yield* synchronizeRcu(cpus);
  yield treeLock(s);
  yield setSwitching(s, false);
  yield treeUnlock(s);
}
function* mover(s: Shared, cpus: readonly Cpu[]): Resumable {
  yield setMoving(s, true);
  yield* synchronizeRcu(cpus);
  yield moveLock(s);
  yield move(s);
  yield moveUnlock(s);
  yield setMoving(s, false);
}

/** What an interrupt on the same CPU holds up, and nothing else. */
const underInterrupts = [
  "taskRcu",
  "taskLookAtMemcg",
  "irqSave",
  "irqRestore",
  "taskMoveUnlock",
  "lookAtSwitch",
  "taskTreeUnlock",
  "body",
];

export const spinIrq = defineAbstractIncident({
  id: "spin-irq",
  title: "an inner unlock switches interrupts on, and the handler takes the lock that is held",
  source: "bench/spin/b_irq.pml, after the mail that wb-switch-irq-nesting is made from",
  parameters: {
    CPUS: { default: 2, min: 1, max: 8, what: "CPUs that truncate, and take interrupts" },
    PAGES: { default: 1, min: 1, max: 16, what: "pages that each of them truncates" },
    IRQS: { default: 2, min: 0, max: 16, what: "interrupts that may come in all" },
    COOKIE: { default: 0, min: 0, max: 1, what: "1: the inner unlock restores the interrupt state that was saved" },
  },
  waits: {
    treeLock: { class: "spinlock", id: "i_pages", event: "unlock" },
    moveLock: { class: "memcg_move_lock", event: "unlock" },
    synchronizeRcu: { class: "rcu_grace_period", event: "quiescent_state" },
    ...Object.fromEntries(underInterrupts.map((name) => [name, { class: "interrupted_cpu", event: "irq_exit" }])),
  },
  kinds: { irq: "irq" },
  fixedChoices: ["one inode moves to another wb once, one charge moves once", "interrupts do not nest"],
  size: ({ CPUS = 2, IRQS = 2 }) => ({ pages: 1, cpus: CPUS + 2, requests: IRQS }),
  program({ CPUS = 2, PAGES = 1, IRQS = 2, COOKIE = 0 }) {
    const world = new World();
    const shared = create(Shared, { pending: IRQS });
    const cpus = Object.freeze(Array.from({ length: CPUS }, () => create(Cpu)));
    const machine = new Machine(world);
    for (const [i, cpu] of cpus.entries()) {
      machine.spawn(`truncate/${i}`, truncate, [cpu, shared, PAGES, COOKIE > 0], { stackWords: 24 });
      machine.spawn(`irq/${i}`, endPageWriteback, [cpu, shared], { idle: true, stackWords: 24 });
    }
    machine.spawn("switcher", switcher, [shared, cpus], { stackWords: 24 });
    machine.spawn("mover", mover, [shared, cpus], { stackWords: 24 });
    return atFirstSteps(world, machine);
  },
});
