import { describe, expect, it } from "vitest";
import { bootNegativeDentries } from "../../kernel/fs/negative-dentry.ts";
import * as cases from "./kmem.ts";
import { runSelftest, type SelftestCase } from "./run.ts";

const CASES: readonly (readonly [name: string, run: SelftestCase, mib: number])[] = [
  ["test_kmem_basic", cases.testKmemBasic, 16],
  ["test_kmem_memcg_deletion", cases.testKmemMemcgDeletion, 16],
  ["test_kmem_proc_kpagecgroup", cases.testKmemProcKpagecgroup, 16],
  ["test_kmem_kernel_stacks", cases.testKmemKernelStacks, 2],
  ["test_kmem_dead_cgroups", cases.testKmemDeadCgroups, 16],
];

describe("test_kmem", () => {
  it.each(CASES)("%s", (_name, run, mib) => {
    const result = runSelftest(run, { release: "6.12", memory: 16, mib, processes: 12, boot: bootNegativeDentries });
    expect(result.said).toBe("");
  });
});
