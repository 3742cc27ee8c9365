import { describe, expect, it } from "vitest";
import { collectEvidence } from "../collect.ts";
import { textInput } from "../inputs.ts";
import type { OomReport } from "../types.ts";
import { oom } from "./oom.ts";

async function read(text: string): Promise<readonly OomReport[]> {
  return (await collectEvidence([textInput("log", text)], { formats: [oom] })).ooms;
}

// Forms of mm/oom_kill.c and mm/memcontrol.c (6.12); values as in a run of the cgroup self-tests.
const V2 = `[  104.120001] stress invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0
[  104.120100] CPU: 1 PID: 77 Comm: stress Not tainted 6.12.0 #1
[  104.120200] Call Trace:
[  104.120300]  <TASK>
[  104.120400]  dump_header+0x43/0x1aa
[  104.120500]  </TASK>
[  104.120600] memory: usage 30720kB, limit 30720kB, failcnt 36
[  104.120700] swap: usage 0kB, limit 9007199254740988kB, failcnt 0
[  104.120800] Memory cgroup stats for /job/a:
[  104.121000] oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/job/a,task_memcg=/job/a/b,task=stress,pid=77,uid=0
[  104.121100] Memory cgroup out of memory: Killed process 77 (stress) total-vm:53248kB, anon-rss:29000kB, file-rss:4kB, shmem-rss:0kB, UID:0 pgtables:96kB oom_score_adj:0
[  104.200000] oom_reaper: reaped process 77 (stress), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB
[  114.200000] oom_reaper: unable to reap pid:78 (stress (2))
`;

describe("oom", () => {
  it("reads a memory cgroup OOM", async () => {
    const reports = await read(V2);
    expect(reports.map(({ input: _, ...r }) => r)).toEqual([
      {
        kind: "invoked",
        line: 1,
        time: 104.120001,
        comm: "stress",
        scope: "memcg",
        gfpMask: 0xcc0,
        gfpText: "GFP_KERNEL",
        order: 0,
      },
      { kind: "usage", line: 7, time: 104.1206, scope: "memcg", usageKb: 30720, limitKb: 30720, failcnt: 36 },
      { kind: "killed", line: 11, time: 104.1211, scope: "memcg", memcg: "/job/a", pid: 77, comm: "stress" },
      { kind: "reaped", line: 12, time: 104.2, scope: "memcg", memcg: "/job/a", pid: 77, comm: "stress" },
      { kind: "unable-to-reap", line: 13, time: 114.2, scope: "memcg", memcg: "/job/a", pid: 78, comm: "stress (2)" },
    ]);
  });

  it("reads the forms of 3.10 and 4.x", async () => {
    const reports = await read(
      [
        "Web Content invoked oom-killer: gfp_mask=0x201da, order=0, oom_score_adj=0",
        "Task in /docker/abc killed as a result of limit of /docker",
        "memory: usage 307200kB, limit 307200kB, failcnt 163",
        "memory+swap: usage 307200kB, limit 614400kB, failcnt 0",
        "Memory cgroup out of memory: Kill process 1234 (Web Content) score 1000 or sacrifice child",
        "Killed process 1234 (Web Content) total-vm:100kB, anon-rss:1kB, file-rss:2kB",
        "java invoked oom-killer: gfp_mask=0x14201ca(GFP_HIGHUSER_MOVABLE|__GFP_COLD), nodemask=(null),  order=2, oom_score_adj=-500",
        "Mem-Info:",
        "Out of memory: Kill process 5 (java) score 900 or sacrifice child",
        "Killed process 5 (java), UID 0, total-vm:1kB, anon-rss:1kB",
      ].join("\n"),
    );
    expect(reports.map((r) => [r.kind, r.scope, r.comm, r.pid, r.memcg, r.gfpMask, r.order])).toEqual([
      ["invoked", "memcg", "Web Content", undefined, "/docker", 0x201da, 0],
      ["usage", "memcg", undefined, undefined, "/docker", undefined, undefined],
      ["killed", "memcg", "Web Content", 1234, "/docker", undefined, undefined],
      ["invoked", "global", "java", undefined, undefined, 0x14201ca, 2],
      ["killed", "global", "java", 5, undefined, undefined, undefined],
    ]);
    expect(reports[3]!.gfpText).toBe("GFP_HIGHUSER_MOVABLE|__GFP_COLD");
  });

  it("says unknown when the log ends before it tells whose limit it was", async () => {
    expect(await read("sh invoked oom-killer: gfp_mask=0x0(), order=0, oom_score_adj=0")).toMatchObject([
      { kind: "invoked", scope: "unknown", comm: "sh", gfpMask: 0 },
    ]);
    expect(
      await read(
        "a invoked oom-killer: gfp_mask=0xcc0, order=0\nmemory: usage 1kB, limit 1kB, failcnt 1\nOut of memory and no killable processes...",
      ),
    ).toMatchObject([{ kind: "invoked", scope: "memcg" }, { kind: "usage" }, { kind: "no-killable", scope: "memcg" }]);
  });

  it("does not carry a group over to the next OOM", async () => {
    const reports = await read(
      `${V2}sh invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0\nMem-Info:\nOut of memory: Killed process 9 (sh) total-vm:1kB`,
    );
    expect(reports.slice(-2)).toMatchObject([
      { kind: "invoked", scope: "global" },
      { kind: "killed", scope: "global", pid: 9 },
    ]);
    expect(reports.at(-1)!.memcg).toBeUndefined();
  });

  it("takes no frames, no quotes of the words and no nonsense", async () => {
    expect(
      await read(
        " oom_reaper+0x179/0x3c0\ntask:oom_reaper      state:S stack:0     pid:24\nthe OOM killer killed process 5\nMemory is fine: usage 5\nKilled process x (y)\nmemory: usage -1kB, limit NaNkB, failcnt 1",
      ),
    ).toEqual([]);
  });
});
