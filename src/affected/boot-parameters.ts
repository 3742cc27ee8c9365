/** What the kernel command line decides (Documentation/admin-guide/kernel-parameters.txt). */

/** What a command line says of memory cgroups; absent: nothing. */
export interface BootFacts {
  /** `cgroup_disable=memory`. */
  readonly memcgOff: boolean;
  /** `cgroup.memory=nokmem`. */
  readonly nokmem: boolean;
  /** Hierarchy of the memory controller, and the parameter that says so. */
  readonly cgroup?: { readonly value: "v1" | "v2"; readonly by: string };
}

/** Splits a command line as lib/cmdline.c:next_arg does: at blanks outside double quotes, which are taken off the value. */
export function bootParameters(line: string): readonly (readonly [name: string, value: string | undefined])[] {
  const words: readonly string[] = line.match(/(?:[^\s"]|"[^"]*"?)+/g) ?? [];
  const end = words.indexOf("--");
  return (end < 0 ? words : words.slice(0, end)).map((word) => {
    const bare = word.startsWith('"') ? word.replace(/^"|"$/g, "") : word;
    const at = bare.indexOf("=");
    if (at < 0) return [same(bare), undefined];
    return [same(bare.slice(0, at)), bare.slice(at + 1).replace(/^"|"$/g, "")];
  });
}

/** Dashes and underscores are the same in a parameter's name (kernel/params.c:parameqn). */
const same = (name: string): string => name.replaceAll("-", "_");

/** What a command line says of memory cgroups. The last of several counts; `cgroup_disable` and `cgroup_no_v1` add up. */
export function bootFacts(line: string): BootFacts {
  let memcgOff = false;
  let nokmem = false;
  let unified: BootFacts["cgroup"];
  let noV1: BootFacts["cgroup"];
  for (const [name, value = ""] of bootParameters(line)) {
    const list = value.split(",");
    if (name === "cgroup_disable" && list.includes("memory")) memcgOff = true;
    if (name === "cgroup.memory" && list.includes("nokmem")) nokmem = true;
    if (name === "cgroup_no_v1" && (list.includes("memory") || list.includes("all")))
      noV1 = { value: "v2", by: `cgroup_no_v1=${value}` };
    if (name === "systemd.unified_cgroup_hierarchy") unified = unifiedHierarchy(value);
  }
  // what the kernel refuses, systemd cannot mount
  const cgroup = noV1 ?? unified;
  return { memcgOff, nokmem, ...(cgroup === undefined ? {} : { cgroup }) };
}

/** systemd's booleans; without a value the parameter means yes. */
function unifiedHierarchy(value: string): BootFacts["cgroup"] {
  const by = `systemd.unified_cgroup_hierarchy${value === "" ? "" : `=${value}`}`;
  if (value === "" || /^(?:1|y|yes|t|true|on)$/i.test(value)) return { value: "v2", by };
  return /^(?:0|n|no|f|false|off)$/i.test(value) ? { value: "v1", by } : undefined;
}
