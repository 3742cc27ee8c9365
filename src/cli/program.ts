/**
 * The command tree. Commands print through the {@link Terminal} and give their exit code back. Each is loaded when it is run:
 * the knowledge of `diagnose` takes longer to load than a first deadlock takes to find.
 */
import { existsSync } from "node:fs";
import { Command, CommanderError, Option } from "commander";
import type { AffectedFlags } from "./commands/affected.ts";
import type { DiagnoseFlags } from "./commands/diagnose.ts";
import type { ExploreFlags } from "./commands/explore.ts";
import type { LabFlags } from "./commands/lab.ts";
import type { ReplayFlags } from "./commands/replay.ts";
import type { RunFlags } from "./commands/run.ts";
import { exitCodes } from "./exit-codes.ts";
import { CliError, message } from "./messages.ts";
import type { Terminal } from "./terminal.ts";
import { packageVersion } from "./version.ts";

const shortHelp = `unwedge says why a Linux machine hangs, from its kernel log.

  unwedge diagnose kernel.log     who waits for whom, and is it a deadlock
  dmesg | unwedge                 the same from a pipe
  unwedge tour                    two real examples, explained
  unwedge explore NAME            search the schedules of a modelled kernel
  unwedge --help                  every command
`;

const examples = `Examples:
  unwedge diagnose kernel.log
  journalctl -k -b -1 | unwedge diagnose - --json
  unwedge diagnose before.log after.log --html report.html
`;

const exitHelp = `
Exit codes: 0 nothing wrong found (none, slow); 1 deadlock, livelock, lost I/O
or missed wakeup; 2 bad usage or input; 3 unknown, or nothing recognisable.
`;

/** Runs one command line; resolves with the exit code and never rejects for what a user can do wrong. */
export async function runCommandLine(args: readonly string[], t: Terminal): Promise<number> {
  if (args.length === 0 && !t.stdinPiped) {
    await t.out(shortHelp);
    return exitCodes.ok;
  }
  const [first] = args;
  // a bare pipe, or a bare pipe with options only: `dmesg | unwedge --json`
  const own = ["-h", "--help", "-V", "--version"];
  const implied = t.stdinPiped && args.every((a) => a.startsWith("-")) && !args.some((a) => own.includes(a));
  const line = implied ? ["diagnose", ...args.filter((a) => a !== "-"), "-"] : [...args];
  let code: number = exitCodes.ok;
  const help: string[] = [];
  const program = build(t, help, (c) => {
    code = c;
  });
  try {
    if (first !== undefined && !implied && isFileNotCommand(program, first))
      throw new CliError(exitCodes.usage, "command-is-file", message("command-is-file", first));
    await program.parseAsync(keepLogsOutOfHtml(line), { from: "user" });
  } catch (e) {
    return failed(e, t, help);
  }
  return code;
}

async function failed(e: unknown, t: Terminal, help: readonly string[]): Promise<number> {
  if (e instanceof CommanderError) {
    if (help.length > 0) await t.out(help.join(""));
    return e.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  }
  const error = e instanceof CliError ? e : (await import("./inputs.ts")).readError("input", e);
  if (error === undefined) throw e;
  t.err(error.message);
  return error.exitCode;
}

const isFileNotCommand = (program: Command, word: string): boolean =>
  !word.startsWith("-") &&
  !program.commands.some((c) => c.name() === word || c.aliases().includes(word)) &&
  word !== "help" &&
  existsSync(word);

/** `--html kernel.log` means a log, and HTML on stdout: only a name that says so is taken as the FILE to write. */
function keepLogsOutOfHtml(args: readonly string[]): string[] {
  return args.flatMap((a, i) => {
    if (a !== "--html") return [a];
    return /\.x?html?$/i.test(args[i + 1] ?? "") ? [a] : ["--html=-"];
  });
}

