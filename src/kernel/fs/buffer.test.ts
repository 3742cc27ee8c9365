import { describe, expect, it } from "vitest";
import { create, Entity, fields, type Resumable, value } from "../../resumable/index.ts";
import { type Era, era, withFix } from "../era.ts";
import { bootPage } from "../mm/boot-pages.ts";
import type { Page } from "../mm/page.ts";
import { fileWorld } from "../mm/testing.ts";
import { runAlone } from "../sched/testing.ts";
import { bdevGetblk, brelse } from "./buffer.ts";
import type { Inode } from "./inode.ts";

class Note extends Entity {
  declare page: unknown;
  static {
    fields(Note, { page: value });
  }
}
function* getblk(bdev: Inode, block: number, note: Note): Resumable {
  const page: Page | undefined = yield* bdevGetblk(bdev, block);
  note.page = page === undefined ? "none" : `${page.index} of ${page.memcg?.path ?? "nobody"}, ${page.refs}`;
  yield* brelse(page);
}
function fixed(release: string, id: string): Era {
  const r = withFix(era(release), id);
  if (!r.ok) throw new Error(r.error);
  return r.era;
}
function world(release: string | Era, max: number, used: number, pages = 4) {
  const w = fileWorld(release, { limits: { max }, mm: { chargeRetries: 0, priority: 0, pages } });
  for (let i = 0; i < used; i++) bootPage(w.kernel, { memcg: w.memcg, anon: true });
  const note = create(Note);
  const task = w.kernel.spawn({ comm: "creat", memcg: w.memcg }, getblk, [w.inode, 3, note]);
  return { ...w, note, task };
}

describe("a block of the device that is not in the cache", () => {
  it("is charged to whoever asks", () => {
    const { kernel, memcg, note, task } = world("5.15.135", 2, 0);
    runAlone(kernel, task);
    expect([note.page, memcg.memory.usage]).toEqual(["3 of /a, 1", 1]);
  });
  it.each(["5.15.0", "5.15.135", "6.1.192"])("goes over the limit in %s when there is nobody to kill", (release) => {
    const { kernel, memcg, note, task } = world(release, 2, 2);
    runAlone(kernel, task);
    expect([note.page, memcg.memory.usage]).toEqual(["3 of /a, 1", 3]);
    expect(memcg.eventsOom > 0).toBe(release !== "5.15.0");
  });
});

describe("with NOFAIL and without direct reclaim", () => {
  it("the charge is forced at once", () => {
    const { kernel, memcg, note, task } = world(fixed("5.15.135", "nofail-without-reclaim"), 2, 2);
    runAlone(kernel, task);
    expect([note.page, memcg.memory.usage, memcg.eventsMax]).toEqual(["3 of /a, 1", 3, 0]);
  });
  it("no free page is a bug up to 6.5, and an error after", () => {
    const old = world(fixed("6.1.192", "nofail-without-reclaim"), 8, 1, 1);
    expect(() => runAlone(old.kernel, old.task)).toThrow(/BUG in grow_dev_page/);
    const now = world(fixed("6.12.0", "nofail-without-reclaim"), 8, 1, 1);
    runAlone(now.kernel, now.task);
    expect(now.note.page).toBe("none");
  });
});
