/**
 * The command that shows a recognised bug in the executable kernel. Apart from the incidents themselves, so that reading a log
 * does not load the model.
 */
import { hasFix, parseEra } from "../kernel/era.ts";

interface Reproduction {
  /** The fix that closes it; taken out where the release has it. */
  readonly fix: string;
  /** Others that close it too, taken out likewise. */
  readonly others?: readonly string[];
  readonly arguments?: string;
}

/** By incident; test/reproduce.test.ts holds it against the incidents. */
const REPRODUCTIONS: Readonly<Record<string, Reproduction>> = {
  "memcg-writeback-abba": { fix: "prealloc-pte" },
  "wb-switch-irq-nesting": { fix: "wb-lock-cookie", arguments: "--hack switching,moving" },
  "xfs-page-lock-order": { fix: "prealloc-pte" },
  "dm-bufio-loop": { fix: "loop-noio" },
  "erofs-shrink-spin": { fix: "erofs-xa-lock" },
  "memory-high-nofs": { fix: "high-gfp" },
  "ext4-writepages-reclaim": { fix: "writepages-nofs" },
  "memcg-oom-trap": { fix: "memcg-oom-unwind" },
  "jbd2-memcg-oom": { fix: "account-force-jbd2" },
  "ext4-sync-handle": { fix: "ext4-sync-handle-last" },
  "queue-freeze-reclaim": { fix: "freeze-noio", others: ["sysfs-store-noio"] },
  "oom-frozen-victim": { fix: "oom-victims-not-frozen" },
  "zonelist-seq-irq": { fix: "zonelist-update-guarded" },
  "fuse-server-memcg": { fix: "skip-deadlockable-mappings" },
  "drain-pages-workqueue": { fix: "drain-rescuer" },
  "nfs-release-kthreadd": { fix: "nfs-release-no-wait" },
  "dm-snapshot-cow-throttle": { fix: "dm-snap-unlocked-throttle" },
};

/** What shows an incident: the fix that closes it, and the hacks without which it does not happen. @internal */
export function reproductionOf(
  incident: string,
): { readonly fix: string; readonly hacks: readonly string[] } | undefined {
  const known = Object.hasOwn(REPRODUCTIONS, incident) ? REPRODUCTIONS[incident] : undefined;
  if (known === undefined) return undefined;
  const hacks = /--hack (\S+)/.exec(known.arguments ?? "")?.[1];
  return { fix: known.fix, hacks: hacks?.split(",") ?? [] };
}

/** Ids of the incidents that a command exists for. */
export const reproducible: readonly string[] = Object.keys(REPRODUCTIONS);

/**
 * `unwedge explore …` for an incident as it is in a kernel release (`6.1.0-49-amd64`, `6.1.192`); undefined when the incident is
 * not one that can be explored. A release that is unknown or out of the model's range leaves the incident's own.
 *
 * @since 0.2.0
 */
export function exploreCommand(incident: string, release: string | undefined): string | undefined {
  const known = Object.hasOwn(REPRODUCTIONS, incident) ? REPRODUCTIONS[incident] : undefined;
  if (known === undefined) return undefined;
  const words = ["unwedge explore", incident, ...eraArguments([known.fix, ...(known.others ?? [])], release)];
  return [...words, ...(known.arguments === undefined ? [] : [known.arguments])].join(" ");
}

function eraArguments(fixes: readonly string[], release: string | undefined): string[] {
  const point = /^\d+\.\d+(\.\d+)?/.exec(release ?? "")?.[0];
  const parsed = point === undefined ? undefined : parseEra(point);
  if (parsed === undefined || !parsed.ok) return [];
  const { era } = parsed;
  return [`--era ${era.release}`, ...fixes.filter((fix) => hasFix(era, fix)).map((fix) => `--revert ${fix}`)];
}
