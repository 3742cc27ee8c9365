/**
 * kthreadd (kernel/kthread.c): forks every kernel thread, one after the other, and may have to reclaim memory for each.
 *
 * Threads that come later are there from the beginning and wait: see {@link whenMade}.
 */
import { create, Entity, fields, type List, list, op, type Resumable, ref, value } from "../../resumable/index.ts";
import { GFP_KERNEL } from "../gfp.ts";
import type { Page } from "../mm/page.ts";
import { allocPages } from "../mm/page-alloc.ts";
import { kernel } from "./current.ts";
import type { Kernel } from "./kernel.ts";
import type { Task } from "./task.ts";
import { waitOp } from "./wait.ts";

/** `struct kthread_create_info`: one thread that somebody may order, again if there was no memory. */
export class KthreadCreate extends Entity {
  declare state: "none" | "ordered" | "made" | "failed";
  static {
    fields(KthreadCreate, { state: value }, "kthread_create");
  }
}

/** kthreadd with what is ordered (`kthread_create_list`). */
export class Kthreadd extends Entity {
  declare task: Task;
  declare orders: List<KthreadCreate>;
  static {
    fields(Kthreadd, { task: ref, orders: list("contexts") }, "kthreadd");
  }
}

/** Starts kthreadd, once. */
export function bootKthreadd(k: Kernel): Kthreadd {
  const known = k.subsystems.get("kthreadd") as Kthreadd | undefined;
  if (known !== undefined) return known;
  const made = create(Kthreadd);
  made.task = k.spawn({ comm: "kthreadd", kind: "kthread", idle: true }, kthreadd, [made]);
  k.subsystems.set("kthreadd", made);
  return made;
}
export function newKthread(): KthreadCreate {
  return create(KthreadCreate, { state: "none" });
}

const takeOrder = op<Kthreadd>("kthreadd takes order", {
  ways: ({ orders }) => (orders.length > 0 ? 1 : 0),
  apply: ({ orders }) => orders.shift(),
  idle: true,
  describe: () => "take an order",
});
const fulfil = op<KthreadCreate, boolean>("complete order", {
  apply(order, forked) {
    order.state = forked ? "made" : "failed";
  },
  describe: (_order, forked) => (forked ? "the thread is there" : "no memory for the thread"),
});

function* kthreadd(me: Kthreadd): Resumable {
  for (;;) {
    const order: KthreadCreate = yield takeOrder(me);
    const stack: Page | undefined = yield* copyProcess();
    yield fulfil(order, stack !== undefined);
  }
}
/** Only the new thread's stack is allocated. */
function* copyProcess(): Resumable<Page | undefined> {
  return yield* allocPages(GFP_KERNEL);
}

const order = op<KthreadCreate>("wake kthreadd", {
  apply(thread) {
    thread.state = "ordered";
    kernel().subsystem<Kthreadd>("kthreadd").orders.push(thread);
  },
  describe: () => "order a thread",
});
const made = waitOp<KthreadCreate>("wait for kthreadd", {
  ways: (thread) => (thread.state === "ordered" ? 0 : 1),
  apply: (thread) => thread.state === "made",
  wait: () => ({
    resource: { class: "completion", id: "kthreadd" },
    verb: "complete",
    providers: [kernel().subsystem<Kthreadd>("kthreadd").task],
    state: "D",
    top: "schedule_timeout",
  }),
  describe: () => "wait until kthreadd has made a thread",
});

/** `kthread_create_on_node()`; false: no memory. */
export function* kthreadCreateOnNode(thread: KthreadCreate): Resumable<boolean> {
  yield order(thread);
  return yield* waitForCompletionKillable(thread);
}
/** Nobody sends those that order threads here a fatal signal. */
function* waitForCompletionKillable(thread: KthreadCreate): Resumable<boolean> {
  return yield made(thread);
}

const start = op<KthreadCreate>("kthread", {
  ways: (thread) => (thread.state === "made" ? 1 : 0),
  idle: true,
  describe: () => "begin",
});

/** First thing a thread does that others order. */
export function* whenMade(thread: KthreadCreate): Resumable {
  yield start(thread);
}
