/** The `code` of a system error such as `ENOENT`. */
export function errorCode(e: unknown): string | undefined {
  const code = e instanceof Error && "code" in e ? e.code : undefined;
  return typeof code === "string" && /^E[A-Z0-9]+$/.test(code) ? code : undefined;
}
