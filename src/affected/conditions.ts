/** Looks a bug's preconditions up in what is known of a machine. */
import { FILESYSTEM_CONFIG, type Need } from "../diagnose/known-bugs/preconditions.ts";
import { type KernelConfig, switchOf } from "./kernel-config.ts";
import { type KernelName, readKernelName } from "./kernel-name.ts";
import { pointOf } from "./standing.ts";
import type { Condition, Fact, Machine } from "./types.ts";

type Found = Pick<Condition, "what" | "holds" | "because" | "decidedBy">;

const yes = (what: string, because: string): Found => ({ what, holds: true, because, decidedBy: [] });
const no = (what: string, because: string): Found => ({ what, holds: false, because, decidedBy: [] });
const open = (what: string, ...decidedBy: readonly string[]): Found => ({
  what,
  holds: undefined,
  because: `${what} is not known`,
  decidedBy,
});

/** One precondition. */
export function conditionOf(need: Need, machine: Machine): Condition {
  return { ...found(need, machine), source: need.source, need };
}

function found(need: Need, m: Machine): Found {
  switch (need.kind) {
    case "memcg":
      return memcg(m);
    case "cgroup":
      return cgroup(need.version, m);
    case "kmem":
      return kmem(m);
    case "fs":
      return filesystem(need.anyOf, m);
    case "swap":
      return swap(m);
    case "config":
      return configured(need.what, need.anyOf, need.until, m);
    case "never":
      return never(need.why, m);
  }
}

/** Old name of CONFIG_MEMCG, until 3.6. */
const MEMCG_SYMBOLS = ["CONFIG_MEMCG", "CONFIG_CGROUP_MEM_RES_CTLR"];

function memcg(m: Machine): Found {
  const what = "whether memory cgroups are on";
  if (m.memcg?.value === false) return no(what, `memory cgroups are off: ${m.memcg.from}`);
  const built = m.config && builtIn(m.config, MEMCG_SYMBOLS);
  if (built?.holds === false) return no(what, `there are no memory cgroups: ${built.because}`);
  // a hierarchy that somebody names is in use
  if (m.cgroup?.from.startsWith("--")) return yes(what, `memory cgroups are in use (${m.cgroup.from})`);
  if (built && m.memcg) return yes(what, `memory cgroups are on (${built.because}, ${m.memcg.from})`);
  return open(what, ...(built ? [] : ["--config"]), ...(m.memcg ? [] : ["--boot"]), "--cgroup");
}

/** Since 6.11 the v1 controller is an option of its own (init/Kconfig, 6.12). */
const MEMCG_V1_SINCE = "6.11";

function cgroup(version: "v1" | "v2", m: Machine): Found {
  const what = "the cgroup version of the memory controller";
  if (m.cgroup !== undefined) {
    const said = `the memory controller is on cgroup ${m.cgroup.value} (${m.cgroup.from})`;
    return m.cgroup.value === version ? yes(what, said) : no(what, `${said}, it takes ${version}`);
  }
  if (
    version === "v1" &&
    m.config &&
    configuredSince(MEMCG_V1_SINCE, m) === true &&
    switchOf(m.config.value, "CONFIG_MEMCG_V1") === "n"
  )
    return no(what, `the v1 memory controller is not built: CONFIG_MEMCG_V1 is not set (${m.config.from})`);
  return open(what, "--cgroup");
}

/** From 6.11 on every kernel with memory cgroups accounts kernel memory (no CONFIG_MEMCG_KMEM in init/Kconfig, 6.12). */
const KMEM_SYMBOL_UNTIL = "6.11";

/** Active with memory cgroups unless cgroup.memory=nokmem says otherwise (spec 01-memcg.md; without the allocator SLOB). */
const KMEM_BY_DEFAULT = "4.5";

