/**
 * A serial line (drivers/tty/serial/8250/8250_port.c, drivers/tty/tty_buffer.c): characters arrive by interrupt, and the kernel
 * may print to it.
 *
 * serial8250_handle_irq() takes the port's lock and, with it held, allocates a buffer for the character with GFP_ATOMIC |
 * __GFP_NOWARN (tty_buffer_alloc). serial8250_console_write() takes the same lock, from wherever printk() is called.
 */
import { create, Entity, fields, int, op, type Resumable, ref } from "../../resumable/index.ts";
import { __GFP_NOWARN, gfpAtomic } from "../gfp.ts";
import { SpinLock, spinLockIrqsave, spinUnlockIrqrestore } from "../locking/spinlock.ts";
import { allocPages, freePage } from "../mm/page-alloc.ts";
import { current, era, thisCpu } from "../sched/current.ts";
import { handlersHaveWork, irqEnter, irqExit } from "../sched/hardirq.ts";
import type { Kernel } from "../sched/kernel.ts";

/** `struct uart_port`. */
export class UartPort extends Entity {
  declare lock: SpinLock;
  /** Characters that are still to come, each at any time. */
  declare toCome: number;
  static {
    fields(UartPort, { lock: ref, toCome: int });
  }
}

/** A line on which so many characters come in, by interrupts on these CPUs. Set-up only. */
export function bootSerial(k: Kernel, characters: number, irqCpus: readonly number[]): UartPort {
  const port = create(UartPort, { lock: create(SpinLock, { lockClass: "port_lock" }), toCome: characters });
  const handlers = irqCpus.map((cpu) =>
    k.spawn({ comm: `hardirq/${cpu}`, kind: "hardirq", cpu, idle: true }, serial8250Interrupt, [port]),
  );
  handlersHaveWork(k, (handler) => handlers.includes(handler) && port.toCome > 0);
  return port;
}

const arrival = op<UartPort>("character", {
  ways: (port) => (port.toCome > 0 ? 1 : 0),
  apply(port) {
    port.toCome--;
    irqEnter(current());
  },
  idle: true,
  describe: () => "a character arrives on the serial line",
});

function* serial8250Interrupt(port: UartPort): Resumable {
  for (;;) {
    yield arrival(port);
    const pinned = thisCpu().pinned;
    yield* serial8250HandleIrq(port);
    irqExit(pinned);
  }
}

function* serial8250HandleIrq(port: UartPort): Resumable {
  const flags = yield* spinLockIrqsave(port.lock);
  yield* serial8250RxChars();
  yield* spinUnlockIrqrestore(port.lock, flags);
}
function* serial8250RxChars(): Resumable {
  yield* uartInsertChar();
}
function* uartInsertChar(): Resumable {
  yield* ttyBufferAlloc();
}

/** Without memory the character is lost; with it the line discipline reads the buffer at once. */
function* ttyBufferAlloc(): Resumable {
  const buffer = yield* allocPages(gfpAtomic(era()) | __GFP_NOWARN);
  if (buffer !== undefined) yield* freePage(buffer);
}

const outb = op<UartPort>("serial_out", { describe: () => "write a line to the serial port" });

/** `serial8250_console_write()`. */
export function* serial8250ConsoleWrite(port: UartPort): Resumable {
  const flags = yield* spinLockIrqsave(port.lock);
  yield outb(port);
  yield* spinUnlockIrqrestore(port.lock, flags);
}
