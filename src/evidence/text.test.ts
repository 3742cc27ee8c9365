/** Prefixes, mail and lines, piece by piece. */
import { describe, expect, it } from "vitest";
import { createLineSplitter } from "./lines.ts";
import { decodeEntities, isContinuation, quoteLength } from "./mail.ts";
import { type Prefix, readPrefix } from "./prefixes.ts";
import { whoFromTitle } from "./stack-titles.ts";
import { parseOldTaskLine, parseTaskLine, parseWorkqueue, releaseFrom } from "./task-lines.ts";

const prefix = (s: string): string => {
  const out: Prefix = { at: 0, time: undefined, caller: undefined, host: undefined, present: false };
  readPrefix(s, 0, out);
  return `${out.time ?? "-"} ${out.caller ?? "-"} |${s.slice(out.at)}`;
};

describe("prefixes", () => {
  it.each([
    ["[   12.345678]  schedule+0x1/0x2", "12.345678 - | schedule+0x1/0x2"],
    ["[  115.002350][    C2] sysrq: Show State", "115.00235 C2 |sysrq: Show State"],
    ["[17602.773334][   T15] =====", "17602.773334 T15 |====="],
    ["[    1.5] [ T7] x", "1.5 T7 |x"],
    ["[Thu May 20 08:53:35 2021] Call Trace:", "- - |Call Trace:"],
    ["[May20 08:53] x", "- - |x"],
    ["Nov 18 08:10:27 server kernel:  <TASK>", "- - | <TASK>"],
    ["Nov 18 08:10:27 server kernel: [12345.678901] x", "12345.678901 - |x"],
    ["Nov  8 08:10:27 kernel: x", "- - |x"],
    ["2023-10-25T21:41:24+0200 host kernel: x", "- - |x"],
    ["2023-10-25T21:41:24.123Z host kernel: x", "- - |x"],
    ["<4>1 2023-10-25T21:41:24Z host kernel - - - [  1.25] x", "1.25 - |x"],
    ["4,1736499,1121675690224,-; __schedule+0x3d6/0x8b0", "1121675.690224 - | __schedule+0x3d6/0x8b0"],
    ["6,339,5140900,-,caller=T1;x", "5.1409 T1 |x"],
    ["10-02 20:34:17.586  2461  2461 W Kernel  : [15159.873157] Call trace:", "15159.873157 - |Call trace:"],
    ["  [49887.347053] INFO: x", "49887.347053 - |INFO: x"],
    ["kernel: btrfs D", "- - |btrfs D"],
    ["[12345.678901] host kernel: x", "12345.678901 - |x"],
    // not prefixes
    ["[<ffffffff81>] schedule+0x1/0x2", "- - |[<ffffffff81>] schedule+0x1/0x2"],
    ["[0 00:48:22.765] [UN]  PID: 8863", "- - |[0 00:48:22.765] [UN]  PID: 8863"],
    ["  PID USER", "- - |  PID USER"],
    ["<TASK>", "- - |<TASK>"],
    ["Mary had", "- - |Mary had"],
    ["253:0 a", "- - |253:0 a"],
  ])("%s", (line, want) => expect(prefix(line)).toBe(want));
});

