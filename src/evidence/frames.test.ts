import { describe, expect, it } from "vitest";
import { createFrameParser, isEntrySymbol, isOutermostSymbol, normaliseSymbol } from "./frames.ts";

const parser = createFrameParser((f) => f);
/** `form index|count frames` as short text. */
const parse = (text: string): string | undefined => {
  const f = parser.parse(text);
  if (!f) return undefined;
  const frames = f.line.frames.map(
    (x) =>
      `${x.unreliable ? "?" : ""}${x.symbol}${x.printed ? `(${x.printed})` : ""}${x.offset === undefined ? "" : `+${x.offset}`}${x.size === undefined ? "" : `/${x.size}`}${x.module ? `[${x.module}]` : ""}${x.inlined ? "inline" : ""}`,
  );
  return [
    f.line.form,
    f.index === undefined ? "" : `#${f.index}`,
    f.count === undefined ? "" : `x${f.count}`,
    ...frames,
  ]
    .filter((s) => s !== "")
    .join(" ");
};

describe("frames", () => {
  it.each([
    // printk since v4.10
    [" __schedule+0x3cc/0x13e0", "plain __schedule+972/5088"],
    [" ? __pfx_wake_page_function+0x10/0x10", "plain ?__pfx_wake_page_function+16/16"],
    [" xfs_file_fsync+0x5e/0x2a0 [xfs]", "plain xfs_file_fsync+94/672[xfs]"],
    [" xfs_file_fsync+0x5e/0x2a0 [xfs 2be3d2e4a125ddff8482931cb8f078f6393b16a6]", "plain xfs_file_fsync+94/672[xfs]"],
    [" nv_open+0x1/0x2 [nvidia(PO)]", "plain nv_open+1/2[nvidia]"],
    ["__schedule+0x457/0x860", "plain __schedule+1111/2144"],
    [" pageout.isra.53+0x1e6/0x340", "plain pageout(pageout.isra.53)+486/832"],
    [" usb_new_device.cold+0x110/0x5e9", "plain usb_new_device(usb_new_device.cold)+272/1513"],
    // a trampoline in place of the caller: past the end of the symbol
    [" trace_clock_x86_tsc+0x10/0x10", "plain ?trace_clock_x86_tsc+16/16"],
    [" ? 0xffffffff93000000", "plain ?"],
    [" dump_backtrace+0x0/0x1a0 (P)", "plain dump_backtrace+0/416"],
    // before v4.10, and who still prints addresses
    [" [<ffffffff8185e0b5>] schedule+0x35/0x80", "addr schedule+53/128"],
    [" [<ffffffff81197240>] ? printk+0x5a/0x76", "addr ?printk+90/118"],
    ["[<ffffffffc0280000>] do_origin+0xe4/0x170 [dm_snapshot]", "addr do_origin+228/368[dm_snapshot]"],
    ["[<00000000a85c7184>] __schedule+0x274/0x940", "addr __schedule+628/2368"],
    ["d[<ffffffff8185e0b5>] schedule+0x35/0x80", "addr schedule+53/128"],
    ["[<...>] schedule+0x35/0x80", "addr schedule+53/128"],
    ["[<ffffffff8110b5ab>] T.1146+0x5ab/0x5c0", "addr T.1146+1451/1472"],
    // ppc64, s390
    ["[c000000f1c3cb7d0] [c0000000000191dc] __switch_to+0x1bc/0x2a0 (unreliable)", "addr ?__switch_to+444/672"],
    ["[c000000f1c3cb7d0] [c0000000000191dc] __switch_to+0x1bc/0x2a0", "addr __switch_to+444/672"],
    ["([<000000000011c2e8>] show_trace+0x8a/0xe0)", "addr show_trace+138/224"],
    [" [<0000000000a1b2c4>] __schedule+0x2c/0x90", "addr __schedule+44/144"],
    // arm32, old and since v5.19
    ["[<c0a1b2cc>] (__schedule) from [<c0a1c000>] (schedule+0x54/0xc4)", "addr __schedule schedule+84/196"],
    ["[<c0a1b2cc>] (__schedule+0x1/0x2) from [<c0a1c000>] (schedule+0x54/0xc4)", "addr __schedule+1/2 schedule+84/196"],
    [" __schedule from schedule+0x54/0xc4", "plain __schedule schedule+84/196"],
    [" ext4_sync from vfs_fsync+0x54/0xc4 [ext4]", "plain ext4_sync vfs_fsync+84/196[ext4]"],
    // /proc/PID/stack
    ["[<0>] jbd2_journal_wait_updates+0x73/0xe0", "proc jbd2_journal_wait_updates+115/224"],
    ["   [<0>] __fuse_simple_request+0x37c/0x5c0 [fuse]", "proc __fuse_simple_request+892/1472[fuse]"],
    ["[<ffffffffffffffff>] 0xffffffffffffffff", "end"],
    ["[<0>] 0xffffffffffffffff", "end"],
    ["   1463 [<0>] rwsem_down_read_slowpath+0x2c3/0x4a0", "proc x1463 rwsem_down_read_slowpath+707/1184"],
    // symbolised
    [" context_switch kernel/sched/core.c:5369 [inline]", "inline context_switchinline"],
    [" __schedule+0xa9a/0x4940 kernel/sched/core.c:6253", "plain __schedule+2714/18752"],
    [
      " usb_stor_msg_common+0x157/0x1f0           usb_stor_msg_common at drivers/usb/storage/transport.c:166 (discriminator 4)",
      "plain usb_stor_msg_common+343/496",
    ],
    // crash
    [" #0 [ffffc9000cd0f8b0] __schedule at ffffffff818b3c3c", "crash #0 __schedule"],
    [
      "#10 [ffffc9000cd0fc78] cifs_read.constprop.46 at ffffffffc052bbe0 [cifs]",
      "crash #10 cifs_read(cifs_read.constprop.46)[cifs]",
    ],
    ["  #0 [...] __schedule at ...", "crash #0 __schedule"],
    ["  #2 [...] rpc_wait_bit_killable at ... [sunrpc]", "crash #2 rpc_wait_bit_killable[sunrpc]"],
    ["0 [] __schedule at", "crash #0 __schedule"],
    ["15 [] __ext4_get_inode_loc at  [ext4]", "crash #15 __ext4_get_inode_loc[ext4]"],
    ["5 [] native_queued_spin_lock_slowpath at ffffffff972fce02", "crash #5 native_queued_spin_lock_slowpath"],
    [" #0 [ffff88003] __schedule+617 at ffffffff818b3c3c", "crash #0 __schedule+617"],
    ["    [exception RIP: native_queued_spin_lock_slowpath+462]", "crash native_queued_spin_lock_slowpath+462"],
    // drgn, gdb
    ["#0 __schedule+617 at kernel/sched/core.c:6253", "drgn #0 __schedule+617"],
    ["   #0  __schedule+0x5ce/0xcfc", "drgn #0 __schedule+1486/3324"],
    ["#1  __schedule (kernel/sched/core.c:5940:8)", "drgn #1 __schedule"],
    ["#2  0xffffffff81a1b2c4 in schedule () at kernel/sched/core.c:100", "drgn #2 schedule"],
  ])("%s", (text, want) => expect(parse(text)).toBe(want));

  it.each([
    "RIP: 0010:console_unlock+0x343/0x540",
    "pc : lock_acquire+0x10/0x20",
    " #0: ffffffff824bd240 (rcu_read_lock){....}-{1:2}, at: debug_show_all_locks+0x2e/0x1e0",
    "hardirqs last  enabled at (96654): [<ffffffff81c6581b>] kfree+0x25b/0x390",
    "INFO: task a:1 blocked for more than 120 seconds.",
    "Call Trace:",
    " <TASK>",
    "Workqueue: writeback wb_workfn (flush-8:0)",
    "[   12.345678] hello",
    "#1 this is a list",
    "12 [abc] words",
    "a from b",
    "look at this",
    "",
    " ",
  ])("no frame: %s", (text) => expect(parse(text)).toBeUndefined());

  it("gives the same object for the same text", () => {
    expect(parser.parse(" schedule+0x1/0x2")).toBe(parser.parse(" schedule+0x1/0x2"));
  });
});

describe("symbols", () => {
  it.each([
    ["foo", "foo"],
    ["foo.isra.0", "foo"],
    ["foo.isra.0.constprop.12", "foo"],
    ["foo.part.3.cold.9", "foo"],
    ["foo.cold", "foo"],
    ["foo.llvm.1234567", "foo"],
    ["T.1146", "T.1146"],
    ["coldplug.x", "coldplug.x"],
  ])("%s -> %s", (printed, want) => expect(normaliseSymbol(printed)).toBe(want));

  it("exceptions end a stack only when nothing follows", () => {
    expect(isEntrySymbol("asm_exc_page_fault")).toBe(true);
    expect(isOutermostSymbol("asm_exc_page_fault")).toBe(false);
    expect(isOutermostSymbol("ret_from_fork_asm")).toBe(true);
    expect(isOutermostSymbol("el0t_64_sync")).toBe(true);
    expect(isEntrySymbol("shrink_node")).toBe(false);
  });
});
