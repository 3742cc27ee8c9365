/** The promise: one self-contained page, linked both ways, in which a comm of `<script>` stays text. */
import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { toHtml } from "../src/report/html.ts";
import { EMPTY } from "../src/report/samples/build.ts";
import { SAMPLES } from "../src/report/samples/index.ts";
import { toSvg } from "../src/report/svg.ts";

interface Tag {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
}
interface Parsed {
  readonly tags: readonly Tag[];
  /** Text between tags, entities decoded; without style and script. */
  readonly text: string;
}

const VOID = new Set(["meta", "input", "col", "br", "img", "link"]);
const ATTRIBUTE = /\s+([A-Za-z][\w:-]*)(?:="([^"<>]*)")?/y;

/** A strict reader of the small HTML we write: anything unexpected throws, so hostile text that got out is found. */
function parse(html: string): Parsed {
  const tags: Tag[] = [];
  const open: string[] = [];
  let text = "";
  let at = 0;
  while (at < html.length) {
    const next = html.indexOf("<", at);
    text += decode(html.slice(at, next < 0 ? html.length : next));
    if (next < 0) break;
    const declaration = /^<(!DOCTYPE html|\?xml version="1\.0" encoding="UTF-8"\?)>/.exec(html.slice(next, next + 60));
    if (declaration !== null) {
      at = next + declaration[0].length;
      continue;
    }
    const close = /^<\/([a-z][a-z0-9]*)>/i.exec(html.slice(next, next + 40));
    if (close !== null) {
      expect(open.pop()).toBe(close[1]);
      at = next + close[0].length;
      continue;
    }
    const name = /^<([a-z][a-zA-Z0-9]*)/.exec(html.slice(next, next + 40))?.[1];
    if (name === undefined) throw new Error(`stray "<" at ${next}: ${html.slice(next, next + 80)}`);
    at = next + 1 + name.length;
    const attributes = new Map<string, string>();
    for (;;) {
      ATTRIBUTE.lastIndex = at;
      const match = ATTRIBUTE.exec(html);
      if (match === null) break;
      attributes.set(match[1]!, decode(match[2] ?? ""));
      at = ATTRIBUTE.lastIndex;
    }
    tags.push({ name, attributes });
    if (html.startsWith("/>", at)) at += 2;
    else if (html[at] === ">") {
      at++;
      if (name === "script" || name === "style") {
        const end = html.indexOf(`</${name}>`, at);
        attributes.set("#content", html.slice(at, end));
        at = end + name.length + 3;
      } else if (!VOID.has(name)) open.push(name);
    } else throw new Error(`bad tag at ${at}: ${html.slice(next, at + 40)}`);
  }
  expect(open).toEqual([]);
  return { tags, text };
}

const ENTITIES: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  "#39": "'",
  middot: "\u00b7",
  hellip: "\u2026",
};
function decode(text: string): string {
  return text.replace(/&([^;\s]{0,8});?/g, (whole, name: string) => {
    const char = ENTITIES[name];
    if (char === undefined || !whole.endsWith(";")) throw new Error(`unescaped &: ${whole}`);
    return char;
  });
}

const TAGS = new Set(
  "html head meta title style body div main header p span h1 h2 h3 nav a figure figcaption section article table colgroup col tbody tr td ul li ol dl dt dd details summary pre code footer aside dialog kbd input script svg g rect path text".split(
    " ",
  ),
);