function build(t: Terminal, help: string[], done: (code: number) => void): Command {
  const program = new Command("unwedge");
  const output = {
    writeOut: (s: string) => void help.push(s),
    writeErr: (s: string) => t.err(s.trimEnd().replace(/^error: /, "unwedge: ")),
    getOutHelpWidth: () => Math.min(t.columns, 100),
    getOutHasColors: () => false,
    getErrHasColors: () => false,
  };
  const command = (spec: string, text: string): Command => {
    const c = program.command(spec).description(text).exitOverride().configureOutput(output);
    return c.optionsGroup("Options:").helpOption("-h, --help", "show this help");
  };
  program
    .description("Says why a Linux machine hangs: reads kernel logs and explains who waits for whom.")
    .version(packageVersion(), "-V, --version", "print the version")
    .helpOption("-h, --help", "show this help")
    .exitOverride()
    .configureOutput(output)
    .addHelpText("before", examples)
    .addHelpText("after", exitHelp);
  const json = (c: Command): Command => c.option("--json", "one JSON document");
  const pager = (c: Command): Command => c.option("--no-pager", "never start a pager");

  addDiagnose(
    command("diagnose [FILE...]", "say who waits for whom in kernel logs of one incident (- is standard input)"),
    t,
    done,
  );
  pager(json(command("formats", "list what can be read, with a sample of each"))).action(
    async (f: { json?: boolean; pager: boolean }) =>
      done(await (await import("./commands/formats.ts")).runFormats(t, f)),
  );
  pager(
    json(command("frames [FILE...]", "list stack frames that the table knows nothing about, most frequent first")),
  ).action(async (files: string[], f: { json?: boolean; pager: boolean }) =>
    done(await (await import("./commands/frames.ts")).runFrames(t, orStdin(t, files), f)),
  );
  pager(json(command("knowledge [FUNCTION]", "print what the table says of a kernel function, with sources"))).action(
    async (fn: string | undefined, f: { json?: boolean; pager: boolean }) =>
      done(await (await import("./commands/knowledge.ts")).runKnowledge(t, fn, f)),
  );
  pager(json(command("bugs [ID]", "list the known bugs a diagnosis is compared with"))).action(
    async (id: string | undefined, f: { json?: boolean; pager: boolean }) =>
      done(await (await import("./commands/bugs.ts")).runBugs(t, id, f)),
  );
  addAffected(command("affected", "say which known bugs and incidents can happen on a kernel"), t, done);
  addExplore(
    command("explore [INCIDENT]", "search an incident's schedules for deadlocks, livelocks and broken invariants"),
    t,
    done,
  );
  addRun(command("run <INCIDENT>", "run an incident in virtual time and print what was measured"), t, done);
  addReplay(
    command("replay <WITNESS>", "run a schedule that explore found and show where it ends (- is standard input)"),
    t,
    done,
  );
  pager(json(command("incidents", "list what can be explored, with switches and parameters"))).action(
    async (f: { json?: boolean; pager: boolean }) =>
      done(await (await import("./commands/incidents.ts")).runIncidents(t, f)),
  );
  addLab(command("lab [SCENARIO]", "wedge a real kernel in a virtual machine and diagnose its log"), t, done);
  pager(command("tour", "diagnose two real pieces of evidence, explained").addOption(colorOption())).action(
    async (f: { color: "auto" | "always" | "never"; pager: boolean }) =>
      done(await (await import("./commands/tour.ts")).runTour(t, f)),
  );
  return program;
}

const orStdin = (t: Terminal, files: readonly string[]): readonly string[] =>
  files.length === 0 && t.stdinPiped ? ["-"] : files;
const colorOption = (): Option =>
  new Option("--color <WHEN>", "colour the text; auto honours NO_COLOR and TERM=dumb")
    .choices(["auto", "always", "never"])
    .default("auto");

function addDiagnose(command: Command, t: Terminal, done: (code: number) => void): void {
  command
    .addHelpText("before", examples)
    .addHelpText("after", exitHelp)
    .optionsGroup("Output:")
    .option("--json", "one JSON document (unwedge.diagnosis/1)")
    .option("--html [FILE]", "one self-contained page, to FILE (*.html) or standard output")
    .option("--dot", "the wait-for graph for Graphviz")
    .option("--mermaid", "the wait-for graph for Mermaid")
    .option("--svg", "the wait-for graph as a picture")
    .option("-o, --out-dir <DIR>", "write every form into DIR")
    .option("--all", "list every context, not only the telling ones")
    .addOption(colorOption())
    .option("--no-pager", "never start a pager")
    .optionsGroup("Input:")
    .option("--kernel <RELEASE>", "kernel release (uname -r), where the log does not say it")
    .optionsGroup("Exit code:")
    .option("--exit-zero", "exit with 0 whatever the verdict")
    .action(async (files: string[], flags: Omit<DiagnoseFlags, "html"> & { readonly html?: string | true }) => {
      const { html, ...rest } = flags;
      done(
        await (await import("./commands/diagnose.ts")).runDiagnose(
          t,
          orStdin(t, files),
          html === undefined ? rest : { ...rest, html: html === true ? "-" : html },
        ),
      );
    });
}

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

const affectedExamples = `Examples:
  unwedge affected --release 4.19.16 --cgroup v1 --fs ext4,xfs
  unwedge affected --log dmesg.log --config /boot/config-6.1.0-17-amd64 --prove
`;
const affectedExitHelp = `
Exit codes: 0 nothing can happen; 1 something can for sure; 2 bad usage or input;
3 nothing for sure, but something is unknown; 130 interrupted.
`;

