/**
 * Which modules a guest needs, in loading order. A kernel package holds no modules.dep (depmod writes it at
 * installation), so the dependencies come from the modules themselves: `depends=` in their .modinfo section.
 */

/** Reads a module by its name (`virtio_blk`), uncompressed; undefined: built in, or not there. */
export type ModuleSource = (name: string) => Buffer | undefined;

/** One module to load. */
export interface Module {
  readonly name: string;
  readonly content: Buffer;
}

/** What a module's `depends=` names. */
export function dependenciesOf(module: Buffer): readonly string[] {
  // a NUL on both sides, so that no text of the code is taken for it
  const at = module.indexOf("\0depends=", 0, "latin1");
  if (at < 0) return [];
  const from = at + "\0depends=".length;
  const end = module.indexOf(0, from);
  return module
    .toString("latin1", from, end < 0 ? module.length : end)
    .split(",")
    .filter((name) => name !== "");
}

/** The module files in an order in which insmod takes them; those that are built in are left out. */
export function loadingOrder(wanted: readonly string[], source: ModuleSource): readonly Module[] {
  const order: Module[] = [];
  const seen = new Set<string>();
  const visit = (name: string): void => {
    if (seen.has(name)) return;
    seen.add(name);
    const content = source(name);
    if (content === undefined) return;
    for (const d of dependenciesOf(content)) visit(d);
    order.push({ name, content });
  };
  for (const name of wanted) visit(name);
  return order;
}

/** A module's name of its file: `virtio-rng.ko.xz` is virtio_rng; undefined for other files. */
export function moduleNameOf(file: string): string | undefined {
  return /^([\w-]+)\.ko(?:\.xz|\.zst|\.gz)?$/.exec(file)?.[1]?.replaceAll("-", "_");
}