function kmem(m: Machine): Found {
  const what = "whether kernel memory is accounted";
  if (m.kmem?.value === false) return no(what, `kernel memory is not accounted: cgroup.memory=nokmem (${m.kmem.from})`);
  const always = configuredSince(KMEM_SYMBOL_UNTIL, m);
  const built = m.config && (always === true || builtIn(m.config, ["CONFIG_MEMCG_KMEM"]).holds);
  const explicit = m.config?.value.values.get("CONFIG_MEMCG_KMEM") === "n";
  if (built === false && (explicit || always === false))
    return no(what, `kernel memory is not accounted: CONFIG_MEMCG_KMEM is not set (${m.config?.from})`);
  const byDefault = m.config === undefined && since(KMEM_BY_DEFAULT, m) === true && memcg(m).holds === true;
  if (byDefault && m.kmem)
    return yes(what, `kernel memory is accounted, as always since ${KMEM_BY_DEFAULT} (${m.kmem.from})`);
  if (built && m.kmem) return yes(what, `kernel memory is accounted (${m.config?.from}, ${m.kmem.from})`);
  return open(what, ...(built || byDefault ? [] : ["--config"]), ...(m.kmem ? [] : ["--boot"]));
}

function filesystem(anyOf: readonly string[], m: Machine): Found {
  const names = anyOf.length > 3 ? `${anyOf.slice(0, 3).join(", ")} or another of its kind` : anyOf.join(" or ");
  const what = `whether ${names} is in use`;
  const used = m.filesystems?.value.filter((fs) => anyOf.includes(fs)) ?? [];
  if (used.length > 0) return yes(what, `${used.join(", ")} in use (${m.filesystems?.from})`);
  if (m.filesystems?.complete)
    return no(what, `${names} is not in use: only ${m.filesystems.value.join(", ") || "none"} (${m.filesystems.from})`);
  const symbols = [...new Set(anyOf.flatMap((fs) => FILESYSTEM_CONFIG[fs] ?? []))];
  const built = m.config && builtIn(m.config, symbols);
  if (built?.holds === false) return no(what, `${names} is not built: ${built.because}`);
  return open(what, "--fs", ...(built ? [] : ["--config"]));
}

function swap(m: Machine): Found {
  const what = "whether there is swap";
  if (m.swap !== undefined)
    return m.swap.value ? yes(what, `there is swap (${m.swap.from})`) : no(what, `there is no swap (${m.swap.from})`);
  const built = m.config && builtIn(m.config, ["CONFIG_SWAP"]);
  if (built?.holds === false) return no(what, `there is no swap: ${built.because}`);
  return open(what, "--swap");
}

function configured(name: string, anyOf: readonly string[], until: string | undefined, m: Machine): Found {
  const what = `whether the kernel has ${name}`;
  if (m.config === undefined) return open(what, "--config");
  const built = builtIn(m.config, anyOf);
  if (built.holds || (until !== undefined && configuredSince(until, m) !== false))
    return yes(what, `${name}: ${built.because}`);
  return no(what, `the kernel has no ${name}: ${built.because}`);
}

/** Vendors combine what mainline keeps apart. */
function never(why: string, m: Machine): Found {
  const what = "whether this kernel combines what mainline keeps apart";
  if (m.kernel === undefined) return open(what, "--release");
  const { distribution } = m.kernel.value;
  const vendor = distribution !== undefined && distribution.backports !== "stable" && m.unpatched !== true;
  return vendor ? open(what, "--unpatched") : no(what, why);
}

/** The first of the symbols that is y or m; else what none of them is. */
function builtIn(
  config: Fact<KernelConfig>,
  symbols: readonly string[],
): { readonly holds: boolean; readonly because: string } {
  const set = symbols.find((s) => switchOf(config.value, s) !== "n");
  if (set !== undefined) return { holds: true, because: `${set}=${switchOf(config.value, set)} (${config.from})` };
  const named = symbols.length > 3 ? `${symbols.slice(0, 2).join(", ")} and the others` : symbols.join(" and ");
  return { holds: false, because: `${named} ${symbols.length > 1 ? "are" : "is"} not set (${config.from})` };
}

/** Whether the machine's kernel is of that release or a later one. */
function since(release: string, m: Machine): boolean | undefined {
  return m.kernel && notBefore(m.kernel.value, release);
}

/** Whether the configuration is of that release or a later one: which symbols there are is a matter of its own tree. */
function configuredSince(release: string, m: Machine): boolean | undefined {
  const header = m.config?.value.release;
  const built = header === undefined ? undefined : readKernelName(header);
  return built?.ok ? notBefore(built.kernel, release) : since(release, m);
}

function notBefore(k: KernelName, release: string): boolean {
  const p = pointOf(release);
  return k.major > p.major || (k.major === p.major && k.minor >= p.minor);
}
