/**
 * Reads the plain files of a tar archive as busybox writes it (POSIX.1-1988 ustar, no long names here): what a guest
 * leaves on its second disk. Two zero blocks, or the end of the disk, end it.
 */
const block = 512;

/** One plain file of an archive. */
export interface TarFile {
  /** Relative, without `./`. */
  readonly path: string;
  readonly content: Buffer;
}

const text = (b: Buffer): string => b.toString("utf8").replace(/\0.*$/s, "");

const checksumHolds = (head: Buffer): boolean => {
  let sum = 0;
  // the checksum's own field counts as spaces
  for (let i = 0; i < block; i++) sum += i >= 148 && i < 156 ? 32 : head[i]!;
  return sum === Number.parseInt(text(head.subarray(148, 156)).trim(), 8);
};

/** Every plain file; `complete` is false when the archive stops in the middle or is none. */
export function readTar(archive: Buffer): { readonly files: readonly TarFile[]; readonly complete: boolean } {
  const files: TarFile[] = [];
  let at = 0;
  for (;;) {
    const head = archive.subarray(at, at + block);
    if (head.length < block) return { files, complete: false };
    if (head[0] === 0) return { files, complete: at > 0 };
    if (!checksumHolds(head)) return { files, complete: false };
    const size = Number.parseInt(text(head.subarray(124, 136)).trim(), 8);
    const from = at + block;
    if (from + size > archive.length) return { files, complete: false };
    const plain = head[156] === 0 || head[156] === 0x30;
    const path = text(head.subarray(0, 100)).replace(/^\.\//, "");
    if (plain && isPlainPath(path)) files.push({ path, content: Buffer.from(archive.subarray(from, from + size)) });
    at = from + Math.ceil(size / block) * block;
  }
}

/** A name that stays in the folder it is written to. */
const isPlainPath = (path: string): boolean => /^[\w.-]+(\/[\w.-]+)*$/.test(path) && !path.split("/").includes("..");
