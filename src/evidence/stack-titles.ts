/** What people write above a bare stack: who it is, or what happened. */

/** What stands before a stack and says what it is; other text before a stack is somebody's prose. */
export const TITLE =
  /:$|^(?:WARNING|BUG|INFO|watchdog|Kernel panic|NMI|rcu)|oom-killer|allocation (?:failure|stall)|lockup|\bstall/;
/** The stack of whoever prints the message: it runs. */
export const RUNNING_TITLE = /invoked oom-killer|^(?:WARNING|BUG): |abled at|page allocation/;

/** `2159`, `pid 123 (comm)`, `comm (123)`, `comm:123`: who a bare stack belongs to. */
export const whoFromTitle = (title: string): { readonly pid?: number; readonly comm?: string } => {
  const t = title.trim();
  let m = /^(\d{1,7}):?$/.exec(t) ?? /\b[Pp][Ii][Dd][ =:]+(\d{1,7})$/.exec(t);
  if (m) return { pid: Number(m[1]) };
  m =
    /^(?:.*\b)?[Pp][Ii][Dd][ =:]*(\d{1,7})\s*[:,-]?\s*\(([^)]{1,20})\)/.exec(t) ??
    /^(\d{1,7})\s*[:,-]?\s*\(([^)]{1,20})\):?$/.exec(t);
  if (m) return { pid: Number(m[1]), comm: m[2]! };
  m =
    /^([^\s:=](?:(?!: )[^=]){0,23}?) ?\((?:[Pp][Ii][Dd][ =:]*)?(\d{1,7})\):?$/.exec(t) ??
    /^(?=\S*[A-Za-z])(\S[^\s=]{0,22}?)[:](\d{1,7}):?$/.exec(t);
  return m ? { pid: Number(m[2]), comm: m[1]! } : {};
};
