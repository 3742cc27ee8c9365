/**
 * `struct scan_control` printed by crash or gdb: what one reclaim round looked for and found (mm/vmscan.c:struct scan_control).
 *
 *     struct scan_control {
 *       nr_to_reclaim = 32,
 *       nr = {
 *         dirty = 27797,
 */
import type { Format, LogLine } from "../reader.ts";
import { type DebuggerStruct, openStruct, readStructLine } from "./debugger-struct.ts";

const HEADER = /^\s*(?:\$\d+\s*=\s*|crash>.*|\(gdb\).*)?\(?(?:struct )?(?:scan_control|sc)\)?\s*(?:=\s*)?\{/;

/** Reader of dumped scan_control structures. */
export const scanControl: Format = {
  name: "scan_control",
  describes: "struct scan_control printed by crash or gdb",
  sample: "struct scan_control {",
  open(sink) {
    let open: { s: DebuggerStruct; line: number; last: number } | undefined;
    const flush = (): void => {
      if (open === undefined) return;
      const { s, line } = open;
      open = undefined;
      if (Object.keys(s.values).length === 0) return;
      sink.saw("scan_control");
      sink.scanControl({ line, values: s.values });
    };
    return {
      line(l: LogLine): boolean {
        if (open === undefined) {
          if (!l.text.endsWith("{") && !l.text.includes("scan_control {")) return false;
          if (!HEADER.test(l.text)) return false;
          open = { s: openStruct(), line: l.number, last: l.number };
          readStructLine(open.s, l.text.slice(l.text.indexOf("{")));
          if (open.s.depth === 0) flush();
          return true;
        }
        if (l.text.trim() === "" && l.number - open.last <= 2) return true;
        if (l.number - open.last > 3 || !readStructLine(open.s, l.text)) {
          flush();
          return false;
        }
        open.last = l.number;
        if (open.s.depth <= 0) flush();
        return true;
      },
      end: flush,
    };
  },
};
