/**
 * Whose kernel a name belongs to. `stable`: the stable release it says, with a few patches on top. `features`: an old base
 * with years of backports, so the number proves neither that a bug is there nor that it is not. `local`: built by somebody
 * with a name of its own.
 */

/** How a kernel's builder numbers and changes it; plain data. */
export interface Distribution {
  readonly name: string;
  readonly backports: "stable" | "features" | "local";
  /** The third number of its `uname -r` is the stable release; else it is always 0, or says nothing. */
  readonly showsPoint: boolean;
}

interface Row {
  readonly name: string;
  readonly backports: Distribution["backports"];
  /** Recognises `uname -r`. */
  readonly uname?: RegExp;
  /** Recognises the banner, where the name alone is not enough. */
  readonly line?: RegExp;
  /** Finds the stable release in the banner: three groups. */
  readonly banner?: RegExp;
  /** The third number is the stable release. */
  readonly showsPoint?: boolean;
}

/** The first that fits. Samples of each are in the test. */
const ROWS: readonly Row[] = [
  { name: "Oracle Linux (UEK)", backports: "features", uname: /uek\b/ },
  { name: "Red Hat Enterprise Linux or a rebuild of it", backports: "features", uname: /\.el\d+/ },
  { name: "Amazon Linux", backports: "features", uname: /\.amzn\d/ },
  { name: "Alibaba Cloud Linux or Anolis OS", backports: "features", uname: /\.(?:al|an)\d/ },
  { name: "openEuler", backports: "features", uname: /\.oe\d|openeuler/i },
  { name: "TencentOS", backports: "features", uname: /-tlinux|\.tl\d/ },
  { name: "Android", backports: "features", uname: /-android\d*/ },
  { name: "Azure Linux", backports: "stable", uname: /\.(?:cm2|azl\d)$/, showsPoint: true },
  { name: "Fedora", backports: "stable", uname: /\.fc\d+/, showsPoint: true },
  { name: "Arch Linux", backports: "stable", uname: /-(?:arch|zen|hardened)\d+-\d+|-\d+-lts$/, showsPoint: true },
  { name: "Gentoo", backports: "stable", uname: /-gentoo/, showsPoint: true },
  { name: "WSL", backports: "stable", uname: /-microsoft-standard/, showsPoint: true },
  { name: "Raspberry Pi OS", backports: "stable", uname: /\+rpt/, showsPoint: true },
  { name: "Proxmox", backports: "stable", uname: /-pve$/, showsPoint: true },
  {
    name: "Debian",
    backports: "stable",
    uname: /\+deb\d+|\+bpo/,
    banner: /\bDebian (\d+)\.(\d+)\.(\d+)-\d/,
    showsPoint: true,
  },
  {
    name: "Ubuntu",
    backports: "stable",
    // `(Ubuntu 5.15.0-91.101-generic 5.15.131)`: the last number is the stable release it is level with.
    banner: /\bUbuntu \d\S* (\d+)\.(\d+)\.(\d+)\)/,
    line: /\bUbuntu\b/,
    uname: /^\d+\.\d+\.0-\d+-(?:generic|lowlatency|azure|aws|gcp|gke|oracle|kvm|raspi|oem|ibm|nvidia|intel|virtual)/,
  },
  {
    name: "Debian",
    backports: "stable",
    banner: /\bDebian (\d+)\.(\d+)\.(\d+)-\d/,
    line: /\bDebian \d/,
    // `4.9.0-8-amd64`, `5.10.0-0.bpo.15-amd64`: the ABI number, then the flavour.
    uname: /^\d+\.\d+\.0-(?:0\.(?:bpo|deb\d+)\.)?\d+(?:-[a-z]\w*)*-(?:amd64|arm64|armmp|686|i386|s390x|powerpc64le)\b/,
  },
  { name: "SUSE", backports: "features", uname: /-(?:default|preempt|azure)$/ },
];

/** Whose kernel this is, and where its banner has the stable release; undefined for a release as kernel.org names it. @internal */
export function distributionOf(
  uname: string,
  line: string,
): { readonly distribution: Distribution; readonly banner: RegExp | undefined } | undefined {
  const found = ROWS.find((r) => r.uname?.test(uname) === true || (r.line?.test(line) === true && uname !== line));
  if (found !== undefined) {
    const { name, backports, showsPoint = false, banner } = found;
    return { distribution: { name, backports, showsPoint }, banner };
  }
  const local = uname.replace(/^\d+\.\d+(?:\.\d+)?/, "").replace(/^[-.~]?rc\d+/, "");
  if (local === "") return undefined;
  return { distribution: { ...UNKNOWN_BUILDER, name: `whoever built "${local}"` }, banner: undefined };
}

/** A configuration does not say who patched the sources that it is for. */
export const UNKNOWN_BUILDER: Distribution = { name: "whoever built it", backports: "local", showsPoint: true };
