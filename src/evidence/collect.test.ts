/** The same dump, sent through everything that serial lines, loggers, mailers and archives do to it. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { collectEvidence } from "./collect.ts";
import type { EvidenceInput } from "./inputs.ts";
import { textInput } from "./inputs.ts";
import type { Evidence } from "./types.ts";

const sample = (name: string): string =>
  readFileSync(new URL(`formats/samples/${name}`, import.meta.url), "utf8").replace(/^SOURCE: .*\n\n/, "");

/** From `sysrq: Show Blocked State` to the end of the last whole task. */
const SYSRQ = sample("sysrq-w-6.1.txt").split("\n").slice(1, 105).join("\n");
const HUNG = sample("hung-4.19-syzkaller.txt");
const BLOCKER = sample("hung-6.16-blocker.txt");

/** Who is there, in which state, with which reliable frames; without lines and times. */
const essence = (e: Evidence): string =>
  e.tasks
    .map(
      (t) =>
        `${t.comm}:${t.pid} ${t.state} ${t.blockedSeconds ?? ""} ${t.workqueue?.description ?? ""} ${t.likelyOwner?.pid ?? ""} ${t.stack.names.join("<")}`,
    )
    .join("\n");

const of = async (text: string): Promise<string> => essence(await collectEvidence([textInput("x", text)]));

const PLAIN = await of(SYSRQ);
const PLAIN_HUNG = await of(HUNG);
const PLAIN_BLOCKER = await of(BLOCKER);

const eachLine = (text: string, f: (line: string, n: number) => string): string => text.split("\n").map(f).join("\n");
const bare = (line: string): string => line.replace(/^\[ *\d+\.\d+\] ?/, "");
/** As mailers do: broken at the last blank before column 76, without indent on the next line. */
const wrap = (line: string): string => {
  const out: string[] = [];
  let rest = line;
  while (rest.length > 76) {
    const at = rest.lastIndexOf(" ", 76);
    if (at < 20) break;
    out.push(rest.slice(0, at));
    rest = rest.slice(at + 1);
  }
  return [...out, rest].join("\n");
};
const escaped = (s: string): string => s.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
const quotedPrintable = (text: string): string =>
  `Content-Transfer-Encoding: quoted-printable\n\n${text
    .replaceAll("=", "=3D")
    .split("\n")
    .map((line) => line.replace(/ $/, "=20").replace(/.{75}(?=.)/g, "$&=\n"))
    .join("\n")}`;

