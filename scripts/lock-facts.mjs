#!/usr/bin/env node
/**
 * Derives facts about locks from a kernel source tree: which sleeping lock a function takes, and which it holds over which
 * calls. Only names come out, no code. `node scripts/lock-facts.mjs TREE... > src/knowledge/lock-facts-data.ts`; of a function that
 * several trees have, the first tree's facts count.
 *
 * A linear scan per function, no parser: a branch that unlocks and leaves does not end the lock for what follows it.
 * Functions that return with a lock held (rtnl_lock), or drop one, count like the primitive at their callers.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";

const FOLDERS = [
  "include/linux",
  "include/net",
  "include/rdma",
  "include/scsi",
  "block",
  "fs",
  "mm",
  "kernel",
  "ipc",
  "io_uring",
  "lib",
  "crypto",
  "virt",
  "security",
  "net",
  "drivers",
];
/** What is not about a hung machine's memory, I/O, devices or network stays out. */
const SKIP =
  /^(drivers\/(media|staging|iio|hwmon|input|video|platform|clk|pinctrl|regulator|leds|power|rtc|spi|i2c|soc|phy|pwm|extcon|counter|comedi|accel|isdn|macintosh|sbus|s390|parisc|ps3|greybus|iommu|mfd|hid|gpio|crypto|firmware|acpi|vfio|mtd\/(?!ubi)\w|net\/(wireless|ethernet|phy|dsa|can|wan)|gpu\/(?!drm)\w|gpu\/drm\/(?!i915)\w|usb\/(?!core|storage|gadget)\w)|fs\/(smb\/server|ksmbd)|net\/(can|nfc|ieee802154))\b/;

const LOCK = {
  mutex_lock: "m",
  mutex_lock_nested: "m",
  mutex_lock_interruptible: "m",
  mutex_lock_killable: "m",
  mutex_lock_io: "m",
  mutex_lock_interruptible_nested: "m",
  mutex_lock_killable_nested: "m",
  mutex_lock_nest_lock: "m",
  mutex_trylock: "t",
  down_read: "r",
  down_read_nested: "r",
  down_read_killable: "r",
  down_read_interruptible: "r",
  down_read_trylock: "t",
  down_write: "w",
  down_write_nested: "w",
  down_write_killable: "w",
  down_write_trylock: "t",
  percpu_down_read: "r",
  percpu_down_write: "w",
  down: "s",
  down_interruptible: "s",
  down_killable: "s",
  down_timeout: "s",
};
const UNLOCK = new Set(["mutex_unlock", "up_read", "up_write", "percpu_up_read", "percpu_up_write", "up"]);
const KEYWORDS = new Set(
  "if for while switch return sizeof typeof do else case goto defined likely unlikely WARN_ON WARN_ON_ONCE BUG_ON container_of READ_ONCE WRITE_ONCE IS_ERR PTR_ERR ERR_PTR ARRAY_SIZE list_empty rcu_dereference lockdep_assert_held kfree pr_err pr_warn pr_info pr_debug printk dev_err dev_warn dev_dbg dev_info min max min_t max_t test_bit set_bit clear_bit spin_lock spin_unlock spin_lock_irq spin_unlock_irq spin_lock_irqsave spin_unlock_irqrestore atomic_read atomic_set atomic_inc atomic_dec memset memcpy strcmp strlen list_add list_add_tail list_del list_del_init INIT_LIST_HEAD mutex_init init_rwsem BUILD_BUG_ON rcu_read_lock rcu_read_unlock trace_printk snprintf sprintf scnprintf set_current_state __set_current_state get_cpu put_cpu preempt_disable preempt_enable local_irq_save local_irq_restore upper_32_bits lower_32_bits cpu_to_le32 le32_to_cpu cpu_to_le64 le64_to_cpu cpu_to_be32 be32_to_cpu smp_mb barrier prefetch __func__ offsetof ACCESS_ONCE swap abs DIV_ROUND_UP roundup round_up ALIGN BIT GFP_KERNEL EXPORT_SYMBOL EXPORT_SYMBOL_GPL module_init module_exit atomic_dec_and_test refcount_inc refcount_dec kref_get wake_up wake_up_all".split(
    " ",
  ),
);
/** Names so common that only with the variable and the file do they mean one lock. */
const VAGUE = /^(_?lock|_?mutex|mtx|sem|rwsem|mlock|mut|list_lock|rw_?lock|l|m|s|.{1,3})$/;

