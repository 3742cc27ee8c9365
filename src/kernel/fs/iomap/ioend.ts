/** What one call of iomap_writepages() keeps on its stack (`struct iomap_writepage_ctx`; XFS's own up to 5.5). */
import { Entity, fields, ref } from "../../../resumable/index.ts";
import type { Bio } from "../../block/bio.ts";
import { current, kernel } from "../../sched/current.ts";

export class IomapWritepageCtx extends Entity {
  /** The open ioend's bio: not yet submitted; nobody else knows of it. */
  declare ioend: Bio | undefined;
  static {
    fields(IomapWritepageCtx, { ioend: ref }, "wpc");
  }
}

/** The current task's. */
export function wpcOfCurrent(): IomapWritepageCtx {
  const wpc = kernel().subsystem<readonly IomapWritepageCtx[]>("xfs writepages")[current().context];
  if (wpc === undefined) throw new Error(`${current()} has no iomap_writepage_ctx`);
  return wpc;
}