describe("mail", () => {
  it("quote marks", () => {
    for (const [line, rest] of [
      ["> a", "a"],
      [">> > a", "a"],
      ["> >  a", " a"],
      ["| a", "a"],
      [": a", "a"],
      ["  > a", "  > a"],
      ["->a", "->a"],
      [":a", ":a"],
    ] as const)
      expect(line.slice(quoteLength(line))).toBe(rest);
  });

  it("entities", () => {
    expect(decodeEntities("&lt;TASK&gt; &amp;lt;x&amp;gt; &quot;a&quot; &#39;b&#x27;&nbsp;c")).toBe(
      "<TASK> <x> \"a\" 'b' c",
    );
    expect(decodeEntities("(&type->s_umount_key#25){++++}; &wb->work;")).toBe(
      "(&type->s_umount_key#25){++++}; &wb->work;",
    );
  });

  it.each([
    ["INFO: task a:1 blocked for more than", "120 seconds.", true],
    ["INFO: task a:1 blocked for", "more than 120 seconds.", true],
    ["INFO: task a:1 blocked for more than 120", "seconds.", true],
    ["INFO: task a:1 blocked for more than 120 seconds.", "2 things", false],
    ['"echo 0 > /proc/sys/kernel/hung_task_timeout_secs" disables', "this message.", true],
    ["task:a state:D stack:    0 pid:  704 ppid:", "    2 flags:0x00004000", true],
    ["task:a state:D stack:0", "pid:61181 ppid:1 flags:0x00004000", true],
    ["task:a state:D stack:0 pid:1 ppid:2 flags:0x00004000", "pid:3", false],
    [" xfs_file_fsync+0x5e/0x2a0 [xfs", "2be3d2e4a125ddff8482931cb8f078f6393b16a6]", true],
    [" #2 [ffff] rpc_wait at ffffffffc067d44e", "[sunrpc]", true],
    ["Workqueue: dm-integrity-metadata integrity_bio_wait", "[dm_integrity]", true],
    [" #5 [ffff] balance_dirty_pages at", "ffffffff8cd079d6", true],
    [" [<ffffffff81197240>]", "printk+0x5a/0x76", true],
    ["PID: 1 TASK: ffff CPU: 3", 'COMMAND: "a"', true],
    ["#0: ffff888101393538", "((wq_completion)writeback){+.+.}-{0:0}, at:", true],
    ["#0: ffff (a){+.+.}-{0:0}, at:", "process_one_work+0x15c/0x480", true],
    ["Thread-52", "D    0  4475   2121 0x00000008", true],
    [" schedule+0x1/0x2", " io_schedule+0x1/0x2", false],
    ["Call Trace:", "schedule+0x1/0x2", false],
    ["", "seconds.", false],
  ])("%s / %s", (before, next, want) => expect(isContinuation(before, next)).toBe(want));
});

describe("lines", () => {
  const split = (...chunks: string[]): { lines: string[]; cut: number } => {
    const lines: string[] = [];
    const s = createLineSplitter((text, from, to, n) => lines.push(`${n}:${text.slice(from, to)}`));
    for (const c of chunks) s.push(Buffer.from(c, "latin1"));
    s.end();
    return { lines, cut: s.cutLines };
  };

  it("over chunk borders", () => {
    expect(split("a\nb", "c\n", "\n", "d").lines).toEqual(["1:a", "2:bc", "3:", "4:d"]);
    expect(split("").lines).toEqual([]);
    expect(split("\n").lines).toEqual(["1:"]);
  });

  it("carriage returns", () => expect(split("a\r\r\nb\rc\r\n\r\n").lines).toEqual(["1:a", "2:b", "2:c", "3:"]));

  it("text that is not UTF-8 is latin1", () => expect(split("gr\xfc\xdfe\n").lines).toEqual(["1:gr\u00fc\u00dfe"]));

  it("cuts at 64 KiB", () => {
    const { lines, cut } = split("x".repeat(65_536), "\n", "y".repeat(65_537), "z".repeat(10), "\nend");
    expect(lines.map((l) => l.length)).toEqual([65_538, 65_538, 5]);
    expect(cut).toBe(1);
  });
});