function addAffected(command: Command, t: Terminal, done: (code: number) => void): void {
  command
    .addHelpText("before", affectedExamples)
    .addHelpText("after", affectedExitHelp)
    .optionsGroup("Kernel:")
    .option("--release <RELEASE>", "uname -r, uname -a or the banner of the log; the banner tells most")
    .option("--config <FILE>", "its configuration: /boot/config-*, /proc/config.gz")
    .option("--log <FILE>", "read banner, command line, mounts and swap from a kernel log (again for more)", collect)
    .option("--unpatched", "it is that release of kernel.org and nothing else")
    .option("--has <COMMIT>", "it has this commit, whatever its name says (again for more)", collect)
    .option("--lacks <COMMIT>", "it does not have this commit (again for more)", collect)
    .optionsGroup("Machine:")
    .option("--boot <PARAMETERS>", "its whole command line, /proc/cmdline")
    .option("--cgroup <VERSION>", "v1 or v2: where its memory controller is")
    .option("--fs <NAMES>", "all filesystems in use, e.g. ext4,xfs; none")
    .option("--swap <YES|NO>", "whether there is swap")
    .optionsGroup("Search:")
    .option("--prove", "run the explorations behind the answers, at small sizes")
    .optionsGroup("Output:")
    .option("--json", "one JSON document (unwedge.affected/1)")
    .addOption(colorOption())
    .option("--no-pager", "never start a pager")
    .optionsGroup("Exit code:")
    .option("--exit-zero", "exit with 0 whatever was found")
    .action(async (flags: AffectedFlags) => done(await (await import("./commands/affected.ts")).runAffected(t, flags)));
}

const runExamples = `Examples:
  unwedge run dm-crypt-throttle
  unwedge run dm-crypt-throttle --compare all --seconds 5
`;
const runExitHelp = `
Exit codes: 0 the run came to its end; 1 it ended in a deadlock; 2 bad usage or
input; 3 it was cut short; 130 interrupted.
`;

function addRun(command: Command, t: Terminal, done: (code: number) => void): void {
  command
    .addHelpText("before", runExamples)
    .addHelpText("after", runExitHelp)
    .optionsGroup("Kernel:")
    .option("--era <RELEASE>", "kernel point release, e.g. 4.7.4")
    .option("--fix <NAME>", "add a fix (again for more)", collect)
    .option("--revert <NAME>", "take a merged fix out (again for more)", collect)
    .option("--cgroup <VERSION>", "v1 or v2")
    .option("--nokmem", "boot with cgroup.memory=nokmem")
    .option("--hz <N>", "timer interrupts a second (default: 250)")
    .optionsGroup("Workload:")
    .option("--scale <SIZE>", "full or small")
    .option("--param <NAME=VALUE>", "size of the workload (again for more)", collect)
    .option("--device <NAME>", "how fast its disks are: ssd (default), disk, nvme")
    .option("--seconds <N>", "virtual seconds")
    .option("--seed <N>", "where the model leaves a choice open")
    .option("--compare <all>", "run it with every fix, one after the other")
    .optionsGroup("Output:")
    .option("--json", "one JSON document (unwedge.run/1, unwedge.compare/1)")
    .option("--no-pager", "never start a pager")
    .optionsGroup("Exit code:")
    .option("--exit-zero", "exit with 0 whatever came out")
    .action(async (incident: string, flags: RunFlags) =>
      done(await (await import("./commands/run.ts")).runRun(t, incident, flags)),
    );
}

const exploreExamples = `Examples:
  unwedge explore memcg-writeback-abba -o witness.json
  unwedge explore memcg-writeback-abba --fix prealloc-pte
  unwedge explore memcg-writeback-abba --compare all
`;
const exploreExitHelp = `
Exit codes: 0 nothing wrong, and every schedule was covered; 1 deadlock, livelock,
lockup or broken invariant; 2 bad usage or input; 3 nothing found, but a bound was
reached; 130 interrupted.
`;

