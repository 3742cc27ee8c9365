/**
 * Kernel configurations as `/boot/config-*`, `.config` and `/proc/config.gz` hold them (scripts/kconfig/confdata.c:
 * conf_read_simple and conf_write): `CONFIG_X=y`, `=m`, `="text"`, `=0x10`, `# CONFIG_X is not set`. A symbol whose
 * dependencies are not met is not written at all.
 */

/** A parsed configuration. @since 0.3.0 */
export interface KernelConfig {
  /** Value by symbol with its prefix: `CONFIG_EXT4_FS` to `y`; a text without its quotes; `n` for one that is not set. */
  readonly values: ReadonlyMap<string, string>;
  /** From the header: `6.1.69` of `# Linux/x86 6.1.69 Kernel Configuration`. */
  readonly release?: string;
  /** Lines that are neither settings nor comments, and the number of the first (1-based). */
  readonly strange: { readonly count: number; readonly first?: number };
}

const SET = /^(CONFIG_\w+)=(.*)$/;
const UNSET = /^# (CONFIG_\w+) is not set\s*$/;
const HEADER = /^# Linux\/\S+ (\d+\.\d+(?:\.\d+)?\S*) Kernel Configuration/;
/** A configuration has thousands of symbols; a handful of such lines may stand in any text. */
const LEAST_SYMBOLS = 5;
/** Share of lines that may be damaged before the text is something else. */
const MOST_STRANGE = 0.1;

/**
 * Reads a configuration; undefined when the text is none.
 *
 * @example readKernelConfig(text)?.values.get("CONFIG_MEMCG") // "y"
 * @since 0.3.0
 */
export function readKernelConfig(text: string): KernelConfig | undefined {
  const values = new Map<string, string>();
  let release: string | undefined;
  let strange = 0;
  let first: number | undefined;
  let lines = 0;
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.replace(/\r$/, "");
    if (line.trim() === "") continue;
    lines++;
    if (readSetting(line, values)) continue;
    if (line.startsWith("#")) release ??= HEADER.exec(line)?.[1];
    else {
      strange++;
      first ??= index + 1;
    }
  }
  if (values.size < LEAST_SYMBOLS && release === undefined) return undefined;
  if (values.size === 0 || strange > lines * MOST_STRANGE) return undefined;
  return {
    values,
    ...(release === undefined ? {} : { release }),
    strange: { count: strange, ...(first === undefined ? {} : { first }) },
  };
}

/** The last setting of a symbol counts, as for the kernel's own tools. */
function readSetting(line: string, into: Map<string, string>): boolean {
  const set = SET.exec(line);
  if (set !== null) {
    const [, name, value] = set;
    into.set(name!, unquoted(value!.trim()));
    return true;
  }
  const unset = UNSET.exec(line);
  if (unset === null) return false;
  into.set(unset[1]!, "n");
  return true;
}

/** `"a \"b\""` to `a "b"`. */
function unquoted(value: string): string {
  if (value.length < 2 || !value.startsWith('"') || !value.endsWith('"')) return value;
  return value.slice(1, -1).replace(/\\(.)/g, "$1");
}

/** `y`, `m`, or `n`, also where the symbol is not written. */
export function switchOf(config: KernelConfig, symbol: string): "y" | "m" | "n" {
  const value = config.values.get(symbol);
  return value === "y" || value === "m" ? value : "n";
}