const TRANSFORMS: readonly (readonly [string, (text: string) => string])[] = [
  ["CRLF", (t) => t.replaceAll("\n", "\r\n")],
  ["serial CR CR LF", (t) => t.replaceAll("\n", "\r\r\n")],
  ["LF CR", (t) => t.replaceAll("\n", "\n\r")],
  ["^M as text", (t) => t.replaceAll("\n", "^M\n")],
  ["no prefix", (t) => eachLine(t, bare)],
  ["indented", (t) => eachLine(t, (l) => `    ${l}`)],
  ["NBSP", (t) => eachLine(t, (l) => l.replaceAll(" ", "\u00a0"))],
  ["dmesg -T", (t) => eachLine(t, (l) => `[Thu May 20 08:53:35 2021] ${bare(l)}`)],
  ["dmesg --reltime", (t) => eachLine(t, (l) => `[  +0.000013] ${bare(l)}`)],
  ["dmesg --color", (t) => eachLine(t, (l) => `\x1b[32m${l.slice(0, 14)}\x1b[0m${l.slice(14)}`)],
  ["syslog", (t) => eachLine(t, (l) => `Nov  8 08:10:27 host-1 kernel: ${bare(l)}`)],
  ["syslog with printk time", (t) => eachLine(t, (l) => `Nov 18 08:10:27 host.example kernel: ${l}`)],
  ["journal, ISO", (t) => eachLine(t, (l) => `2023-10-25T21:41:24.123456+02:00 host kernel: ${bare(l)}`)],
  ["journal, short-monotonic", (t) => eachLine(t, (l) => l.replace(/^(\[ *\d+\.\d+\]) ?/, "$1 host kernel: "))],
  ["kernel:", (t) => eachLine(t, (l) => `kernel: ${bare(l)}`)],
  ["priority", (t) => eachLine(t, (l) => `<4>${l}`)],
  ["priority and time", (t) => eachLine(t, (l) => `<6>[   12.345678] ${bare(l)}`)],
  ["kmsg", (t) => eachLine(t, (l, n) => `4,${1736499 + n},1121675690224,-;${bare(l)}`)],
  ["kmsg with caller", (t) => eachLine(t, (l, n) => `4,${1736499 + n},1121675690224,-,caller=T123;${bare(l)}`)],
  ["logcat", (t) => eachLine(t, (l) => `10-02 20:34:17.586  2461  2461 W Kernel  : ${l}`)],
  ["caller id", (t) => eachLine(t, (l) => l.replace(/^(\[ *\d+\.\d+\])/, "$1[ T123]"))],
  ["caller id, CPU", (t) => eachLine(t, (l) => l.replace(/^(\[ *\d+\.\d+\])/, "$1[    C1]"))],
  ["netconsole through syslog", (t) => eachLine(t, (l) => `Oct  1 10:00:00 10.0.0.1 ${l}`)],
  ["quoted", (t) => eachLine(t, (l) => `> ${l}`)],
  ["quoted three times", (t) => eachLine(t, (l) => `>> > ${l}`)],
  ["quoted with bars", (t) => eachLine(t, (l) => `| ${l}`)],
  ["HTML entities", (t) => escaped(t)],
  ["HTML entities twice, quoted", (t) => eachLine(t, (l) => escaped(escaped(`> ${l}`)))],
  ["quoted-printable", quotedPrintable],
  ["wrapped at 76", (t) => eachLine(t, wrap)],
  ["syslog, wrapped", (t) => eachLine(t, (l) => wrap(`Nov 18 08:10:27 host kernel: ${bare(l)}`))],
  [
    "syslog, wrapped, quoted",
    (t) =>
      eachLine(
        eachLine(t, (l) => wrap(`Nov 18 08:10:27 host kernel: ${bare(l)}`)),
        (l) => `> ${l}`,
      ),
  ],
  ["no prefix, wrapped", (t) => eachLine(t, (l) => wrap(bare(l)))],
  ["a blank line after each", (t) => t.replaceAll("\n", "\n\n")],
  ["user-space lines between", (t) => eachLine(t, (l, n) => (n % 7 === 3 ? `${l}\nstarting backup job` : l))],
  ["garbage around", (t) => `\u0000\u0001\ufffd %PDF-1.4 \n{"a":1}\n${t}\n\nlogin: root\n# ls\n`],
  ["mail around", (t) => `From: a@example.org\nSubject: hang\n\nHi all,\n\nI see this:\n\n${t}\n\nThanks,\nA\n`],
];

describe("what happens to logs on their way", () => {
  for (const [name, change] of TRANSFORMS) {
    it(`SysRq-w, ${name}`, async () => expect(await of(change(SYSRQ))).toBe(PLAIN));
    it(`hung_task 4.19, ${name}`, async () => expect(await of(change(HUNG))).toBe(PLAIN_HUNG));
    it(`hung_task 6.16, ${name}`, async () => expect(await of(change(BLOCKER))).toBe(PLAIN_BLOCKER));
  }

  it("the samples hold what they should", () => {
    expect(PLAIN.split("\n").map((l) => l.split(" ")[0])).toEqual(["kworker/u4:0:9", "jbd2/vda-8:104", "wl:113"]);
    expect(PLAIN_HUNG.split("\n")).toHaveLength(2);
    expect(PLAIN_BLOCKER.split("\n")).toHaveLength(4);
  });
});

const inPieces = (text: string, size: number): EvidenceInput => {
  const b = Buffer.from(text, "utf8");
  const chunks: Uint8Array[] = [];
  for (let p = 0; p < b.length; p += size) chunks.push(b.subarray(p, p + size));
  return { name: "x", chunks };
};

