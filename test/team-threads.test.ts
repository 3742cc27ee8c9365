/** Promise: several threads that search together see what one sees, state by state, whichever way they share the work. */
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { prove } from "../src/explore/prove.ts";
import type { MemberReport } from "../src/explore/team/member.ts";
import { type Crew, proveTogether } from "../src/explore/team/prove-together.ts";
import { GIFTS } from "../src/explore/team/team-memory.ts";
import { philosophers, type RandomToyOptions, randomToy } from "../src/explore/toys.ts";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const built = (path: string): string => JSON.stringify(pathToFileURL(join(root, "dist", path)).href);
/** The helping threads run the built package: sources are not run by a bare Node. */
const THREAD = `
  import { workerData } from "node:worker_threads";
  import { searchAsMember } from ${built("explore/team/member.js")};
  import { philosophers, randomToy } from ${built("explore/toys.js")};
  const { port, done, me } = workerData;
  port.on("message", ({ seed, options, share }) => {
    const program = seed < 0 ? philosophers(-seed, false, { parts: true }) : randomToy(seed, options);
    port.postMessage(searchAsMember(program, share.memory, me, share));
    Atomics.store(done, 0, 1);
    Atomics.notify(done, 0);
  });
`;
interface Helper {
  readonly worker: Worker;
  readonly port: MessagePort;
  readonly done: Int32Array;
}
const helpers: Helper[] = [];

beforeAll(() => {
  const setUp = spawnSync(process.execPath, [join(root, "scripts/setup.mjs")], { encoding: "utf8" });
  expect(setUp.stderr).not.toContain("failed");
  for (const me of [1, 2]) {
    const { port1, port2 } = new MessageChannel();
    const done = new Int32Array(new SharedArrayBuffer(4));
    const url = new URL(`data:text/javascript,${encodeURIComponent(THREAD)}`);
    const worker = new Worker(url, { workerData: { port: port2, done, me }, transferList: [port2] });
    helpers.push({ worker, port: port1, done });
  }
}, 240_000);
afterAll(async () => {
  for (const { worker, port } of helpers) {
    port.close();
    await worker.terminate();
  }
});

/** Choices handed over so far. */
let gifts = 0;

function crew(seed: number, options: RandomToyOptions = {}): Crew {
  return {
    members: helpers.length + 1,
    lookEvery: 1,
    start(share) {
      for (const { port, done } of helpers) {
        Atomics.store(done, 0, 0);
        port.postMessage({ seed, options, share });
      }
      const wait = (): MemberReport[] =>
        helpers.map(({ port, done }) => {
          Atomics.wait(done, 0, 0);
          return receiveMessageOnPort(port)?.message as MemberReport;
        });
      return () => {
        const reports = wait();
        gifts += new Int32Array(share.memory.control)[GIFTS]!;
        return reports;
      };
    },
  };
}

/** What does not depend on who came first. */
function same(outcome: ReturnType<typeof prove>) {
  const { states, steps, terminals, complete, stopped, deadlocks, ends, findings } = outcome;
  const kinds = [...new Set(findings.map((f) => f.kind))].filter((kind) => kind !== "dead-subset").sort();
  return { states, steps, terminals, complete, stopped, deadlocks, ends, kinds };
}

describe("three threads", () => {
  it("300 generated programs: the same states, steps, ends and kinds of faults as one thread", () => {
    const seen = { livelock: 0, deadlock: 0, invariant: 0 };
    for (let seed = 0; seed < 300; seed++) {
      const options = { parts: true };
      const one = prove(randomToy(seed, options), { find: "all" });
      const team = proveTogether(randomToy(seed, options) as never, crew(seed, options), {
        find: "all",
        memoryBytes: 1e6,
      });
      expect(same(team), `seed ${seed}`).toEqual(same(one));
      for (const { kind } of one.findings) if (kind in seen) seen[kind as "livelock"]++;
    }
    for (const kind of ["livelock", "deadlock", "invariant"] as const) expect(seen[kind], kind).toBeGreaterThan(10);
    expect(gifts).toBeGreaterThan(100);
  }, 120_000);

  it("a search that stops at the first fault shows one", () => {
    const found = proveTogether(philosophers(6, false, { parts: true }) as never, crew(-6), { memoryBytes: 1e7 });
    expect(found).toMatchObject({ complete: false, stopped: "finding", finding: { kind: "deadlock" } });
  });

  it.each([
    ["states", { maxStates: 50, memoryBytes: 1e6 }],
    ["steps", { maxSteps: 100, memoryBytes: 1e6 }],
    ["memory", { memoryBytes: 1 }],
    ["aborted", { shouldStop: () => true, memoryBytes: 1e6 }],
  ] as const)("bound %s stops all", (stopped, options) => {
    const outcome = proveTogether(philosophers(9, false, { parts: true }) as never, crew(-9), {
      find: "all",
      ...options,
    });
    expect(outcome).toMatchObject({ complete: false, stopped });
  });
});

describe("unwedge explore --jobs", () => {
  const words = ["explore", "memcg-writeback-abba", "--fix", "prealloc-pte", "--strategy", "prove", "--no-reduce"];
  const size = ["faulters=1", "writers=1", "room=0"].flatMap((p) => ["--param", p]);
  it("the same counts with one thread and with three", () => {
    const [one, three] = ["1", "3"].map((jobs) => {
      const r = spawnSync(
        process.execPath,
        [join(root, "dist/cli/main.js"), ...words, ...size, "--jobs", jobs, "--json"],
        {
          encoding: "utf8",
        },
      );
      expect([r.status, r.stderr]).toEqual([0, ""]);
      const { states, steps, outcome, complete } = JSON.parse(r.stdout);
      return { states, steps, outcome, complete };
    });
    expect(three).toEqual(one);
    expect(one?.states).toBeGreaterThan(300_000);
  }, 120_000);
});
