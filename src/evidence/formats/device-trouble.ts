/**
 * What the log itself says about devices and servers: I/O errors, timeouts, aborts, resets, lost paths, servers that do not answer,
 * and recoveries. A wait for a device that has trouble is no deadlock; `device-trouble-patterns.ts` lists the messages.
 *
 *     [5878128.028704] print_req_error: I/O error, dev sdb, sector 101496008
 */
import { ownCopy } from "../frames.ts";
import type { Format, LogLine } from "../reader.ts";
import { TROUBLE_PATTERNS, type TroublePattern } from "./device-trouble-patterns.ts";

const MAX_TEXT = 300;
/** Every needle holds one of these words: one scan rejects the many lines that speak of something else. */
const ANY =
  /rror|xception|im(?:e|ed|ing) ?out|Timeout|FAILED|reject|offline|abort|Abort|reset|Reset|QID|slow to|not re|EH com|conn|server|Dead|Reconn|reconn|path|space|failure|Remount|hutting|shut down|forced|disabled|libceph|ceph:|rbd|Receive control|stuck|IO failed|Removing|CQE|errs:/;

/** Reader of device and server trouble. */
export const deviceTrouble: Format = {
  name: "device_trouble",
  describes: "I/O errors, timeouts, resets, offline devices and silent servers",
  sample: "blk_update_request: I/O error, dev sdb, sector 101496008",
  open: (sink) => ({
    line(l: LogLine): boolean {
      const raw = l.text;
      const c = raw.charCodeAt(0);
      // Frames, registers and task headers are most of a log.
      if (c === 91 || c === 60 || c === 35 || raw.length < 12 || raw.length > 2000 || raw.includes("+0x")) return false;
      if (raw.startsWith("task:") || !ANY.test(raw)) return false;
      const text = c === 32 || c === 9 ? raw.trimStart() : raw;
      for (const p of TROUBLE_PATTERNS) {
        const m = text.includes(p.needle) ? p.re.exec(text) : null;
        if (m === null) continue;
        const device = deviceOf(p, m);
        sink.saw("device_trouble");
        sink.trouble({
          kind: p.kind,
          line: l.number,
          text: ownCopy(text.slice(0, MAX_TEXT)),
          ...(l.time === undefined ? {} : { time: l.time }),
          ...(device === undefined ? {} : { device }),
        });
        return true;
      }
      return false;
    },
    end(): void {},
  }),
};

function deviceOf(p: TroublePattern, m: RegExpExecArray): string | undefined {
  const name = m.groups?.dev ?? m.groups?.hctl;
  if (name === undefined || name === "") return undefined;
  // jbd2 names a journal by device and inode: `dm-2-8` lies on dm-2.
  return ownCopy(p.source.includes("fs/jbd2/") ? name.replace(/[-:]\d{1,10}$/, "") : name);
}
