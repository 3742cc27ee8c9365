/** UDF: its extent lock and the conversion of files that lie in their inode. */
import type { KnowledgeRow } from "../types.ts";

/** UDF. */
export const udfRows: readonly KnowledgeRow[] = [
  {
    kind: "caller",
    of: ["rwsem"],
    fn: [
      "udf_get_block",
      "udf_setsize",
      "udf_file_write_iter",
      "udf_evict_inode",
      "udf_expand_file_adinicb",
      "udf_map_block",
    ],
    class: "rwsem",
    id: "i_data_sem",
    scope: "inode",
    source: "fs/udf/inode.c:udf_map_block",
  },
  {
    kind: "hold",
    fn: ["udf_expand_file_adinicb"],
    callees: ["find_or_create_page", "find_lock_page", "grab_cache_page", "__lock_page", "pagecache_get_page"],
    class: "rwsem",
    id: "i_data_sem",
    mode: "write",
    scope: "inode",
    confidence: "proven",
    because: "the file's data is moved out of its inode under i_data_sem, before its page is locked",
    era: { before: "3.3" },
    source: 'commit d2eb8c359309 ("udf: Fix deadlock when converting file from in-ICB one to normal one") (v3.3)',
  },
  {
    kind: "hold",
    fn: ["udf_writepage", "udf_adinicb_writepage", "udf_expand_file_adinicb"],
    callees: ["udf_get_block", "block_write_full_page", "udf_writepage"],
    class: "PG_locked",
    scope: "page",
    confidence: "proven",
    because: "the page handed to writepage is locked",
    source: "fs/udf/inode.c:udf_writepage",
  },
];
