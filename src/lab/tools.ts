/** The programs and the kernel that the lab needs: those of the host where it has them, else unpacked from packages. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { runCommand } from "./command.ts";
import { LabError } from "./errors.ts";
import { moduleNameOf } from "./modules.ts";
import { archivesOf, type PackageOptions, unpack } from "./packages.ts";
import { findProgram, isStaticElf, type Program } from "./programs.ts";

/** QEMU, and where its firmware is when it was unpacked. */
export interface Qemu extends Program {
  readonly firmware: readonly string[];
  /** The first line of its --version. */
  readonly version: string;
}

/** A kernel image as its package brings it. */
export interface KernelImage {
  /** Name and version of the package, as its file is called without `.deb`. */
  readonly packaged: string;
  /** What uname -r says. */
  readonly release: string;
  readonly image: string;
  /** Module files by name (`virtio_blk`). */
  readonly modules: ReadonlyMap<string, string>;
}

/** Everything a run needs of the host. */
export interface Tools {
  readonly qemu: Qemu;
  readonly busybox: string;
  readonly mke2fs: Program;
  readonly load: string;
  readonly kernel: KernelImage;
}

/** Options of {@link findTools}. */
export interface ToolOptions extends PackageOptions {
  /** Another kernel package than the stock cloud kernel. */
  readonly kernelPackage?: string;
  /** lab/guest of this package. */
  readonly guestFolder: string;
}

/** Debian's meta package of the cloud kernel; it depends on the one of the present ABI. */
export const stockKernelPackage = "linux-image-cloud-amd64";

/** Finds or fetches everything; throws a {@link LabError} that says what is missing. */
export async function findTools(o: ToolOptions): Promise<Tools> {
  if (process.platform !== "linux" || process.arch !== "x64")
    throw new LabError(
      "lab-unavailable",
      `the lab runs on Linux on x86-64 only (this is ${process.platform} ${process.arch})`,
    );
  const kernel = await kernelImage(o);
  const busybox = await findBusybox(o);
  const qemu = await findQemu(o);
  const mke2fs = await programOf("mke2fs", "e2fsprogs", o);
  return { qemu, busybox, mke2fs, load: await loadProgram(o), kernel };
}

/** A program of an unpacked package, with the libraries unpacked beside it. */
function inRoot(root: string, name: string): Program {
  const folder = ["usr/bin", "bin", "usr/sbin", "sbin"]
    .map((d) => join(root, d))
    .find((d) => existsSync(join(d, name)));
  if (folder === undefined)
    throw new LabError("lab-unavailable", `no ${name} in ${root}: remove that folder, and try again`);
  const libraries = ["usr/lib", "lib"].flatMap((d) => [join(root, d, "x86_64-linux-gnu"), join(root, d)]);
  const extra = [join(root, "usr/lib/x86_64-linux-gnu/pulseaudio")];
  return {
    file: join(folder, name),
    args: [],
    env: { LD_LIBRARY_PATH: [...libraries, ...extra].filter((d) => existsSync(d)).join(":") },
  };
}

async function programOf(name: string, packageName: string, o: ToolOptions): Promise<Program> {
  // root's programs are often not on a user's path
  const here = findProgram(name, `${o.path}:/usr/sbin:/sbin`);
  if (here !== undefined) return { file: here, args: [], env: {} };
  return inRoot(await unpack({ name: packageName, dependencies: true }, o), name);
}

async function findQemu(o: ToolOptions): Promise<Qemu> {
  const program = await programOf("qemu-system-x86_64", "qemu-system-x86", o);
  const root = /^(.*\/root)\//.exec(program.file)?.[1];
  const unpacked = Object.keys(program.env).length > 0 && root !== undefined;
  const folders = unpacked ? ["share/qemu", "share/seabios", "lib/ipxe/qemu"].map((d) => join(root, "usr", d)) : [];
  const env: Record<string, string> = { ...program.env };
  if (unpacked) env.QEMU_MODULE_DIR = join(root, "usr/lib/x86_64-linux-gnu/qemu");
  const r = await runCommand(program.file, ["--version"], { env, limitSeconds: 60, interrupted: o.interrupted });
  if (r.code !== 0)
    throw new LabError("lab-unavailable", `${program.file} does not start: ${r.err.trim().split("\n")[0]}`);
  return { ...program, env, firmware: folders.filter((f) => existsSync(f)), version: r.out.split("\n")[0]!.trim() };
}

