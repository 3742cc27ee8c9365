/**
 * Sharing of frames and stacks: a SysRq-t dump of 10,000 tasks has some hundred distinct stacks.
 *
 * Equal frames share one object (by content), so that a list of frames is a path in a trie of objects and
 * two equal lists end at the same node. Cost per frame: one pointer comparison, or one map look-up where stacks fork.
 */
import { ownCopy } from "./frames.ts";
import type { Frame, Stack } from "./types.ts";

interface Node {
  stack: Stack | undefined;
  onlyFrame: Frame | undefined;
  onlyNode: Node | undefined;
  more: Map<Frame, Node> | undefined;
}

/** Makes equal frames, stacks and short texts share one object. */
export interface Interner {
  frame(frame: Frame): Frame;
  stack(frames: readonly Frame[]): Stack;
  /** One string object per text; for names that come again and again. */
  text(s: string): string;
  readonly stacks: number;
}

const frameKey = (f: Frame): string =>
  `${f.printed ?? f.symbol}+${f.offset ?? ""}/${f.size ?? ""}[${f.module ?? ""}${f.unreliable ? "?" : ""}${f.inlined ? "i" : ""}`;

const newNode = (): Node => ({ stack: undefined, onlyFrame: undefined, onlyNode: undefined, more: undefined });

/** Hostile input could print ever new symbols: what lies beyond these numbers is not shared. */
const MAX_FRAMES = 300_000;
const MAX_NODES = 1_500_000;
const MAX_TEXTS = 100_000;

/** An empty {@link Interner}; one per diagnose call. */
export const createInterner = (): Interner => {
  const frames = new Map<string, Frame>();
  const known = new WeakSet<Frame>();
  const texts = new Map<string, string>();
  const root = newNode();
  let nodes = 0;
  let stacks = 0;

  const own = (f: Frame): Frame => ({
    ...f,
    symbol: ownCopy(f.symbol),
    ...(f.printed === undefined ? {} : { printed: ownCopy(f.printed) }),
    ...(f.module === undefined ? {} : { module: ownCopy(f.module) }),
  });

  const canonical = (frame: Frame): Frame => {
    if (known.has(frame)) return frame;
    const key = frameKey(frame);
    const found = frames.get(key);
    if (found) return found;
    const mine = own(frame);
    if (frames.size < MAX_FRAMES) {
      frames.set(ownCopy(key), mine);
      known.add(mine);
    }
    return mine;
  };

  const find = (node: Node, frame: Frame): Node | undefined =>
    node.onlyFrame === frame ? node.onlyNode : node.more?.get(frame);

  const step = (node: Node, frame: Frame): Node => {
    const next = find(node, frame);
    if (next) return next;
    const made = newNode();
    nodes++;
    if (node.onlyFrame === undefined) {
      node.onlyFrame = frame;
      node.onlyNode = made;
    } else {
      node.more ??= new Map();
      node.more.set(frame, made);
    }
    return made;
  };

  const build = (list: readonly Frame[]): Stack => ({
    id: stacks++,
    frames: list,
    names: list.filter((f) => !f.unreliable && f.symbol !== "").map((f) => f.symbol),
  });

  return {
    frame: canonical,
    stack(list) {
      if (nodes >= MAX_NODES) return build(list.map(canonical));
      let node = root;
      for (const f of list) node = find(node, f) ?? step(node, canonical(f));
      node.stack ??= build(list.map(canonical));
      return node.stack;
    },
    text(s) {
      const found = texts.get(s);
      if (found !== undefined) return found;
      const mine = ownCopy(s);
      if (texts.size < MAX_TEXTS) texts.set(mine, mine);
      return mine;
    },
    get stacks() {
      return stacks;
    },
  };
};
