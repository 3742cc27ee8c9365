/** Address spaces of processes. */

import type { List } from "../../resumable/index.ts";
import { bool, Entity, fields, int, list, ref } from "../../resumable/index.ts";
import type { Inode } from "../fs/inode.ts";
import type { RwSemaphore } from "../locking/rwsem.ts";
import type { MemCgroup } from "./memcg-types.ts";
import type { Page } from "./page.ts";

/** A mapped range of a file, in pages, or of anonymous memory. One page table (one pmd entry) covers it. */
export class Vma extends Entity {
  declare mm: MmStruct;
  /** The lock of the VMA itself (6.4+). */
  declare vmLock: RwSemaphore;
  declare file: Inode | undefined;
  /** First page index of the file. */
  declare pgoff: number;
  declare length: number;
  /** VM_SHARED. */
  declare shared: boolean;
  declare writable: boolean;
  /** The pmd entry is empty: no page table yet. */
  declare pmdNone: boolean;
  /** Whose kernel memory the page table is charged to, once it exists. */
  declare pageTableMemcg: MemCgroup | undefined;
  /** Whose kernel memory the `vm_area_struct` of its second half is charged to, once it is split. */
  declare splitMemcg: MemCgroup | undefined;
  /** Pages that are mapped by a page table entry, and which of those entries can be written. */
  declare present: List<Page>;
  declare writablePtes: List<Page>;
  static {
    fields(Vma, {
      mm: ref,
      vmLock: ref,
      file: ref,
      pgoff: int,
      length: int,
      shared: bool,
      writable: bool,
      pmdNone: bool,
      pageTableMemcg: ref,
      splitMemcg: ref,
      present: list("pages"),
      writablePtes: list("pages"),
    });
  }
}

/** `struct mm_struct`. */
export class MmStruct extends Entity {
  declare mmapLock: RwSemaphore;
  declare vmas: List<Vma>;
  /** MMF_OOM_SKIP. */
  declare oomSkip: boolean;
  /** `oom_score_adj` of the process; of all values only the least means something here. */
  declare oomScoreAdj: number;
  static {
    fields(MmStruct, { mmapLock: ref, vmas: list("vmas"), oomSkip: bool, oomScoreAdj: int }, "mm");
  }
}
