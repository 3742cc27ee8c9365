import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { ascii, dotString, markup, markupLine, mermaidString, shellWord, visible } from "./escape.ts";
import { ATTACKS } from "./samples/hostile.ts";
import { wrapCommand } from "./wrap.ts";

test("controls, bidi and invisible characters are spelled out", () => {
  expect(visible("\u001b[31m\u202e\u200b\ufeff\u0000\n\ud800")).toBe("\\x1b[31m\\u202e\\u200b\\ufeff\\x00\\n\\ud800");
  expect(visible("\u{e0041}é漢")).toBe("\\u{e0041}é漢");
  expect(ascii("é\u00a0x\t")).toBe("\\xe9 x\\t");
});

test("markup survives in text and in attributes; log lines keep their tabs", () => {
  expect(markup(`<a href="x" title='y'>&amp;`)).toBe("&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;amp;");
  expect(markupLine("a\tb\u0001<")).toBe("a\tb\\x01&lt;");
});

test("DOT strings decode to what was put in", () => {
  expect(dotString('a"b\\N', "&lt;")).toBe('"a\\"b\\\\N\\n&amp;lt;"');
});

test("a Mermaid label has nothing but words and codes", () => {
  for (const attack of ATTACKS) expect(mermaidString(attack)).toMatch(/^"([A-Za-z0-9 _/:,()]|#\d+;)*"$/);
});

function bash(command: string): string {
  return execFileSync("bash", ["-c", command], { encoding: "utf8" });
}

describe("shell words", () => {
  const names = [
    "kernel.log",
    "-",
    "-rf",
    "a b.log",
    "it's",
    "$(reboot)",
    "new\nline\u001b",
    "\u00e9\\'",
    `${"long name ".repeat(20)}end`,
    '`x`;&|<>*?"',
    `${"\u001b'".repeat(60)}`,
  ];
  test.each(names)("%j comes back from bash as it was, in one line and wrapped", (name) => {
    const want = name.startsWith("-") && name !== "-" ? `./${name}` : name;
    const command = `printf %s ${shellWord(name)}`;
    expect(bash(command)).toBe(want);
    const wrapped = wrapCommand(command, 40, "    ");
    expect(Math.max(...wrapped.map((line) => line.length))).toBeLessThanOrEqual(40);
    expect(bash(wrapped.join("\n"))).toBe(want);
  });
  test("double quotes are cut where the shell joins them", () => {
    const command = `printf %s "${"x y".repeat(30)}\\"$HOME" 'single ${"z".repeat(70)}'`;
    expect(bash(wrapCommand(command, 40, "  ").join("\n"))).toBe(bash(command));
  });
  test("a comment stands above its command", () => {
    expect(wrapCommand("echo c > /proc/sysrq-trigger   # needs kdump", 40, "  ")).toEqual([
      "  # needs kdump",
      "  echo c > /proc/sysrq-trigger",
    ]);
    expect(wrapCommand("echo 'a # b'", 40, "")).toEqual(["echo 'a # b'"]);
  });
});