function* files(root, folder) {
  for (const e of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = `${folder}/${e.name}`;
    if (SKIP.test(`${path}/`) || SKIP.test(path)) continue;
    if (e.isDirectory()) yield* files(root, path);
    else if (/\.[ch]$/.test(e.name)) yield path;
  }
}

const clean = (text) =>
  text
    .replace(/\/\*[\s\S]*?\*\//g, (c) => c.replace(/[^\n]/g, " "))
    .replace(/\/\/[^\n]*/g, "")
    .replace(/"(?:[^"\\\n]|\\.)*"/g, '""')
    .replace(/'(?:[^'\\\n]|\\.)+'/g, "0")
    .replace(/^[ \t]*#(?:[^\n\\]|\\[\s\S])*/gm, "");

/** Functions of a file as [name, body]; kernel style puts a body between lines that are just braces. */
function functionsOf(text) {
  const out = [];
  const lines = text.split("\n");
  for (let i = 0; i < lines.length; i++) {
    if (lines[i] !== "{") continue;
    let from = i - 1;
    while (from >= 0 && i - from < 12 && !/^\s*$|[;}]\s*$/.test(lines[from])) from--;
    const header = lines.slice(from + 1, i).join(" ");
    let to = i + 1;
    while (to < lines.length && !lines[to].startsWith("}")) to++;
    const syscall = /SYSCALL_DEFINE\d\((\w+)/.exec(header)?.[1];
    const name = syscall
      ? `__do_sys_${syscall}`
      : /(\w+)\s*\(/.exec(
          header.replace(/__\w+__\s*\(\([^)]*\)\)|__(?:acquires|releases|must_hold)\([^)]*\)/g, ""),
        )?.[1];
    if (name && !/=\s*$/.test(header)) out.push([name, lines.slice(i + 1, to).join("\n"), /\bstatic\b/.test(header)]);
    i = to;
  }
  return out;
}

/** `&nbd->config_lock` -> an id that means one class of locks; `!` marks a lock of which the kernel has only one. */
function lockId(expr, file) {
  const e = expr
    .replace(/\s+/g, "")
    .replace(/^[&*(]+/, "")
    .replace(/\)+$/, "")
    .split(",")[0];
  const m = /^[\w.>\-()[\]*&+:?]+$/.test(e) ? /(\w+)$/.exec(e.replace(/\[[^\]]*\]/g, "")) : null;
  if (!m) return undefined;
  const member = m[1];
  const stem = file.replace(/\.[ch]$/, "");
  if (!/->|\./.test(e))
    return VAGUE.test(member)
      ? /^\w+$/.test(e) && expr.includes("&")
        ? `!${stem}:${member}`
        : undefined
      : expr.includes("&")
        ? `!${member}`
        : undefined;
  if (VAGUE.test(member)) {
    const owner = /(\w+)(?:\[[^\]]*\])?(?:->|\.)\w+$/.exec(e)?.[1];
    return owner && owner.length > 1 ? `${stem}:${owner}->${member}` : undefined;
  }
  return file.endsWith(".h") ? `!${member}` : `${dirname(file)}:${member}`;
}

/** Allocations are inline; what a stack shows below them are the allocator's own functions. */
const ALLOC =
  /^(k[vmz]*alloc\w*|kmem_cache_\w*alloc\w*|alloc_pages?\w*|__get_free_pages?|get_zeroed_page|vmalloc|vzalloc|kstrdup\w*|kmemdup\w*|kasprintf|devm_k\w*alloc)$/;
/** Macros and inline functions that sleep in the caller's own frame. */
const SLEEP =
  /^(___?wait_\w+|wait_event\w*|wait_on_bit\w*|schedule\w*|io_schedule\w*|cond_resched\w*|fsleep|closure_sync\w*)$/;
const SLEEPERS =
  /^(wait_for_completion\w*|flush_\w+|__flush_\w+|cancel_\w+_sync|drain_\w+|destroy_workqueue|synchronize_\w+|rcu_barrier\w*|msleep\w*|usleep_range\w*|ssleep|kthread_stop\w*|kthread_park|submit_bio_wait|blk_execute_rq\w*|request_module|call_usermodehelper\w*|copy_(to|from)_user|get_user_pages\w*|lock_sock\w*|device_lock|inode_lock\w*|lock_page\w*|folio_lock\w*|prepare_to_wait\w*)$/;

