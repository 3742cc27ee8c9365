import { describe, expect, it } from "vitest";
import { runScript, type ScriptOptions } from "./run-script.ts";
import { parseScript } from "./syntax.ts";

const sh = (text: string, options: Partial<ScriptOptions> = {}): string =>
  runScript(text, { release: "6.1", cgroup: "v2", ...options }).output;

describe("the language", () => {
  it.each([
    ["echo a  b 'c  d' \"e  f\"", "a b c  d e  f\n"],
    ['X=1; Y=$X$X; echo $Y "$X"y "$Z" $Z end', "11 1y  end\n"],
    ["L='a b'; for i in $L c; do echo $i; done", "a\nb\nc\n"],
    ["true && echo yes || echo no; false && echo yes || echo no", "yes\nno\n"],
    ["if false; then echo 1; elif true; then echo 2; else echo 3; fi", "2\n"],
    ["! true; echo $?; (exit 3); echo $?", "1\n3\n"],
    ["X=1; (X=2; echo $X); echo $X; { X=3; }; echo $X", "2\n1\n3\n"],
    ["until true; do echo never; done # a comment", ""],
    ["echo one; exit; echo two", "one\n"],
    ["nonsense x", "bash: line 1: nonsense: command not found\n"],
    ["echo \\\n  joined", "joined\n"],
    ["echo $$; echo $BASHPID; (echo $BASHPID) & wait $!", "PID\nPID\nPID\n"],
  ])("%j", (text, said) => {
    expect(sh(text).replace(/^\d{4}$/gm, "PID")).toBe(said);
  });

  it.each([
    ["while true; do", 1, 'the end was not expected: "done" should come'],
    ["echo\ndone", 2, '"done" was not expected: a command should come'],
    ["echo 'a", 1, "a ' has no end"],
    ["ls | cat", 1, "pipes are not understood"],
    ["cat <<E", 1, "here-documents are not understood"],
    ["echo $(ls)", 1, '"$(" is not understood'],
    ["echo *", 1, '"*" in a word is not understood'],
    ["(echo", 1, 'the end was not expected: ")" should come'],
  ])("refuses %j", (text, line, error) => {
    expect(parseScript(text)).toEqual({ ok: false, line, error });
  });

  it("waits for children, and kills them", () => {
    expect(sh("sleep 1h & P=$!; kill -9 $P; wait $P; cat /proc/$P/comm")).toMatch(
      /^cat: .*No such file or directory\n$/,
    );
  });
});

