/** WebAssembly's pages of memory. */

const pageBytes = 65_536;

/** Of a memory with 32-bit addresses. */
export const mostPages = 65_536;

/** Pages that hold `bytes`. */
export function pagesOf(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / pageBytes));
}
