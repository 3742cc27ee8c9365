/**
 * Every sentence the command line says on stderr, by stable id: what, where, what to do. The id ends the line in
 * brackets, so that tests, docs and searches can point at it.
 */

const collect = "`echo w > /proc/sysrq-trigger; dmesg > hang.log`, twice, 30 s apart, as root on the hung host";

const catalogue = {
  "input-missing": (name: string) => `${name}: no such file; check the path, or use - for standard input`,
  "input-directory": (name: string) =>
    `${name}: is a directory; name the log files in it, e.g. ${name.replace(/\/*$/, "")}/*.log`,
  "input-unreadable": (name: string, why: string) =>
    `${name}: cannot be read (${why}); check its permissions, or copy it`,
  "input-damaged": (name: string, why: string) => `${name}: ${why}`,
  "input-stdin-twice": () => "standard input (-) can be read only once; name it once",
  "input-none": () => "no FILE given; name a kernel log, or - for standard input (try `unwedge diagnose --help`)",
  "input-empty": (name: string) => `${name}: is empty; collect a log with ${collect}`,
  "input-unrecognised": (name: string) =>
    `${name}: nothing recognisable (no hung-task report, stack dump or counters); collect ${collect}, and diagnose that`,
  "input-some-unrecognised": (name: string) => `${name}: nothing recognisable in it; the other inputs were used`,
  "input-cut": (lines: string) => `${lines} longer than 64 KiB; what follows in them was left out`,
  "reading-terminal": () => "reading a log from the terminal; end it with Ctrl-D",
  "output-exclusive": (options: string) => `only one of ${options} fits on standard output; -o DIR writes them all`,
  "output-is-input": (name: string) => `${name}: is one of the inputs and will not be overwritten; choose another name`,
  "output-unwritable": (name: string, why: string) => `${name}: cannot be written (${why}); choose another place`,
  "output-written": (names: string) => `wrote ${names}`,
  "kernel-malformed": (text: string) =>
    `--kernel ${text}: not a kernel release; write it as uname -r prints it, e.g. 6.1.192`,
  "command-is-file": (name: string) => `${name} is a file, not a command; did you mean \`unwedge diagnose ${name}\`?`,
  "function-unknown": (name: string, near: string) =>
    `no row knows ${name}${near}; \`unwedge frames FILE...\` lists what the table lacks for a log`,
  "bug-unknown": (id: string, near: string) => `no known bug is called ${id}${near}; \`unwedge bugs\` lists them`,
  "samples-missing": (path: string) => `${path}: the tour's sample is missing; install the package again`,
  "incident-unknown": (name: string, near: string) =>
    `no incident is called ${name}${near}; \`unwedge incidents\` lists them, your own is a file: ./${name.replace(/^\.*\/*/, "")}.ts`,
  "incident-file": (why: string) => why,
  "choice-refused": (why: string) => why,
  "param-malformed": (given: string) =>
    `--param ${given}: write it as name=number; \`unwedge incidents\` lists the parameters`,
  "number-malformed": (option: string, given: string) => `${option} ${given}: not a whole number`,
  "affected-nothing": () =>
    "nothing to go by: give --release RELEASE, --log FILE or --config FILE (try `unwedge affected --help`)",
  "release-malformed": (text: string, hint: string) => `--release ${text}: not a kernel release; ${hint}`,
  "config-malformed": (name: string) =>
    `${name}: not a kernel configuration; give /boot/config-RELEASE or /proc/config.gz`,
  "log-silent": (name: string, lines: string) =>
    `${name}: says nothing of a kernel's configuration in ${lines} lines; give the log from the boot on (journalctl -k)`,
  "swap-unknown": (given: string) => `--swap ${given}: not one of yes, no`,
  "fs-unknown": (name: string, near: string) =>
    `--fs: no filesystem is called ${name}${near}; name all that are in use, with commas, or none`,
  "commit-malformed": (given: string) => `${given}: not a commit; give at least 7 digits of its hash`,
  "commit-contradiction": (hash: string) => `${hash}: both in --has and in --lacks`,
  "strategy-unknown": (given: string, near: string) =>
    `--strategy ${given}: not one of hunt, prove, pct, random${near}`,
  "scale-unknown": (given: string) => `--scale ${given}: not one of full, small`,
  "cgroup-unknown": (given: string) => `--cgroup ${given}: not one of v1, v2`,
  "preemptions-need-prove": (given: string) => `--max-preemptions bounds a proof: leave out --strategy ${given}`,
  "all-findings-need-prove": (given: string) => `--all-findings is a proof: leave out --strategy ${given}`,
  "fix-all": () => "--fix all: name one fix, or compare them all with `--compare all`",
  "compare-all": (given: string) => `--compare ${given}: only all is possible`,
  "witness-unreadable": (name: string, why: string) =>
    `${name}: ${why}; write one with \`unwedge explore ... -o FILE\``,
  "witness-mismatch": (why: string) =>
    `${why}; the witness is of another version of the model: explore again with this one`,
  "witness-none": (name: string) => `nothing was found, so ${name} was not written`,
  "saved-search-unreadable": (why: string) => why,
  "search-saved": (name: string, size: string) =>
    `wrote ${name} (${size}); go on with \`unwedge explore --resume ${name}\``,
  "search-saved-begin": (name: string) =>
    `wrote ${name}; no proof is in it yet: \`unwedge explore --resume ${name}\` begins again`,
  "search-save-none": (name: string) => `the search has its answer, so ${name} was not written`,
  "save-needs-prove": (given: string) => `--save and --resume are for proofs: leave out ${given}`,
  "resume-decides": (given: string) =>
    `--resume FILE says what is explored and how: leave out ${given}; bounds may be given anew`,
  "explore-nothing": () => "no INCIDENT given; `unwedge incidents` lists them (try `unwedge explore --help`)",
  "explore-interrupted": () => "interrupted; what was found so far follows, another interrupt ends at once",
  "lab-unavailable": (why: string) => `the lab cannot work here: ${why}`,
  "lab-boot-failed": (why: string) => why,
  "lab-usage": (why: string) => why,
  "lab-runs": (given: string, most: string) => `--runs ${given}: not a number from 1 to ${most}`,
  "lab-progress": (what: string) => what,
  "lab-interrupted": () => "interrupted; the virtual machine was ended",
  interrupted: () => "interrupted; what was read so far is diagnosed, another interrupt ends at once",
} as const;

/** Stable id of a message. */
export type MessageId = keyof typeof catalogue;
type Arguments<K extends MessageId> = Parameters<(typeof catalogue)[K]>;

/** Every message id. */
export const messageIds: readonly MessageId[] = Object.keys(catalogue) as MessageId[];

/** The line of a message, with its id; hostile control characters are made visible. */
export function message<K extends MessageId>(id: K, ...args: Arguments<K>): string {
  const make = catalogue[id] as (...a: readonly string[]) => string;
  return printable(`unwedge: ${make(...args)} [${id}]`);
}

/** One line of plain text: control characters as `\xNN`. */
export function printable(text: string): string {
  return text.replace(
    /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g,
    (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}

/** Bad usage or input: one clear line on stderr and an exit code. */
export class CliError extends Error {
  readonly id: MessageId;
  readonly exitCode: number;

  constructor(exitCode: number, id: MessageId, text: string) {
    super(text);
    this.id = id;
    this.exitCode = exitCode;
  }
}

/** A {@link CliError} with exit code 2. */
export function usageError<K extends MessageId>(id: K, ...args: Arguments<K>): CliError {
  return new CliError(2, id, message(id, ...args));
}
