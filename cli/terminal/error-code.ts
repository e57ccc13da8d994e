/** The system's name of an error, for messages. */

/** The system's code of an error ("ENOENT"), or "unknown". */
export function errorCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "unknown";
}