const CALL = /((?:->|\.)\s*)?([A-Za-z_]\w*)\s*\(|([{}])|\b(return|goto|break|continue)\b|(;)/g;

function argument(body, at) {
  let depth = 1;
  let i = at;
  while (i < body.length && depth > 0 && i - at < 200) {
    if (body[i] === "(") depth++;
    else if (body[i] === ")") depth--;
    i++;
  }
  return body.slice(at, i - 1);
}

/** Scans one body. `summary` tells which functions take or drop a lock for their caller. */
function scan(body, file, summary) {
  const takes = new Map();
  const over = new Map();
  let held = [];
  const blocks = [];
  const released = [];
  let leaves = false;
  const note = (callee) => {
    let o = over.get(callee);
    if (!o) over.set(callee, (o = []));
    o.push(held.map((h) => h.mode + h.id));
  };
  const take = (mode, id) => {
    if (mode !== "t") {
      const key = mode;
      const set = takes.get(key) ?? new Set();
      set.add(id ?? "?");
      takes.set(key, set);
    }
    if (id) held = [...held, { id, mode: mode === "t" ? "m" : mode }];
  };
  const drop = (id) => {
    if (!id) return;
    const i = held.findLastIndex((h) => h.id === id);
    if (i >= 0) held = held.filter((_, k) => k !== i);
    else released.push(id);
  };
  for (const m of body.matchAll(CALL)) {
    const [, indirect, call, brace, leave, semi] = m;
    if (semi) continue;
    if (leave) {
      leaves = true;
      continue;
    }
    if (brace === "{") {
      blocks.push(held);
      leaves = false;
      continue;
    }
    if (brace === "}") {
      const before = blocks.pop();
      if (leaves && before) held = before;
      leaves = false;
      continue;
    }
    leaves = false;
    if (KEYWORDS.has(call)) continue;
    const mode = Object.hasOwn(LOCK, call) ? LOCK[call] : undefined;
    if (mode) {
      const id = lockId(argument(body, m.index + m[0].length), file);
      if (mode !== "t") note(`#${mode}`);
      take(mode, id);
    } else if (UNLOCK.has(call)) drop(lockId(argument(body, m.index + m[0].length), file));
    else if (indirect) note("*");
    else {
      note(ALLOC.test(call) ? "#alloc" : SLEEP.test(call) ? "#sleep" : call);
      const s = summary?.get(call);
      if (s) {
        for (const id of s.drops) drop(id);
        for (const l of s.takes) {
          // A wrapper that is inlined leaves this function as the visible caller of the lock.
          if (s.inlined) takes.set(l.mode, (takes.get(l.mode) ?? new Set()).add(l.id));
          held = [...held, l];
        }
      }
    }
  }
  return { takes, over, held, released };
}

function readTree(root) {
  const all = [];
  for (const folder of FOLDERS) {
    if (!statSync(join(root, folder), { throwIfNoEntry: false })) continue;
    for (const file of files(root, folder)) {
      const text = clean(readFileSync(join(root, file), "utf8"));
      for (const [name, body, own] of functionsOf(text)) all.push({ name, body, file, own });
    }
  }
  return all;
}

/** Functions whose only job is to take or drop a lock for their caller. */
function summaries(all) {
  const out = new Map();
  const seen = new Map();
  for (const f of all) seen.set(f.name, (seen.get(f.name) ?? 0) + 1);
  for (const f of all) {
    if (f.body.length > 700 || seen.get(f.name) > 1) continue;
    const r = scan(f.body, f.file, undefined);
    const only = [...r.takes];
    const vague = f.file.endsWith(".h") && r.held.length === 0 && r.released.length === 0;
    if (vague && only.length === 1 && only[0][1].size === 1 && /lock/.test(f.name)) {
      // device_lock(): the member is just called "mutex", the wrapper's name says which.
      out.set(f.name, { takes: [{ id: `!${f.name}`, mode: only[0][0] }], drops: [], inlined: true });
      out.set(f.name.replace("lock", "unlock"), { takes: [], drops: [`!${f.name}`], inlined: true });
      continue;
    }
    if ((r.held.length === 1 && r.released.length === 0) || (r.released.length === 1 && r.held.length === 0)) {
      if (/lock|get|begin|start|enter|pause|suspend|unlock|put|end|stop|leave|resume|release/i.test(f.name))
        out.set(f.name, { takes: r.held, drops: r.released, inlined: f.own });
    }
  }
  return out;
}

/** Names of functions that may sleep: they take a lock, wait, allocate, or call one that does. */
function sleepers(all) {
  const callers = new Map();
  const found = new Set();
  const queue = [];
  const add = (name) => {
    if (!found.has(name)) {
      found.add(name);
      queue.push(name);
    }
  };
  for (const f of all) {
    for (const c of f.over.keys()) {
      const list = callers.get(c);
      if (list) list.push(f.name);
      else callers.set(c, [f.name]);
      if (c.startsWith("#") || c === "*") add(f.name);
      else if (SLEEPERS.test(c)) add(c);
    }
  }
  for (let n = queue.pop(); n !== undefined; n = queue.pop()) for (const c of callers.get(n) ?? []) add(c);
  return found;
}

/** name -> { file, takes: {mode: [ids]}, over: {callee: {must: [], may: []}} } */
function factsOf(root) {
  const all = readTree(root);
  const summary = summaries(all);
  const inFile = new Map();
  const scanned = [];
  const facts = new Map();
  const clash = new Set();
  for (const f of all) {
    if (f.file.endsWith(".h")) continue;
    const r = scan(f.body, f.file, summary);
    scanned.push({ name: f.name, over: r.over });
    inFile.set(`${f.file} ${f.name}`, { calls: [...r.over.keys()] });
    if (facts.has(f.name) && facts.get(f.name).file !== f.file) clash.add(f.name);
    facts.set(f.name, { file: f.file, ...r });
  }
  for (const name of clash) facts.delete(name);
  const asleep = sleepers(scanned);
  const visible = (c) => c.startsWith("#") || c === "*" || asleep.has(c);
  const out = new Map();
  for (const [name, f] of facts) {
    const over = new Map();
    for (const [callee, sites] of f.over) {
      const must = sites[0].filter((l) => sites.every((s) => s.includes(l)));
      if (sites.some((s) => s.length > 0)) over.set(callee, must);
      else over.set(callee, []);
    }
    // A static function that the compiler inlines leaves its own callees in view.
    for (const [callee, must] of [...over]) {
      const inner = inFile.get(`${f.file} ${callee}`);
      if (!inner || must.length === 0) continue;
      for (const c of inner.calls) if (!over.has(c)) over.set(c, must);
    }
    // With a call through a pointer under a lock, what is called without it must be known too.
    const pointer = (over.get("*") ?? []).length > 0;
    const useful = [...over].filter(([c, must]) => (must.length > 0 || pointer) && visible(c));
    if (f.takes.size === 0 && useful.length === 0) continue;
    out.set(name, { file: f.file, takes: f.takes, over: useful });
  }
  return out;
}

const roots = process.argv.slice(2);
if (roots.length === 0) {
  process.stderr.write("usage: node scripts/lock-facts.mjs KERNEL_TREE... > src/knowledge/lock-facts-data.ts\n");
  process.exit(2);
}
const merged = new Map();
for (const root of roots) for (const [name, f] of factsOf(root)) if (!merged.has(name)) merged.set(name, f);
const lines = [];
for (const [name, f] of [...merged].sort(([a], [b]) => (a < b ? -1 : 1))) {
  const takes = [...f.takes].map(([mode, ids]) => `${mode}=${[...ids].join("|")}`).join(" ");
  const byLocks = new Map();
  for (const [callee, must] of f.over) {
    const key = [...new Set(must)].sort().join("+");
    byLocks.set(key, [...(byLocks.get(key) ?? []), callee]);
  }
  const holds = [...byLocks].map(([locks, callees]) => `${locks}<${[...new Set(callees)].sort().join(",")}`).join(" ");
  lines.push([name, f.file, takes, holds].join("\t"));
}
process.stdout.write(`/**
 * Facts about locks, derived by scripts/lock-facts.mjs from kernel sources ${process.env.LOCK_FACTS_OF ?? "(version not given)"}; do not edit.
 * A line: function, file, locks it takes by mode, and locks it holds over calls; read by lock-facts.ts.
 */
export const lockFacts = \`
${lines.join("\n")}
\`;
`);
process.stderr.write(`${lines.length} functions of ${roots.map((r) => relative(".", r)).join(", ")}\n`);