async function findBusybox(o: ToolOptions): Promise<string> {
  const here = findProgram("busybox", o.path);
  if (here !== undefined && isStaticElf(here)) return here;
  return inRoot(await unpack({ name: "busybox-static", dependencies: false }, o), "busybox").file;
}

const kernelForm = /^linux-image-\d\S*$/;

async function kernelImage(o: ToolOptions): Promise<KernelImage> {
  const name = o.kernelPackage ?? stockKernelPackage;
  const wanted = { name, dependencies: false, ...(kernelForm.test(name) ? {} : { stands: kernelForm }) };
  const root = await unpack(wanted, o);
  const vmlinuz = readdirSync(join(root, "boot")).find((f) => f.startsWith("vmlinuz-"));
  if (vmlinuz === undefined) throw new LabError("lab-unavailable", `${name} holds no kernel image (boot/vmlinuz-*)`);
  const release = vmlinuz.slice("vmlinuz-".length);
  const folders = ["lib/modules", "usr/lib/modules"].map((d) => join(root, d, release, "kernel"));
  const packaged = archivesOf(o.cacheFolder, name)[0]!
    .replace(/\.deb$/, "")
    .replaceAll("%3a", ":");
  return { packaged, release, image: join(root, "boot", vmlinuz), modules: moduleFiles(folders) };
}

function moduleFiles(folders: readonly string[]): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const folder of folders.filter((f) => existsSync(f)))
    for (const e of readdirSync(folder, { withFileTypes: true, recursive: true })) {
      const name = e.isFile() ? moduleNameOf(e.name) : undefined;
      if (name !== undefined) files.set(name, join(e.parentPath, e.name));
    }
  return files;
}

/** The load program, compiled once for each state of its source; by a compiler of the host, or by tcc from a package. */
async function loadProgram(o: ToolOptions): Promise<string> {
  const source = join(o.guestFolder, "load.c");
  const key = createHash("sha256").update(readFileSync(source)).digest("hex").slice(0, 16);
  const target = join(o.cacheFolder, `load-${key}`);
  if (existsSync(target)) return target;
  mkdirSync(o.cacheFolder, { recursive: true });
  const compiler = await findCompiler(o);
  const aside = join(o.cacheFolder, `.load-${process.pid}`);
  const args = [...compiler.args, ...compileArguments, "-o", aside, source];
  const r = await runCommand(compiler.file, args, { env: compiler.env, limitSeconds: 60, interrupted: o.interrupted });
  if (r.code !== 0) throw new LabError("lab-unavailable", `${compiler.file} cannot compile ${source}: ${r.err.trim()}`);
  renameSync(aside, target);
  return target;
}

const compileArguments = ["-O1", "-static", "-nostdlib", "-ffreestanding", "-fno-stack-protector"];

async function findCompiler(o: ToolOptions): Promise<Program> {
  for (const name of ["gcc", "cc", "clang"]) {
    const file = findProgram(name, o.path);
    if (file !== undefined) return { file, args: ["-fno-pie", "-no-pie"], env: {} };
  }
  const own = findProgram("tcc", o.path);
  if (own !== undefined) return { file: own, args: [], env: {} };
  const tcc = inRoot(await unpack({ name: "tcc", dependencies: false }, o), "tcc");
  const root = join(tcc.file, "../../..");
  return { ...tcc, args: ["-B", join(root, "usr/lib/x86_64-linux-gnu/tcc")] };
}
