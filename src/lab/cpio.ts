/**
 * Writes cpio archives in the "newc" format, which the kernel unpacks as initramfs.
 * Source: Documentation/driver-api/early-userspace/buffer-format.rst: "070701", thirteen fields of eight hexadecimal
 * digits, the name with its NUL, both padded to four bytes; an entry named TRAILER!!! ends the archive.
 */

/** One entry of an archive; `path` is relative, parents come before their children. */
export type CpioEntry =
  | { readonly kind: "directory"; readonly path: string }
  | { readonly kind: "file"; readonly path: string; readonly content: Uint8Array; readonly executable?: boolean }
  | { readonly kind: "character-device"; readonly path: string; readonly major: number; readonly minor: number };

const modeOf = (entry: CpioEntry): number => {
  switch (entry.kind) {
    case "directory":
      return 0o040755;
    case "file":
      return entry.executable ? 0o100755 : 0o100644;
    case "character-device":
      return 0o020600;
  }
};

const none = new Uint8Array();
const pad = (bytes: number): Buffer => Buffer.alloc((4 - (bytes % 4)) % 4);

function record(
  inode: number,
  mode: number,
  path: string,
  content: Uint8Array,
  rdev: readonly [number, number],
): Buffer {
  const name = Buffer.from(`${path}\0`);
  // inode, mode, uid, gid, links, mtime, size, device (2), rdev (2), length of the name, checksum
  const fields = [inode, mode, 0, 0, 1, 0, content.length, 0, 0, ...rdev, name.length, 0];
  const head = Buffer.from(`070701${fields.map((f) => f.toString(16).padStart(8, "0")).join("")}`);
  return Buffer.concat([head, name, pad(head.length + name.length), content, pad(content.length)]);
}

/** The archive of these entries, owned by root, without times: same entries, same bytes. */
export function cpioArchive(entries: readonly CpioEntry[]): Buffer {
  const records = entries.map((entry, i) =>
    record(
      i + 1,
      modeOf(entry),
      entry.path,
      entry.kind === "file" ? entry.content : none,
      entry.kind === "character-device" ? [entry.major, entry.minor] : [0, 0],
    ),
  );
  return Buffer.concat([...records, record(0, 0, "TRAILER!!!", none, [0, 0])]);
}
