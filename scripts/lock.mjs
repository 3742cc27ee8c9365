// A lock file between processes: created with its content in one step (link), kept warm while held, and taken over
// when its owner is gone.
import { linkSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";

const beatMs = 1000;
/** An owner on another host (or in another container) is believed dead after this long without a sign of life. */
const silentMs = 30_000;

const alive = (pid) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (e) {
    return e.code === "EPERM";
  }
};
const read = (file) => {
  try {
    return { text: readFileSync(file, "utf8"), age: Date.now() - statSync(file).mtimeMs };
  } catch {
    return undefined;
  }
};
const ownerIsGone = (seen) => {
  const [host, pid] = seen.text.split(" ");
  return host === hostname() ? !alive(Number(pid)) : seen.age > silentMs;
};

/** Two waiters may see the same dead owner: the rename gives it to one, and a live lock caught by mistake goes back. */
const takeAway = (file, dead) => {
  const aside = `${file}.gone-${process.pid}`;
  try {
    renameSync(file, aside);
  } catch {
    return;
  }
  if (read(aside)?.text !== dead.text) {
    try {
      linkSync(aside, file);
    } catch {
      // somebody made a new one in between; both owners build the same thing, and every file is renamed into place
    }
  }
  rmSync(aside, { force: true });
};

/** Waits for the lock; resolves with the function that gives it back. */
export const acquireLock = async (file, onWait) => {
  const mine = `${file}.${process.pid}`;
  const text = `${hostname()} ${process.pid} ${process.hrtime.bigint()}`;
  let told = false;
  for (;;) {
    writeFileSync(mine, text);
    try {
      linkSync(mine, file);
      break;
    } catch (e) {
      if (e.code !== "EEXIST") throw e;
    } finally {
      rmSync(mine, { force: true });
    }
    const seen = read(file);
    if (seen !== undefined && ownerIsGone(seen)) {
      takeAway(file, seen);
      continue;
    }
    if (!told) onWait();
    told = true;
    await sleep(50);
  }
  const beat = setInterval(() => {
    try {
      utimesSync(file, new Date(), new Date());
    } catch {
      // node_modules was removed under us; the install will say what is wrong
    }
  }, beatMs);
  beat.unref();
  const release = () => {
    clearInterval(beat);
    if (read(file)?.text === text) rmSync(file, { force: true });
  };
  process.once("exit", release);
  return () => {
    process.off("exit", release);
    release();
  };
};