describe("chunks", () => {
  for (const size of [1, 7, 4096]) {
    it(`of ${size} bytes give the same`, async () => {
      const one = await collectEvidence([textInput("x", SYSRQ)]);
      const many = await collectEvidence([inPieces(SYSRQ, size)]);
      expect(many).toEqual(one);
    });
  }

  it("cut inside a character", async () => {
    const text = SYSRQ.replaceAll("kworker", "k\u00f6rker\u20ac");
    expect(essence(await collectEvidence([inPieces(text, 1)]))).toBe(await of(text));
  });
});

describe("two CPUs at once", () => {
  it("are told apart by their caller ids", async () => {
    const a = eachLine(SYSRQ, (l) => l.replace(/^(\[ *\d+\.\d+\])/, "$1[  T11]")).split("\n");
    const b = HUNG.split("\n").map((l) => l.replace(/^(\[ *\d+\.\d+\])/, "$1[  T12]"));
    const mixed: string[] = [];
    for (let i = 0; i < Math.max(a.length, b.length); i++) mixed.push(...[a[i], b[i]].filter((l) => l !== undefined));
    const both = (await of(mixed.join("\n"))).split("\n").sort();
    expect(both).toEqual([...PLAIN.split("\n"), ...PLAIN_HUNG.split("\n")].sort());
  });
});

describe("a warning in the middle of a stack", () => {
  const warning = [
    "------------[ cut here ]------------",
    "WARNING: CPU: 0 PID: 1 at kernel/trace/rethook.c:263 rethook_find_ret_addr+0x1a/0x80",
    "CPU: 0 PID: 1 Comm: init Not tainted 6.1.0-56-cloud-amd64 #1",
    "RIP: 0010:rethook_find_ret_addr+0x1a/0x80",
    "Call Trace:",
    " <TASK>",
    " unwind_next_frame+0x1/0x2",
    " entry_SYSCALL_64_after_hwframe+0x6e/0xd8",
    " </TASK>",
  ].map((l) => `[   23.487989] ${l}`);

  it("does not cut it", async () => {
    const lines = SYSRQ.split("\n");
    const at = lines.findIndex((l) => l.includes("kjournald2"));
    lines.splice(at, 0, ...warning, "[   23.487999] ---[ end trace 0000000000000000 ]---");
    expect((await of(lines.join("\n"))).split("\n").filter((l) => !l.startsWith("init:1 R"))).toEqual(
      PLAIN.split("\n"),
    );
  });

  it("costs one record when its end is lost", async () => {
    const lines = SYSRQ.split("\n");
    lines.splice(
      lines.findIndex((l) => l.includes("kjournald2")),
      0,
      ...warning,
    );
    const e = await collectEvidence([textInput("x", lines.join("\n"))]);
    expect(e.tasks.map((t) => t.pid)).toEqual(expect.arrayContaining([9, 104, 1, 113]));
  });
});

describe("cut logs", () => {
  it("every prefix of a dump is read, and the cut record is marked", async () => {
    const lines = SYSRQ.split("\n");
    for (let n = 2; n < lines.length; n += 5) {
      const e = await collectEvidence([textInput("x", lines.slice(0, n).join("\n"))]);
      const headers = lines.slice(0, n).filter((l) => l.includes("task:")).length;
      expect(e.tasks).toHaveLength(headers);
      for (const t of e.tasks.slice(0, -1)) expect(t.truncated).toBeUndefined();
      const last = lines.slice(0, n).findLastIndex((l) => l.includes("task:"));
      const done = lines
        .slice(last, n)
        .some((l) => /<\/TASK>|ret_from_fork|entry_SYSCALL|do_syscall_64|kthread\+/.test(l));
      if (!done && last >= 0 && n - last > 1 && !lines.slice(last, n).some((l) => l.includes("asm_exc")))
        expect(e.tasks.at(-1)?.truncated).toBe(true);
    }
  });
});