describe("task headers", () => {
  const t = (s: string): string => {
    const f = s.startsWith("task:") ? parseTaskLine(s) : parseOldTaskLine(s);
    return f ? `${f.comm}:${f.pid} ${f.state} ppid ${f.ppid ?? "-"} tgid ${f.tgid ?? "-"}` : "none";
  };
  it.each([
    [
      "task:kworker/u4:0    state:D stack:0     pid:9     ppid:2      flags:0x00004000",
      "kworker/u4:0:9 D ppid 2 tgid -",
    ],
    [
      "task:syz.6.2550      state:D stack:27248 pid:17606 tgid:17605 ppid:15038  flags:0x00000004",
      "syz.6.2550:17606 D ppid 15038 tgid 17605",
    ],
    [
      "task:systemd         state:D stack:0     pid:1     tgid:1     ppid:0      task_flags:0x400100 flags:0x00080000",
      "systemd:1 D ppid 0 tgid 1",
    ],
    [
      "task:jbd2/sda9-8     state:D stack:    0 pid:  704 ppid:     2 flags:0x00004000",
      "jbd2/sda9-8:704 D ppid 2 tgid -",
    ],
    ["task:jbd2/vdc-8      state:D stack:    0 pid: 4436 ppid:     2 f0", "jbd2/vdc-8:4436 D ppid 2 tgid -"],
    [
      "task:sh              state:R  running task     stack:0     pid:2603620 ppid:2603312 flags:0x00004002",
      "sh:2603620 R ppid 2603312 tgid -",
    ],
    ["task:CPU 0/KVM       state:D stack:0     pid:7834  ppid:1 flags:0x00004000", "CPU 0/KVM:7834 D ppid 1 tgid -"],
    ["btrfs           D ffff88030bd07a98     0  2918   2892 0x00000000", "btrfs:2918 D ppid 2892 tgid -"],
    ["btrfs-transacti D    0  1752      2 0x80004000", "btrfs-transacti:1752 D ppid 2 tgid -"],
    ["syz-executor4   D24208  6761   4671 0x00000004", "syz-executor4:6761 D ppid 4671 tgid -"],
    ["HwBinder:2156_3 D    0  4116      1 0x00000000", "HwBinder:2156_3:4116 D ppid 1 tgid -"],
    ["bash            R  running task        0  3141      1 0x00000000", "bash:3141 R ppid 1 tgid -"],
    ["foo bar D       S c0a1b2cc     0  1234      1 0x00000000", "foo bar D:1234 S ppid 1 tgid -"],
    ["values 0x10 12 13 0x20", "none"],
    ["task:x", "none"],
  ])("%s", (line, want) => expect(t(line)).toBe(want));

  it("workers", () => {
    expect(parseWorkqueue("Workqueue: writeback wb_workfn (flush-8:0)")).toEqual({
      name: "writeback",
      work: "wb_workfn",
      description: "flush-8:0",
    });
    expect(parseWorkqueue("Workqueue: kcryptd-253:4-1 kcryptd_crypt [dm_crypt]")).toEqual({
      name: "kcryptd-253:4-1",
      work: "kcryptd_crypt",
    });
    expect(parseWorkqueue("Workqueue:  0x0 (rpciod)")).toEqual({ name: "", work: "0x0", description: "rpciod" });
  });

  it("releases", () => {
    expect(releaseFrom("Not tainted 6.1.0-56-cloud-amd64 #1 Debian 6.1.192-2")).toBe("6.1.0-56-cloud-amd64");
    expect(releaseFrom("Tainted: P           O    4.4.184-octeon-distro.git-v2.96-4-rc-wnd #1")).toBe(
      "4.4.184-octeon-distro.git-v2.96-4-rc-wnd",
    );
    expect(releaseFrom("Tainted: [W]=WARN")).toBeUndefined();
  });

  it("titles that name a task", () => {
    expect(whoFromTitle("   2159")).toEqual({ pid: 2159 });
    expect(whoFromTitle("pid 12 (dd)")).toEqual({ pid: 12, comm: "dd" });
    expect(whoFromTitle("kworker/u8:2 (77):")).toEqual({ pid: 77, comm: "kworker/u8:2" });
    expect(whoFromTitle("jbd2/sda1-8:77")).toEqual({ pid: 77, comm: "jbd2/sda1-8" });
    expect(whoFromTitle("OOM kill victim:")).toEqual({});
  });
});
