/** Promise: the answer on stdout, the talk on stderr, the exit codes of the contract, one clear line for what is wrong. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { exitCodeOf } from "../src/cli/exit-codes.ts";
import { message, messageIds } from "../src/cli/messages.ts";
import { nearest } from "../src/cli/near.ts";
import { runCommandLine } from "../src/cli/program.ts";
import { type Terminal, wantsColor } from "../src/cli/terminal.ts";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const mail = join(root, "samples/tour/memcg-writeback-abba.txt");
const console_ = join(root, "samples/tour/ext4-writeback-hang.log.gz");

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

interface Given {
  readonly stdin?: string | Readable;
  readonly tty?: boolean;
  readonly env?: Record<string, string>;
  readonly interrupted?: AbortSignal;
  readonly rows?: number;
}

async function run(args: readonly string[], given: Given = {}): Promise<Run> {
  let out = "";
  let err = "";
  const { stdin } = given;
  const terminal: Terminal = {
    out: async (text) => {
      out += text;
    },
    err: (line) => {
      err += `${line}\n`;
    },
    stdin: typeof stdin === "object" ? stdin : Readable.from([Buffer.from(stdin ?? "")]),
    stdinPiped: stdin !== undefined,
    stdinTty: stdin === undefined,
    outTty: given.tty ?? false,
    columns: 80,
    rows: given.rows ?? 1_000_000,
    env: given.env ?? {},
    interrupted: given.interrupted ?? new AbortController().signal,
  };
  const code = await runCommandLine(args, terminal);
  return { code, out, err };
}

let dir: string;
const file = (name: string, content: string | Uint8Array): string => {
  writeFileSync(join(dir, name), content);
  return join(dir, name);
};
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "unwedge-cli-"));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const lines = (text: string): string[] => text.trimEnd().split("\n");
const healthy = `[  100.000001] sysrq: Show Blocked State
[  100.000002] Sched Debug Version: v0.11, 6.1.192
`;

describe("diagnose", () => {
  it("starts with the verdict and exits with 1 for a deadlock", async () => {
    const r = await run(["diagnose", mail]);
    expect(r.code).toBe(1);
    expect(lines(r.out)[0]).toMatch(/^DEADLOCK \(likely\)/);
    expect(r.err).toBe("");
  });

  it("prints one JSON document and nothing else", async () => {
    const r = await run(["diagnose", "--json", console_]);
    expect(r.code).toBe(1);
    const d = JSON.parse(r.out) as { schema: string; verdict: string; inputs: { name: string; compression: string }[] };
    expect([d.schema, d.verdict]).toEqual(["unwedge.diagnosis/1", "deadlock"]);
    expect(d.inputs[0]).toMatchObject({ name: console_, compression: "gzip" });
  });

  it.each([
    ["--dot", /^digraph|^strict digraph/],
    ["--mermaid", /^(---|flowchart|graph|%%)/],
    ["--svg", /^<(\?xml|svg)/],
    ["--html", /^<!doctype html>/i],
  ])("%s prints that form alone", async (option, start) => {
    const r = await run(["diagnose", option, mail]);
    expect(r.code).toBe(1);
    expect(r.out).toMatch(start);
  });

  it("gives one answer for the same log from a file, from -, from a bare pipe, and compressed", async () => {
    const text = readFileSync(mail, "utf8");
    const verdict = async (args: string[], given: Given = {}): Promise<unknown> => {
      const d = JSON.parse((await run([...args, "--json"], given)).out) as { core: unknown; verdict: string };
      return [d.verdict, d.core];
    };
    const expected = await verdict(["diagnose", mail]);
    expect(await verdict(["diagnose", "-"], { stdin: text })).toEqual(expected);
    expect(await verdict(["diagnose"], { stdin: text })).toEqual(expected);
    expect(await verdict([], { stdin: text })).toEqual(expected);
    expect(await verdict(["diagnose", file("mail.gz", gzipSync(text))])).toEqual(expected);
  });

  it("-o writes every form into the folder and says so on stderr", async () => {
    const to = join(dir, "deep/out");
    const r = await run(["diagnose", mail, "-o", to]);
    expect(r.code).toBe(1);
    expect(r.out).toMatch(/^DEADLOCK/);
    const names = readdirSync(to).sort();
    expect(names).toEqual(["dot", "html", "json", "mmd", "svg", "txt"].map((e) => `diagnosis.${e}`));
    for (const n of names) expect(r.err).toContain(join(to, n));
    expect(JSON.parse(readFileSync(join(to, "diagnosis.json"), "utf8"))).toMatchObject({ verdict: "deadlock" });
  });

  it("never takes a log for the name of the page to write", async () => {
    const log = file("kernel.log", readFileSync(mail));
    const r = await run(["diagnose", "--html", log]);
    expect(r.out).toMatch(/^<!doctype html>/i);
    expect(readFileSync(log)).toEqual(readFileSync(mail));
    const page = file("log.html", readFileSync(mail));
    const refused = await run(["diagnose", page, "--html", page]);
    expect([refused.code, refused.out]).toEqual([2, ""]);
    expect(refused.err).toContain("[output-is-input]");
    expect(readFileSync(page)).toEqual(readFileSync(mail));
  });

  it("the HTML page carries the text of a compressed log", async () => {
    const page = join(dir, "report.html");
    const r = await run(["diagnose", console_, "--html", page]);
    expect(r.out).toMatch(/^DEADLOCK/);
    expect(readFileSync(page, "utf8")).toContain("sysrq: Show Blocked State");
  });

  it("takes the kernel release from --kernel", async () => {
    const d = JSON.parse((await run(["diagnose", "--json", "--kernel", "4.14.98", mail])).out) as {
      kernel: { release: string };
    };
    expect(d.kernel.release).toBe("4.14.98");
    const r = await run(["diagnose", "--kernel", "newest", mail]);
    expect([r.code, r.out]).toEqual([2, ""]);
    expect(r.err).toContain("[kernel-malformed]");
  });

  it("--exit-zero is for scripts that read the document", async () => {
    expect((await run(["diagnose", "--exit-zero", mail])).code).toBe(0);
    expect((await run(["diagnose", "--exit-zero", join(dir, "no")])).code).toBe(2);
  });

  it("--all says at least as much", async () => {
    const [short, all] = [await run(["diagnose", console_]), await run(["diagnose", "--all", console_])];
    expect(all.out.length).toBeGreaterThan(short.out.length);
  });

  it("colours only when it should", async () => {
    const sequence = "\u001b[";
    expect((await run(["diagnose", mail])).out).not.toContain(sequence);
    expect((await run(["diagnose", mail], { tty: true })).out).toContain(sequence);
    expect((await run(["diagnose", mail], { tty: true, env: { NO_COLOR: "1" } })).out).not.toContain(sequence);
    expect((await run(["diagnose", "--color=never", mail], { tty: true })).out).not.toContain(sequence);
    const forced = (await run(["diagnose", "--color=always", mail], { env: { NO_COLOR: "1" } })).out;
    expect(forced).toContain(sequence);
    expect(forced.replace(/\u001b\[[\d;]*m/g, "")).toBe((await run(["diagnose", mail])).out);
    expect(wantsColor({ outTty: true, env: { TERM: "dumb" } } as unknown as Terminal, "auto")).toBe(false);
  });

  it("stops reading when interrupted, and answers from what it has", async () => {
    const stop = new AbortController();
    const text = readFileSync(mail, "utf8");
    // a pipe whose second read never comes back
    const endless = (async function* () {
      yield Buffer.from(text);
      stop.abort();
      await new Promise(() => undefined);
    })();
    const r = await run(["diagnose", "-"], { stdin: endless as unknown as Readable, interrupted: stop.signal });
    expect(r.code).toBe(130);
    expect(r.out).toMatch(/^DEADLOCK/);
    expect(r.err).toContain("[interrupted]");
  });
});

describe("bad input is one clear line and the right code", () => {
  const oneLine = (r: Run, code: number, id: string, name: string): void => {
    expect([r.code, r.out]).toEqual([code, ""]);
    expect(lines(r.err)).toHaveLength(1);
    expect(r.err).toContain(`[${id}]`);
    expect(r.err).toContain(name);
  };

  it("missing, directory, loop", async () => {
    oneLine(await run(["diagnose", join(dir, "none.log")]), 2, "input-missing", "none.log");
    oneLine(await run(["diagnose", join(mail, "none.log")]), 2, "input-missing", "none.log");
    mkdirSync(join(dir, "logs"));
    oneLine(await run(["diagnose", join(dir, "logs")]), 2, "input-directory", "logs");
    symlinkSync("loop", join(dir, "loop"));
    oneLine(await run(["diagnose", join(dir, "loop")]), 2, "input-unreadable", "loop");
  });

  it("a stream that fails while it is read", async () => {
    const broken = Readable.from(
      (async function* () {
        yield Buffer.from("x\n");
        throw Object.assign(new Error("EIO: i/o error, read"), { code: "EIO" });
      })(),
    );
    oneLine(await run(["diagnose", "-"], { stdin: broken }), 2, "input-unreadable", "stdin");
  });

  it("nothing named, stdin twice", async () => {
    oneLine(await run(["diagnose"]), 2, "input-none", "FILE");
    oneLine(await run(["diagnose", "-", "-"], { stdin: "" }), 2, "input-stdin-twice", "-");
  });

  it("empty or nothing recognisable: 3, with what to collect", async () => {
    const empty = await run(["diagnose", file("empty.log", "")]);
    oneLine(empty, 3, "input-empty", "empty.log");
    expect(empty.err).toContain("echo w > /proc/sysrq-trigger");
    const poem = await run(["diagnose", file("poem.txt", "roses are red\nviolets are blue\n")]);
    oneLine(poem, 3, "input-unrecognised", "poem.txt");
    expect(poem.err).toContain("echo w > /proc/sysrq-trigger");
    const json = await run(["diagnose", "--json", file("poem.txt", "roses are red\n")]);
    expect(json.code).toBe(3);
    expect(JSON.parse(json.out)).toMatchObject({ verdict: "unknown" });
  });

  it("names the one useless input among useful ones, and goes on", async () => {
    const r = await run(["diagnose", mail, file("poem.txt", "roses are red\n")]);
    expect(r.code).toBe(1);
    expect(lines(r.err)).toHaveLength(1);
    expect(r.err).toContain("[input-some-unrecognised]");
  });

  it("damaged compression is said, and what could be read is used", async () => {
    const packed = readFileSync(console_);
    const r = await run(["diagnose", "--json", file("half.gz", packed.subarray(0, packed.length - 3000))]);
    expect(r.err).toContain("[input-damaged]");
    expect(r.err).toContain("half.gz");
    expect(JSON.parse(r.out)).toMatchObject({ verdict: "deadlock" });
  });

  it("a line over 64 KiB is said to be cut", async () => {
    const r = await run(["diagnose", file("long.log", `${readFileSync(mail, "utf8")}\n${"x".repeat(70_000)}\n`)]);
    expect(r.code).toBe(1);
    expect(r.err).toContain("1 line is longer than 64 KiB");
  });

  it("a healthy dump is no alarm", async () => {
    const r = await run(["diagnose", "--json", file("healthy.log", healthy)]);
    expect([0, 3]).toContain(r.code);
    expect(exitCodeOf((JSON.parse(r.out) as { verdict: "none" | "unknown" }).verdict)).toBe(r.code);
  });

  it("hostile file names stay one line", async () => {
    const r = await run(["diagnose", join(dir, "a\nb\u001b[31m.log")]);
    oneLine(r, 2, "input-missing", "a\\x0ab\\x1b[31m.log");
  });
});

describe("usage", () => {
  it("without arguments on a terminal: short help at once", async () => {
    const r = await run([]);
    expect([r.code, r.err]).toEqual([0, ""]);
    expect(lines(r.out).length).toBeLessThan(10);
  });

  it("--help opens with examples and ends with the exit codes", async () => {
    for (const args of [["--help"], ["diagnose", "--help"], ["help", "diagnose"]]) {
      const r = await run(args);
      expect([r.code, r.err]).toEqual([0, ""]);
      expect(lines(r.out).slice(0, 2)).toEqual(["Examples:", "  unwedge diagnose kernel.log"]);
      expect(r.out).toContain("Exit codes: 0");
      for (const l of lines(r.out)) expect(l.length).toBeLessThanOrEqual(80);
    }
    expect((await run(["diagnose", "--help"])).out).toMatch(/Output:\n.*--json[\s\S]*Input:\n.*--kernel/);
  });

  it("--version is the package's", async () => {
    const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
    expect(await run(["--version"])).toEqual({ code: 0, out: `${version}\n`, err: "" });
    // even where a log could come from a pipe
    expect((await run(["--version"], { stdin: "" })).out).toBe(`${version}\n`);
  });

  it.each([
    [["diagnos", "x"], "diagnose"],
    [["diagnose", "--jsn", "x"], "--json"],
    [["frame", "x"], "frames"],
    [["knowledge", "finish_faul"], "finish_fault"],
  ])("%j: exit 2 and a suggestion", async (args, meant) => {
    const r = await run(args);
    expect([r.code, r.out]).toEqual([2, ""]);
    expect(r.err).toMatch(/^unwedge: /);
    expect(r.err.toLowerCase()).toContain(`did you mean ${meant}`);
  });

  it("options that exclude each other, wrong choices, surplus arguments: exit 2", async () => {
    expect((await run(["diagnose", "--json", "--dot", mail])).err).toContain("[output-exclusive]");
    for (const args of [
      ["diagnose", "--json", "--svg", mail],
      ["diagnose", "--color=blue", mail],
      ["formats", "x"],
      ["bugs", "no-such-bug"],
    ]) {
      const r = await run(args);
      expect([args, r.code, r.out]).toEqual([args, 2, ""]);
      expect(r.err).not.toBe("");
    }
  });

  it("a file where a command belongs", async () => {
    const r = await run([mail]);
    expect([r.code, r.out]).toEqual([2, ""]);
    expect(r.err).toContain(`unwedge diagnose ${mail}`);
  });
});

describe("the other commands", () => {
  const json = async (args: string[]): Promise<Record<string, unknown>> => {
    const r = await run([...args, "--json"]);
    expect([r.code, r.err]).toEqual([0, ""]);
    return JSON.parse(r.out) as Record<string, unknown>;
  };

  it("formats lists every reader with a literal sample", async () => {
    const d = await json(["formats"]);
    expect(d).toMatchObject({ schema: "unwedge.formats/1", tool: { name: "unwedge" } });
    const formats = d.formats as { name: string; sample: string }[];
    expect(formats.length).toBeGreaterThan(5);
    const { out } = await run(["formats"]);
    for (const f of formats) {
      expect(f.sample.trim()).not.toBe("");
      expect(out).toContain(f.name);
      expect(out).toContain(f.sample.split("\n")[0]);
    }
  });

  it("frames counts what the table does not know, most first, over several logs", async () => {
    const stack = (fn: string): string => `[  100.0] INFO: task a:${fn.length} blocked for more than 120 seconds.
[  100.0] task:a state:D stack:0 pid:${fn.length} ppid:2 flags:0x0
[  100.0] Call Trace:
[  100.0]  __schedule+0x1/0x10
[  100.0]  schedule+0x1/0x10
[  100.0]  ${fn}+0x1/0x10 [newmod]
[  100.0]  kthread+0x1/0x10
`;
    const a = file("a.log", stack("frobnicate_wait"));
    const b = file("b.log", stack("frobnicate_wait") + stack("wait_for_frobnication_x"));
    const d = await json(["frames", a, b]);
    const frames = d.frames as { symbol: string; module: string; count: number; files: number }[];
    expect(frames[0]).toEqual({ symbol: "frobnicate_wait", module: "newmod", count: 2, files: 2 });
    expect(frames.map((f) => f.symbol)).toContain("wait_for_frobnication_x");
    const { out } = await run(["frames", a, b]);
    expect(out.indexOf("frobnicate_wait")).toBeLessThan(out.indexOf("wait_for_frobnication_x"));
    expect((await run(["frames", file("poem.txt", "roses\n")])).code).toBe(3);
  });

  it("knowledge prints rows with their source, also for a frame as printed", async () => {
    const r = await run(["knowledge", "finish_fault+0x1de/0x210"]);
    expect(r.code).toBe(0);
    expect(r.out).toContain("finish_fault holds PG_locked");
    expect(r.out).toContain("mm/memory.c");
    const rows = (await json(["knowledge", "finish_fault"])).rows as { fn: string[]; source: string }[];
    for (const row of rows) {
      expect(row.fn).toContain("finish_fault");
      expect(row.source).not.toBe("");
    }
    expect((await run(["knowledge"])).out).toMatch(/rows about \d+ kernel functions/);
  });

  it("bugs lists each with what to do today", async () => {
    const bugs = (await json(["bugs"])).bugs as { id: string; title: string; today: string }[];
    expect(bugs.length).toBeGreaterThanOrEqual(15);
    const { out } = await run(["bugs"]);
    for (const b of bugs) expect(out).toContain(b.id);
    for (const l of lines(out)) expect(l.length).toBeLessThanOrEqual(100);
    const one = (await json(["bugs", bugs[0]!.id])).bugs as unknown[];
    expect(one).toHaveLength(1);
  });

  it("tour diagnoses the mail and the console log, and says what to try next", async () => {
    const r = await run(["tour"]);
    expect([r.code, r.err]).toEqual([0, ""]);
    expect(r.out.match(/^DEADLOCK \(/gm)).toHaveLength(2);
    expect(r.out).toContain("Try next");
  });
});

describe("a terminal", () => {
  it("gets a pager only when the text does not fit and the user wants one", async () => {
    const pager = { PAGER: "exit 127" };
    // the shell finds no pager: the text is printed all the same
    expect((await run(["bugs"], { tty: true, rows: 5, env: pager })).out).toContain("today:");
    const marker = join(dir, "paged");
    const env = { PAGER: `cat > '${marker}'` };
    const paged = await run(["bugs"], { tty: true, rows: 5, env });
    expect(paged.out).toBe("");
    expect(readFileSync(marker, "utf8")).toContain("today:");
    rmSync(marker);
    for (const [args, given] of [
      [["bugs", "--no-pager"], { tty: true, rows: 5, env }],
      [["bugs"], { tty: true, rows: 100_000, env }],
      [["bugs"], { tty: false, rows: 5, env }],
      [["bugs"], { tty: true, rows: 5, env: { ...env, TERM: "dumb" } }],
    ] as [string[], Given][]) {
      expect((await run(args, given)).out).toContain("today:");
    }
    expect(readdirSync(dir)).not.toContain("paged");
  });
});

describe("messages", () => {
  it("are one line each and end with their id", () => {
    for (const id of messageIds) {
      const text = (message as (id: string, ...a: string[]) => string)(id, "x\ny", "z");
      expect(text).toMatch(/^unwedge: [^\n]+$/);
      expect(text.endsWith(`[${id}]`)).toBe(true);
    }
  });

  it("near misspellings", () => {
    expect(nearest("finihs_fault", ["finish_fault", "do_fault"])).toEqual(["finish_fault"]);
    expect(nearest("shrink", ["shrink_node", "x"])).toEqual(["shrink_node"]);
    expect(nearest("zzz", ["finish_fault"])).toEqual([]);
  });
});