describe("compressed inputs", () => {
  const run = async (b: Uint8Array): Promise<Evidence> => collectEvidence([{ name: "x", chunks: [b] }]);

  it("gzip", async () => {
    const e = await run(gzipSync(SYSRQ));
    expect(essence(e)).toBe(PLAIN);
    expect(e.inputs[0]?.compression).toBe("gzip");
  });

  it("gzip in two members, one byte at a time", async () => {
    const half = Math.floor(SYSRQ.length / 2);
    const b = Buffer.concat([gzipSync(SYSRQ.slice(0, half)), gzipSync(SYSRQ.slice(half))]);
    expect(essence(await collectEvidence([{ name: "x", chunks: [...b].map((c) => Uint8Array.of(c)) }]))).toBe(PLAIN);
  });

  it("damaged gzip gives what was decoded, and a note", async () => {
    const big = Array.from({ length: 400 }, (_, n) => SYSRQ.replaceAll("pid:", `pid:${n}`)).join("\n");
    const b = gzipSync(big);
    const e = await run(b.subarray(0, b.length - 2000));
    expect(e.tasks.length).toBeGreaterThan(100);
    expect(e.inputs[0]?.notes?.[0]).toMatch(/gzip data is damaged after \d+ bytes/);
  });

  it("stops at the limits", async () => {
    const bomb = gzipSync(Buffer.alloc(30_000_000, `${"a".repeat(500)}\n`));
    const small = { maxBytes: 1_000_000, maxRatio: 2000, ratioFrom: 2 ** 40 };
    const e = await collectEvidence([{ name: "x", chunks: [bomb] }], { limits: small });
    expect(e.inputs[0]?.bytes).toBe(1_000_000);
    expect(e.inputs[0]?.notes?.[0]).toMatch(/stopped after 1000000 bytes/);
    const ratio = await collectEvidence([{ name: "x", chunks: [bomb] }], {
      limits: { maxBytes: 2 ** 40, maxRatio: 10, ratioFrom: 100_000 },
    });
    expect(ratio.inputs[0]?.notes?.[0]).toMatch(/more than 10 to 1/);
    expect(ratio.inputs[0]?.bytes).toBeLessThan(25_000_000);
  });

  /** `printf 'INFO: task a:1 blocked for more than 120 seconds.\n' | zstd` */
  const ZSTD = "KLUv/QRYiQEASU5GTzogdGFzayBhOjEgYmxvY2tlZCBmb3IgbW9yZSB0aGFuIDEyMCBzZWNvbmRzLgptTXwG";

  it("zstd", async () => {
    const made = spawnSync("zstd", ["-q", "-c"], { input: SYSRQ });
    const e = await run(Buffer.from(ZSTD, "base64"));
    expect(e.tasks[0]?.pid).toBe(1);
    if (!made.error) expect(essence(await run(made.stdout))).toBe(PLAIN);
  });

  it("damaged zstd", async () => {
    const b = Buffer.from(ZSTD, "base64");
    const e = await run(b.subarray(0, 30));
    expect(e.inputs[0]?.notes?.[0]).toMatch(/zstd data is damaged/);
  });

  it("xz, or one clear error where there is no xz", async () => {
    const made = spawnSync("xz", ["-c"], { input: SYSRQ });
    const path = process.env.PATH;
    if (!made.error) {
      expect(essence(await run(made.stdout))).toBe(PLAIN);
      const cut = await run(made.stdout.subarray(0, made.stdout.length - 40));
      expect(cut.inputs[0]?.notes?.[0]).toMatch(/xz data is damaged/);
    }
    const magic = Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
    process.env.PATH = "/nonexistent";
    try {
      await expect(run(magic)).rejects.toThrow(/^x: is compressed with xz, and there is no xz program here/);
    } finally {
      process.env.PATH = path;
    }
  });
});

