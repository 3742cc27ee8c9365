/**
 * A defect of the patch that `jbd2-memcg-oom` is about, as posted: `memalloc_account_force_restore()` takes no argument and clears
 * the flag whatever it was before. Here the scope is put where a filesystem would put it, into ext4's own start and stop of
 * handles: mkdir(2) allocates the block of the new directory, which dirties the inode under a handle inside the handle, and the
 * inner stop ends the scope. The page of that block is charged next, with the outer handle still open, and everything is as
 * before. (In jbd2 itself a handle inside a handle is only counted, so that scopes do not nest there.)
 *
 * It is the charge in which stock kernels were seen stuck without any of this: ext4_mkdir, ext4_init_new_dir, ext4_append,
 * ext4_bread, ext4_getblk, __getblk_gfp.
 */
import { defineIncident, type Parameter, type Parameters } from "./incident.ts";
import { jbd2MemcgOom, setUpJbd2MemcgOom } from "./jbd2-memcg-oom.ts";
import type { Scene } from "./scene.ts";

function setUp(s: Scene, chosen: Parameters): void {
  setUpJbd2MemcgOom(s, { ...chosen, mkdir: 1 });
}
const ownParameters: Readonly<Record<string, Parameter>> = Object.fromEntries(
  Object.entries(jbd2MemcgOom.parameters).filter(([name]) => name !== "mkdir"),
);

export const accountForceNesting = defineIncident({
  id: "account-force-nesting",
  title: "an inner account-force scope ends the outer one, and the charge under the handle goes round again",
  source: "[PATCH 1/2] mm: memcg: introduce PF_MEMALLOC_ACCOUNTFORCE, Zhongkun He, 2025-06-18",
  era: "5.15.135",
  applied: ["account-force-ext4"],
  cgroup: "v1",
  fair: true,
  parameters: ownParameters,
  fixes: ["account-force-ext4", "account-force-nests", "account-force-jbd2"],
  fixedChoices: jbd2MemcgOom.fixedChoices,
  cpus: ({ cpus = 1 }) => cpus,
  setup: setUp,
});