describe("control files from a script", () => {
  const v2 = "cd /sys/fs/cgroup; echo +memory > cgroup.subtree_control;";
  it.each([
    ["mkdir a; cat a/memory.max; echo 1M > a/memory.max; cat a/memory.max", "max\n1048576\n"],
    ["mkdir a; mkdir a", "mkdir: cannot create directory 'a': File exists\n"],
    ["mkdir a/b", "mkdir: cannot create directory 'a/b': No such file or directory\n"],
    ["mkdir a; mkdir a/b; rmdir a", "rmdir: failed to remove 'a': Device or resource busy\n"],
    ["mkdir a; echo 0 > a/cgroup.procs; rmdir a", "rmdir: failed to remove 'a': Device or resource busy\n"],
    ["mkdir a; mkdir a/b; cat a/cgroup.controllers a/b/cgroup.controllers", "memory\n\n"],
    ["mkdir a; mkdir a/b; cat a/b/memory.max", "cat: a/b/memory.max: No such file or directory\n"],
    ["mkdir a; echo 1 > a/nothing", "bash: a/nothing: No such file or directory\n"],
    ["mkdir a; echo x > a/memory.max", "bash: echo: write error: Invalid argument\n"],
    ["mkdir a; echo 1 > a/memory.current", "bash: echo: write error: Invalid argument\n"],
    ["mkdir a; cat a/memory.reclaim", "cat: a/memory.reclaim: Invalid argument\n"],
    ["mkdir a; echo 1M > a/memory.reclaim", "bash: echo: write error: Resource temporarily unavailable\n"],
    ["mkdir a; echo 99999 > a/cgroup.procs", "bash: echo: write error: No such process\n"],
    ["mkdir a; echo 2 > a/cgroup.freeze", "bash: echo: write error: Numerical result out of range\n"],
    ["mkdir a; echo 0 > a/cgroup.kill", "bash: echo: write error: Numerical result out of range\n"],
    ["mkdir a; echo 2 > a/memory.oom.group", "bash: echo: write error: Invalid argument\n"],
    ["echo +io > cgroup.subtree_control", "bash: echo: write error: Invalid argument\n"],
    [
      "mkdir a; mkdir a/b; echo +memory > a/b/cgroup.subtree_control",
      "bash: echo: write error: No such file or directory\n",
    ],
    [
      "mkdir a; mkdir a/b; echo +memory > a/cgroup.subtree_control; echo 0 > a/cgroup.procs",
      "bash: echo: write error: Device or resource busy\n",
    ],
    [
      "mkdir a; echo 0 > a/cgroup.procs; echo +memory > a/cgroup.subtree_control",
      "bash: echo: write error: Device or resource busy\n",
    ],
    [
      "echo 1 > cgroup.max.depth; mkdir a; mkdir a/b",
      "mkdir: cannot create directory 'a/b': Resource temporarily unavailable\n",
    ],
    ["mkdir a; cat a", "cat: a: Is a directory\n"],
    ["cat memory.max", "cat: memory.max: No such file or directory\n"],
    ["cat /proc/pressure/memory", "cat: /proc/pressure/memory: Operation not supported\n"],
    ["mkdir a; echo 0 > a/cgroup.procs; cat /proc/self/cgroup", "0::/a\n"],
    ["echo -1001 > /proc/self/oom_score_adj", "bash: echo: write error: Invalid argument\n"],
    ["echo 5 > /proc/self/oom_score_adj; cat /proc/self/oom_score_adj", "5\n"],
    ["echo 1 > /proc/meminfo", "bash: echo: write error: Input/output error\n"],
    ["mkdir a; mkdir a/b; cat cgroup.stat", "nr_descendants 2\nnr_dying_descendants 0\n"],
    ["mkdir a; sleep 1h & echo $! > a/cgroup.procs; echo 1 > a/cgroup.kill; wait $!; cat a/cgroup.procs", ""],
    [
      "mkdir a; sleep 2 & echo $! > a/cgroup.procs; echo 1 > a/cgroup.freeze; sleep 3; cat a/cgroup.events; echo 0 > a/cgroup.freeze; wait $!; cat a/cgroup.events",
      "populated 1\nfrozen 1\npopulated 0\nfrozen 0\n",
    ],
  ])("v2: %s", (text, said) => {
    expect(sh(`${v2} ${text}`)).toBe(said);
  });

  it.each([
    ["cat a/memory.limit_in_bytes a/memory.soft_limit_in_bytes", "9223372036854771712\n9223372036854771712\n"],
    ["echo 8192 > a/memory.limit_in_bytes; cat a/memory.limit_in_bytes", "8192\n"],
    ["echo 1 > memory.limit_in_bytes", "bash: echo: write error: Invalid argument\n"],
    ["echo 4096 > a/memory.memsw.limit_in_bytes", "bash: echo: write error: Invalid argument\n"],
    ["echo 4 > a/memory.move_charge_at_immigrate", "bash: echo: write error: Invalid argument\n"],
    ["echo 2 > a/memory.oom_control", "bash: echo: write error: Invalid argument\n"],
    ["echo 1 > a/memory.oom_control; cat a/memory.oom_control", "oom_kill_disable 1\nunder_oom 0\noom_kill 0\n"],
    ["echo 0 > a/memory.use_hierarchy; cat a/memory.use_hierarchy", "bash: echo: write error: Invalid argument\n1\n"],
    ["cat a/memory.pressure_level", "cat: a/memory.pressure_level: Invalid argument\n"],
    ["echo x > a/cgroup.event_control", "bash: echo: write error: Operation not supported\n"],
    ["echo 150 > a/memory.swappiness", "bash: echo: write error: Invalid argument\n"],
    [
      "echo 0 > a/tasks; cat /proc/self/cgroup; cat a/memory.max",
      "1:memory:/a\ncat: a/memory.max: No such file or directory\n",
    ],
    ["echo 1 > a/memory.failcnt; cat a/memory.failcnt a/memory.kmem.usage_in_bytes", "0\n0\n"],
  ])("v1: %s", (text, said) => {
    expect(sh(`cd /sys/fs/cgroup/memory; mkdir a; ${text}`, { cgroup: "v1", release: "4.20" })).toBe(said);
  });

  it("kmem.limit_in_bytes works, is refused, and is ignored, as releases have it", () => {
    const said = (release: string): string =>
      sh(
        "cd /sys/fs/cgroup/memory; mkdir a; echo 4096 > a/memory.kmem.limit_in_bytes; cat a/memory.kmem.limit_in_bytes",
        {
          cgroup: "v1",
          release,
        },
      );
    expect([said("5.15"), said("5.16"), said("6.12")]).toEqual([
      "4096\n",
      "bash: echo: write error: Operation not supported\n9223372036854771712\n",
      "9223372036854771712\n",
    ]);
  });
});

describe("processes from a script", () => {
  it("shows state and stack of who sleeps", () => {
    const text = "sleep 1h & echo; cat /proc/$!/status; kill $!";
    expect(sh(text)).toMatch(
      /^\nName:\tsleep\nState:\t[RS] \((running|sleeping)\)\nTgid:\t\d+\nPid:\t\d+\nPPid:\t\d+\n/,
    );
  });

  it("counts memory", () => {
    const said = sh("dd if=/dev/zero of=/f bs=1M count=4; cat /proc/meminfo /proc/vmstat", { pages: 64 });
    expect(said).toContain("4+0 records out\n");
    expect(said).toContain("MemTotal:            256 kB\n");
    expect(said).toContain("Cached:               16 kB\n");
    expect(said).toContain("\nnr_file_pages 4\n");
  });
});