describe("bounds", () => {
  it("long lines are cut and counted", async () => {
    const e = await collectEvidence([
      textInput("x", `${"a".repeat(70_000)}\n${SYSRQ}\n${"b".repeat(65_536)}\n${"c".repeat(300_000)}`),
    ]);
    expect(e.cutLines).toBe(2);
    expect(essence(e)).toBe(PLAIN);
  });

  it("beyond a number of records equal ones are counted", async () => {
    const many = Array.from({ length: 50 }, (_, n) =>
      SYSRQ.replace(/^.*\n/, "").replaceAll("pid:", `pid:${n + 1}`),
    ).join("\n");
    const all = await collectEvidence([textInput("x", many)]);
    const few = await collectEvidence([textInput("x", many)], { bounds: { tasks: 10, folded: 100, others: 100 } });
    expect(all.tasks).toHaveLength(150);
    expect(few.tasks).toHaveLength(13);
    expect(few.compacted).toBe(140);
    expect(few.tasks.reduce((n, t) => n + (t.count ?? 1), 0)).toBe(150);
    expect(few.tasks.at(-1)?.frameLines).toBeUndefined();
    expect(new Set(all.tasks.map((t) => t.stack)).size).toBe(3);
  });

  it("unparsed lines are counted and the first is named", async () => {
    const e = await collectEvidence([textInput("a", "\n\n"), textInput("b", "\nhello world\nfoo\n")]);
    expect(e.unparsed).toEqual({ count: 2, first: { input: 1, line: 2, text: "hello world" } });
    expect(e.inputs.map((i) => i.format)).toEqual(["unknown", "unknown"]);
  });
});

describe("snapshots", () => {
  it("a dump without tasks is evidence too", async () => {
    const e = await collectEvidence([
      textInput("x", "[  1.0] sysrq: Show Blocked State\n[  9.5] SysRq : Show State\n"),
    ]);
    expect(e.snapshots).toEqual([
      { kind: "sysrq-w", line: 1, time: 1, complete: true, input: 0 },
      { kind: "sysrq-t", line: 2, time: 9.5, complete: true, input: 0 },
    ]);
  });

  it("hung-task reports of one round share one, the next round gets another", async () => {
    const later = HUNG.replace(/^\[ *(\d+)/gm, (_, s: string) => `[${Number(s) + 120}`);
    const e = await collectEvidence([textInput("x", `${HUNG}\n${later}`)]);
    expect(e.tasks.map((t) => t.snapshot)).toEqual([0, 0, 1, 1]);
  });

  it("the same task again, without times, begins another", async () => {
    const e = await collectEvidence([textInput("x", eachLine(`${HUNG}\n${HUNG}`, bare))]);
    expect(e.tasks.map((t) => t.snapshot)).toEqual([0, 0, 1, 1]);
  });
});

describe("hostile input", () => {
  /** xorshift: the same inputs in every run. */
  const random = (seed: number): (() => number) => {
    let s = seed;
    return () => {
      s ^= s << 13;
      s ^= s >>> 17;
      s ^= s << 5;
      return (s >>> 0) / 2 ** 32;
    };
  };
  const parts = [
    SYSRQ,
    HUNG,
    BLOCKER,
    sample("crash-foreach-age.txt"),
    sample("proc-stack-comm-files.txt"),
    sample("bare-2018.txt"),
    sample("task-dump-logcat-4.14.txt"),
  ];

  it("never throws", async () => {
    for (let seed = 1; seed <= 200; seed++) {
      const r = random(seed * 7919);
      const b = Buffer.from(parts[Math.floor(r() * parts.length)]!.slice(0, 6000));
      for (let n = 0; n < 40; n++) b[Math.floor(r() * b.length)] = Math.floor(r() * 256);
      const at = Math.floor(r() * b.length);
      const spliced = Buffer.concat([
        b.subarray(at),
        Buffer.from(parts[seed % parts.length]!.slice(0, 500)),
        b.subarray(0, at),
      ]);
      try {
        await collectEvidence([{ name: "x", chunks: [spliced] }]);
      } catch (e) {
        throw new Error(`seed ${seed}: ${e instanceof Error ? e.stack : String(e)}`);
      }
    }
  });

  it("odd long lines take linear time", async () => {
    const shapes = [
      "INFO: task ",
      "task:",
      "a ",
      " at",
      "> ",
      "&lt;",
      "[<",
      "0x",
      "+0x1/0x2 ",
      "(",
      "=",
      "\r",
      "#0 ",
      "[ ",
      "x D 0 ",
      "PID: 1 TASK: ",
      "kernel: ",
    ];
    for (const shape of shapes) {
      const e = await collectEvidence([textInput("x", `${shape.repeat(20_000)}\n${shape.repeat(3000)}\n`.repeat(5))]);
      expect(e.inputs[0]?.lines).toBe(10);
    }
  }, 20_000);
});
