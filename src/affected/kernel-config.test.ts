import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readKernelConfig, switchOf } from "./kernel-config.ts";

const DEBIAN = `#
# Automatically generated file; DO NOT EDIT.
# Linux/x86 6.1.69 Kernel Configuration
#
CONFIG_CC_VERSION_TEXT="gcc-12 (Debian 12.2.0-14) 12.2.0"
CONFIG_BUILD_SALT="6.1.0-17-amd64"
CONFIG_HZ=250
CONFIG_PHYSICAL_START=0x1000000
CONFIG_MEMCG=y
# CONFIG_BTRFS_FS is not set
CONFIG_EXT4_FS=m
CONFIG_CMDLINE="a \\"quoted\\" word"

# end of something
`;

describe("a kernel configuration", () => {
  it("has y, m, n, numbers, texts and the release of its header", () => {
    const config = readKernelConfig(DEBIAN);
    expect(config?.release).toBe("6.1.69");
    expect(Object.fromEntries(config?.values ?? [])).toEqual({
      CONFIG_CC_VERSION_TEXT: "gcc-12 (Debian 12.2.0-14) 12.2.0",
      CONFIG_BUILD_SALT: "6.1.0-17-amd64",
      CONFIG_HZ: "250",
      CONFIG_PHYSICAL_START: "0x1000000",
      CONFIG_MEMCG: "y",
      CONFIG_BTRFS_FS: "n",
      CONFIG_EXT4_FS: "m",
      CONFIG_CMDLINE: 'a "quoted" word',
    });
    expect(
      ["CONFIG_MEMCG", "CONFIG_EXT4_FS", "CONFIG_BTRFS_FS", "CONFIG_XFS_FS", "CONFIG_HZ"].map((s) =>
        switchOf(config!, s),
      ),
    ).toEqual(["y", "m", "n", "n", "n"]);
  });

  it("may have CRLF line ends, and the last setting of a symbol counts", () => {
    const config = readKernelConfig(`${DEBIAN}# CONFIG_MEMCG is not set\n`.replaceAll("\n", "\r\n"));
    expect(config?.values.get("CONFIG_MEMCG")).toBe("n");
    expect(config?.release).toBe("6.1.69");
    expect(config?.strange.count).toBe(0);
  });

  it("counts lines that are no settings and names the first", () => {
    const config = readKernelConfig(DEBIAN.replace("CONFIG_HZ=250", "<<<<<<< HEAD"));
    expect(config?.strange).toEqual({ count: 1, first: 7 });
  });

  it.each([
    ["nothing", ""],
    ["a README", "# Title\n\nSome text.\n"],
    ["a shell script with one setting", "#!/bin/sh\nCONFIG_X=y\necho $CONFIG_X\n"],
    ["a log", "[    0.000000] Linux version 6.1.0\n".repeat(50)],
    ["comments only", "# CONFIG\n".repeat(100)],
    ["binary", "\u0000\u0001\u0002CONFIG_A=y\n".repeat(10)],
    ["more damage than configuration", `${DEBIAN}${"garbage\n".repeat(20)}`],
  ])("%s is none", (_, text) => {
    expect(readKernelConfig(text)).toBeUndefined();
  });

  const symbol = fc.stringMatching(/^[A-Z0-9_]{1,20}$/).map((s) => `CONFIG_${s}`);
  const value = fc.oneof(
    fc.constantFrom("y", "m", "n"),
    fc.integer({ min: -9999, max: 9999 }).map(String),
    fc.string().filter((s) => !/[\n\r]/.test(s) && s.trim() === s && !/^"|"$/.test(s)),
  );
  const written = (name: string, v: string): string => {
    if (v === "n") return `# ${name} is not set`;
    return /^(?:y|m|-?\d+)$/.test(v) ? `${name}=${v}` : `${name}="${v.replace(/[\\"]/g, "\\$&")}"`;
  };

  it("reads back what is written as the kernel writes it, whatever stands between", () => {
    const noise = fc.constantFrom("", "#", "# a comment", "   ", "# end of X");
    fc.assert(
      fc.property(fc.dictionary(symbol, value, { minKeys: 5 }), fc.array(noise), (values, between) => {
        const lines = Object.entries(values).flatMap(([name, v], i) => [written(name, v), between[i] ?? ""]);
        const config = readKernelConfig(lines.join("\n"));
        expect(Object.fromEntries(config?.values ?? [])).toEqual({ ...values });
      }),
      { numRuns: 300 },
    );
  });

  it("is never an exception, and cut off anywhere it is a part of the whole or none", () => {
    fc.assert(fc.property(fc.string(), (text) => void readKernelConfig(text)));
    const whole = readKernelConfig(DEBIAN)!;
    for (let at = 0; at < DEBIAN.length; at++) {
      const part = readKernelConfig(DEBIAN.slice(0, at));
      const { values } = part ?? { values: new Map<string, string>() };
      // the line that is cut may have lost the end of its value
      for (const [name, v] of [...values].slice(0, -1)) expect(whole.values.get(name)).toBe(v);
    }
  });
});