describe.each(SAMPLES.map((sample) => [sample.name, sample] as const))("page of %s", async (_name, sample) => {
  const html = await toHtml(sample.diagnosis, { sources: sample.sources, version: "1.2.3" });
  const page = parse(html);

  test("has only the tags and attributes we write, and no event handlers", () => {
    expect([...new Set(page.tags.map((tag) => tag.name))].filter((name) => !TAGS.has(name))).toEqual([]);
    expect(
      page.tags.flatMap((tag) => [...tag.attributes.keys()]).filter((key) => /^on|^style$|^src/i.test(key)),
    ).toEqual([]);
    expect(page.tags.filter((tag) => tag.name === "script")).toHaveLength(1);
  });

  test("every link leads to an id of the page, ids are unique", () => {
    const ids = page.tags.map((tag) => tag.attributes.get("id")).filter((id) => id !== undefined);
    expect(new Set(ids).size).toBe(ids.length);
    const links = page.tags.map((tag) => tag.attributes.get("href")).filter((href) => href !== undefined);
    expect(links.length).toBeGreaterThan(5);
    const known = new Set(ids);
    expect(links.filter((href) => !href.startsWith("#") || !known.has(href.slice(1)))).toEqual([]);
  });

  test("loads nothing: no URL but the SVG name space", () => {
    expect(html.replaceAll('xmlns="http://www.w3.org/2000/svg"', "").match(/https?:|url\(|@import|data:/g)).toBeNull();
  });

  test("the policy allows this style and this script and nothing else", () => {
    const policy = page.tags
      .find((tag) => tag.attributes.get("http-equiv") === "Content-Security-Policy")
      ?.attributes.get("content");
    const hash = (name: string): string => {
      const content = page.tags.find((tag) => tag.name === name)?.attributes.get("#content") ?? "";
      return `sha256-${createHash("sha256").update(content).digest("base64")}`;
    };
    expect(policy).toBe(
      `default-src 'none'; style-src '${hash("style")}'; script-src '${hash("script")}'; base-uri 'none'; form-action 'none'`,
    );
  });

  test("no invisible characters, no escapes", () => {
    expect(html.match(/[^\P{Cc}\n\t]|[\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u)).toBeNull();
  });

  test("stacks and log are linked both ways", () => {
    const hrefs = new Set(page.tags.map((tag) => tag.attributes.get("href")));
    const frames = page.tags.filter((tag) => tag.name === "tr" && tag.attributes.get("id")?.startsWith("c") === true);
    expect(frames.length).toBeGreaterThan(10);
    for (const frame of frames) expect(hrefs.has(`#${frame.attributes.get("id")}`)).toBe(true);
    const first = sample.diagnosis.details[0]!;
    for (const frame of first.frames) expect(hrefs.has(`#L${first.input}-${frame.line}`)).toBe(true);
  });

  test("shows the log's text as it is", () => {
    const line = sample.sources[0]!.text.split("\n")[11]!;
    expect(page.text).toContain(
      line.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Cn}\p{Co}]/gu, (char) => (char === "\t" ? char : "")).slice(0, 30),
    );
  });

  test("says the summary and the verdict", () => {
    expect(html).toContain("<h1>");
    if (sample.name !== "hostile") expect(page.text).toContain(sample.diagnosis.summary);
  });

  test("is the same twice", async () => {
    expect(await toHtml(sample.diagnosis, { sources: sample.sources, version: "1.2.3" })).toBe(html);
  });
});

test("a comm of <script> is text in page and picture", async () => {
  const hostile = SAMPLES.find((sample) => sample.name === "hostile")!;
  for (const out of [await toHtml(hostile.diagnosis, { sources: hostile.sources }), await toSvg(hostile.diagnosis)]) {
    const { tags, text } = parse(out);
    expect(text).toContain("<script>alert(1)</script>");
    expect(tags.filter((tag) => tag.name === "script").length).toBeLessThanOrEqual(1);
    expect(tags.some((tag) => ["img", "b", "textarea"].includes(tag.name))).toBe(false);
    expect(out).not.toContain("\u001b");
    expect(text).toContain("\\x1b[31m");
    expect(text).toContain("\\u202e");
  }
});

test("a large log is cut around the findings, says so, and keeps every link", async () => {
  const { diagnosis, sources } = SAMPLES.find((sample) => sample.name === "livelock")!;
  const html = await toHtml(diagnosis, { sources, maxLogLines: 1500 });
  const { tags, text } = parse(html);
  expect(tags.filter((tag) => tag.attributes.get("id")?.match(/^L\d+-\d+$/)).length).toBe(1500);
  expect(text).toMatch(/[\d,]+ lines not shown/);
  const ids = new Set(tags.map((tag) => tag.attributes.get("id")));
  expect(tags.filter((tag) => tag.attributes.has("href") && !ids.has(tag.attributes.get("href")!.slice(1)))).toEqual(
    [],
  );
  for (const edge of diagnosis.core)
    for (const { input, line } of edge.lines) expect(ids.has(`L${input}-${line}`)).toBe(true);
});

test("1,463 waiters are a few entries; plain strings do as sources, and none do too", async () => {
  const { diagnosis, sources } = SAMPLES.find((sample) => sample.name === "livelock")!;
  const html = await toHtml(diagnosis, { sources: sources.map((source) => source.text) });
  expect(html.match(/<article /g)).toHaveLength(7);
  const without = await toHtml(diagnosis);
  expect(without).not.toContain('id="log"');
  expect(parse(without).tags.filter((tag) => tag.attributes.get("href")?.startsWith("#L"))).toEqual([]);
});

test("nothing wrong, and nothing to show, is a page too", async () => {
  const inputs = [{ name: "empty.log", format: "sysrq-w", formats: ["sysrq-w"], bytes: 10, lines: 1 }];
  const html = await toHtml({
    ...EMPTY,
    inputs,
    kernel: {},
    verdict: "none",
    confidence: "likely",
    summary: "Nobody waits.",
    contexts: 0,
    details: [],
  });
  expect(parse(html).text).toContain("NOTHING WRONG FOUND");
});

test("hundreds of different stacks are cut, and the page says so", async () => {
  const { diagnosis } = SAMPLES.find((sample) => sample.name === "victim")!;
  const task = diagnosis.details[0]!;
  const details = Array.from({ length: 450 }, (_, n) => ({
    ...task,
    key: `t${n}`,
    pid: n,
    frames: [{ text: `fn_${n}+0x1/0x2` }],
  }));
  const html = await toHtml({ ...diagnosis, details });
  expect(html.match(/<article /g)).toHaveLength(400);
  expect(parse(html).text).toContain("50 further stacks not shown");
});
