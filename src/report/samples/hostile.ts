/** The first sample with every free text of it replaced by something that tries to get out. */
import type { Diagnosis } from "../../diagnose/types.ts";
import { abba } from "./abba.ts";
import type { Sample } from "./build.ts";

/** Each tries another door: HTML, attributes, comments, CDATA, DOT, Mermaid, terminals, bidi, lone surrogates, shells. */
export const ATTACKS: readonly string[] = [
  "<script>alert(1)</script>",
  '"><img src=x onerror=alert(1)>',
  "--><svg onload=alert(1)>",
  "]]><b>",
  "' onmouseover='alert(1)",
  "\u001b[31mred\u001b[0m\u001b]0;title\u0007",
  "\u202egnp.exe\u2066\u2069\u200b\ufeff",
  "a\nb\r\nc\td\u0000e\u007ff\u0085g",
  '"]; n0 -> evil [label="x\\',
  "&lt;b&gt; \\N \\l #quot; `end` %% click n0 javascript:alert(1)",
  "\ud800 lone \udfff \u{e0041} \u{1f4a3} \u00e9 \u00a0nbsp",
  "$(reboot) `reboot` ; rm -rf '~' \\",
  "</title></style></textarea></script><!-- ${x} {{y}}",
  "x".repeat(300),
  "\u4e00".repeat(90),
];

const KEEP = new Set(["verdict", "confidence", "kind", "role", "sleep", "mode", "pageApi", "compression", "format"]);

/** Same shape, same numbers; `key`s stay joined because equal strings become equal strings. */
function poison(value: unknown, name: string, seen: Map<string, string>): unknown {
  if (typeof value === "string") {
    if (KEEP.has(name)) return value;
    const known = seen.get(value);
    if (known !== undefined) return known;
    const evil = `${ATTACKS[seen.size % ATTACKS.length]} ${value} ${ATTACKS[(seen.size * 7 + 3) % ATTACKS.length]}`;
    seen.set(value, evil);
    return evil;
  }
  if (Array.isArray(value)) return value.map((item) => poison(item, name, seen));
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, poison(item, key, seen)]));
  }
  return value;
}

const seen = new Map<string, string>();
const diagnosis = poison(abba.diagnosis, "", seen) as Diagnosis;

export const hostile: Sample = {
  name: "hostile",
  diagnosis,
  sources: abba.sources.map((source, index) => ({
    name: diagnosis.inputs[index]?.name ?? source.name,
    text: source.text.split("\n").map((line, at) => `${line} ${(ATTACKS[at % ATTACKS.length] ?? "").replace(/[\n\r]/g, "\u0001")}`).join("\n"),
  })),
};
