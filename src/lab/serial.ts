/** The serial console of a guest: kernel messages, and among them the lines of the lab's scripts (`lab: ...` in the kernel log). */

/** A line of the guest's script. */
export interface LabLine {
  /** Seconds since the boot of the guest. */
  readonly seconds: number;
  readonly text: string;
}

/** What a console said. */
export interface SerialLog {
  /** The log without the carriage returns of the serial line. */
  readonly kernelLog: string;
  readonly lab: readonly LabLine[];
  readonly panicked: boolean;
}

const labLine = /^\[\s*(\d+\.\d+)\] lab: (.*)$/;

/** The guest's line in one line of the console; undefined: another line. */
export function labLineOf(line: string): LabLine | undefined {
  const m = labLine.exec(line.replace(/\r$/, ""));
  return m === null ? undefined : { seconds: Number(m[1]), text: m[2]! };
}

/** Takes a console apart. */
export function readSerial(text: string): SerialLog {
  const kernelLog = text.replace(/\r+\n/g, "\n");
  const lab = kernelLog.split("\n").flatMap((line) => labLineOf(line) ?? []);
  return { kernelLog, lab, panicked: /^\[\s*\d+\.\d+\] Kernel panic - not syncing/m.test(kernelLog) };
}

/** What the script says once it runs. */
export const guestIsUp = (line: LabLine): boolean => line.text.startsWith("guest up at ");
/** The guest's time at the first line that starts with these words. */
export const secondsOf = (lab: readonly LabLine[], words: string): number | undefined =>
  lab.find((l) => l.text.startsWith(words))?.seconds;