function addExplore(command: Command, t: Terminal, done: (code: number) => void): void {
  command
    .addHelpText("before", exploreExamples)
    .addHelpText("after", exploreExitHelp)
    .optionsGroup("Kernel:")
    .option("--era <RELEASE>", "kernel point release, e.g. 6.1.192")
    .option("--fix <NAME>", "add a fix (again for more)", collect)
    .option("--revert <NAME>", "take a merged fix out (again for more)", collect)
    .option("--cgroup <VERSION>", "v1 or v2")
    .option("--nokmem", "boot with cgroup.memory=nokmem")
    .option("--hack <NAMES>", "changes that no kernel has, e.g. switching,moving", collect)
    .option("--param <NAME=VALUE>", "size of the incident (again for more)", collect)
    .option("--compare <all>", "explore it with every switch, one after the other")
    .optionsGroup("Search:")
    .option("--strategy <NAME>", "prove, hunt, pct or random; default: some of the last three, then prove")
    .option("--seed <N>", "seed of pct and random")
    .option("--max-preemptions <N>", "prove it for schedules with at most N preemptions only")
    .option("--exact", "prove it over whole states, not sums of 128 bits (slower)")
    .option("--fair", "find livelocks too that luck could end, but that a fair scheduler need not (slower)")
    .option("--unfair", "find every cycle without progress, also those that only an unfair scheduler stays in")
    .option("--all-findings", "prove only, and go on after the first finding: count all there is")
    .option("--no-reduce", "prove it over every state, also those that differ only in the order of unrelated steps")
    .option("--max-states <N>", "give up after so many states")
    .option("--max-memory <MIB>", "most memory for states; default: half of this machine's, at most 4096")
    .option("--max-seconds <N>", "give up after so long")
    .option("--jobs <N>", "threads for a long proof that visits every state (default: one for each core)")
    .option("--save <FILE>", "keep a proof, of one thread, in FILE when a bound or Ctrl-C stops it")
    .option("--resume <FILE>", "go on with the proof in FILE; bounds and --save may be given anew")
    .option("--check-invariants", "check the laws of the model in every state")
    .optionsGroup("Output:")
    .option("--json", "one JSON document (unwedge.exploration/1, unwedge.compare/1)")
    .option("-o, --output <FILE>", "write the witness, for unwedge replay")
    .option("--all", "every step and every stack")
    .addOption(colorOption())
    .option("--no-pager", "never start a pager")
    .optionsGroup("Exit code:")
    .option("--exit-zero", "exit with 0 whatever was found")
    .action(async (incident: string | undefined, flags: ExploreFlags) =>
      done(await (await import("./commands/explore.ts")).runExplore(t, incident, flags)),
    );
}

function addReplay(command: Command, t: Terminal, done: (code: number) => void): void {
  command
    .optionsGroup("Output:")
    .option("--json", "one JSON document (unwedge.exploration/1)")
    .option("--all", "every step and every stack")
    .addOption(colorOption())
    .option("--no-pager", "never start a pager")
    .optionsGroup("Exit code:")
    .option("--exit-zero", "exit with 0 whatever it shows")
    .action(async (file: string, flags: ReplayFlags) =>
      done(await (await import("./commands/replay.ts")).runReplay(t, file, flags)),
    );
}

const labExamples = `Examples:
  unwedge lab                                  list the scenarios
  unwedge lab jbd2-memcg-oom                   wedge a real kernel and diagnose it
  unwedge lab jbd2-memcg-oom --cgroup v2
  unwedge lab memcg-steps --runs 3 --json
`;
const labNotes = `
Boots Debian's unmodified cloud kernel in QEMU, in software: no KVM, no root. What is
missing is downloaded by apt-get and unpacked into ~/.cache/unwedge/lab; nothing is
installed. Exit codes are those of diagnose; 2 also where the lab cannot work.
`;

function addLab(command: Command, t: Terminal, done: (code: number) => void): void {
  command
    .addHelpText("before", labExamples)
    .addHelpText("after", labNotes)
    .optionsGroup("Guest:")
    .option("--cgroup <VERSION>", "v1 or v2; default: the scenario's first")
    .option("--param <NAME=VALUE>", "size of the scenario (again for more)", collect)
    .option("--no-trace", "do not trace the guest")
    .option("--runs <N>", "boot it N times and say how far the counters lie apart")
    .option("--kernel-package <NAME>", "another Debian kernel package than linux-image-cloud-amd64")
    .option("--prepare", "only fetch what is needed")
    .optionsGroup("Output:")
    .option("--json", "one JSON document (unwedge.diagnosis/1 with a field lab)")
    .option("-o, --out-dir <DIR>", "where log, counters and trace go; default: unwedge-lab/SCENARIO-CGROUP")
    .option("--all", "list every context, not only the telling ones")
    .addOption(colorOption())
    .option("--no-pager", "never start a pager")
    .optionsGroup("Exit code:")
    .option("--exit-zero", "exit with 0 whatever the verdict")
    .action(async (scenario: string | undefined, flags: LabFlags) =>
      done(await (await import("./commands/lab.ts")).runLab(t, scenario, flags)),
    );
}
