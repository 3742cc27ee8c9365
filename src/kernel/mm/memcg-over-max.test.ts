import { describe, expect, it } from "vitest";
import type { Resumable } from "../../resumable/index.ts";
import { type Era, era, withFix } from "../era.ts";
import { __GFP_NOFAIL, GFP_NOFS, PF_MEMALLOC_ACCOUNTFORCE } from "../gfp.ts";
import { __x64SysPause } from "../sched/pause.ts";
import { runAlone, testKernel } from "../sched/testing.ts";
import { memallocAccountForceRestore, memallocAccountForceSave } from "./account-force.ts";
import { bootPage } from "./boot-pages.ts";
import { tryChargeMemcg } from "./memcg-charge.ts";
import { memCgroupHandleOverMax } from "./memcg-over-max.ts";
import type { MemCgroup } from "./memcg-types.ts";
import { uncharge } from "./memcg-uncharge.ts";
import { bootMm, createMemcg } from "./mm.ts";
import { createMm, OOM_SCORE_ADJ_MIN } from "./mmap.ts";

function fixed(...ids: readonly string[]): Era {
  return ids.reduce((e, id) => {
    const r = withFix(e, id);
    if (!r.ok) throw new Error(r.error);
    return r.era;
  }, era("5.15.135"));
}

/** Charges page after page in a scope; `inner`: after another scope has begun and ended in it. */
function* forced(memcg: MemCgroup, n: number, inner: boolean, pays: boolean): Resumable {
  const saved = memallocAccountForceSave();
  if (inner) memallocAccountForceRestore(memallocAccountForceSave());
  for (let i = 0; i < n; i++) yield* tryChargeMemcg(memcg, GFP_NOFS | __GFP_NOFAIL, 1);
  memallocAccountForceRestore(saved);
  if (pays) yield* memCgroupHandleOverMax();
}
/** Gives its memory back when it is killed. */
function* hog(memcg: MemCgroup, pages: number): Resumable {
  yield* __x64SysPause();
  uncharge(memcg, pages);
}

interface Options {
  readonly inner?: boolean;
  readonly pays?: boolean;
}
/** A full group of 20 pages, and a process in it that may be killed; the one that charges may not. */
function world(e: Era, n: number, { inner = false, pays = false }: Options = {}) {
  const kernel = testKernel(e, { capacities: { pages: 20, contexts: 8, bios: 8, inodes: 4, memcgs: 4, vmas: 4 } });
  bootMm(kernel, { chargeRetries: 0, priority: 0 });
  const memcg = createMemcg(kernel, "/a", undefined, { max: 20 });
  for (let i = 0; i < 20; i++) bootPage(kernel, { memcg, anon: true });
  const task = kernel.spawn({ comm: "creat", memcg, mm: createMm(OOM_SCORE_ADJ_MIN) }, forced, [memcg, n, inner, pays]);
  const victim = kernel.spawn({ comm: "hog", memcg, mm: createMm(), idle: true }, hog, [memcg, 20]);
  return { kernel, memcg, task, victim };
}

describe("an account-force scope", () => {
  it.each([
    ["account-force", 0, 3],
    ["none", 1, 0],
  ])("%s: what does not fit is forced and owed, nobody reclaims", (fix, ooms, owed) => {
    const { kernel, memcg, task, victim } = world(fix === "none" ? era("5.15.135") : fixed(fix), 3);
    if (ooms === 0) runAlone(kernel, task);
    else expect(() => runAlone(kernel, task, 200)).toThrow(/still running/);
    expect(memcg.eventsOom > 0).toBe(ooms > 0);
    expect(victim.fatalSignal).toBe(ooms > 0);
    expect(task.memcgNrPagesOverMax).toBe(owed);
    expect(memcg.memory.usage).toBe(20 + owed);
    if (ooms === 0) expect(task.flags & PF_MEMALLOC_ACCOUNTFORCE).toBe(0);
  });

  it("as posted an inner one ends the outer one; with what save gave it does not", () => {
    const posted = world(fixed("account-force"), 1, { inner: true });
    expect(() => runAlone(posted.kernel, posted.task, 200)).toThrow(/still running/);
    const nests = world(fixed("account-force", "account-force-nests"), 1, { inner: true });
    runAlone(nests.kernel, nests.task);
    expect(nests.task.memcgNrPagesOverMax).toBe(1);
  });
});

describe("what is owed on return to user mode", () => {
  it("kills when 8 pages are left, and nobody when it is more", () => {
    const small = world(fixed("account-force"), 8, { pays: true });
    expect(() => runAlone(small.kernel, small.task, 500)).toThrow(/still running/);
    expect(small.victim.fatalSignal).toBe(true);
    runAlone(small.kernel, small.victim);
    runAlone(small.kernel, small.task);
    expect(small.memcg.memory.usage).toBe(8);
    const big = world(fixed("account-force"), 9, { pays: true });
    runAlone(big.kernel, big.task);
    expect([big.victim.fatalSignal, big.memcg.memory.usage, big.task.memcgNrPagesOverMax]).toEqual([false, 29, 0]);
  });
  it("kills whatever is left with account-force-any-debt", () => {
    const { kernel, task, victim } = world(fixed("account-force", "account-force-any-debt"), 9, { pays: true });
    expect(() => runAlone(kernel, task, 500)).toThrow(/still running/);
    expect(victim.fatalSignal).toBe(true);
  });
});
