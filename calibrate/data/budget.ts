/**
 * How much memory the reading of a data set may take. A few bytes can announce terabytes, and a few
 * kilobytes can inflate to gigabytes, so every reader asks here before it takes memory: with what a
 * header announces where there is one, with what is left where only inflating can tell.
 */
import { fail } from "../../ir/diagnostic.ts";
import { diagnose } from "../diagnostics.ts";

/** What a data set may take unless somebody says otherwise: 2 GiB. */
const defaultDataBytes = 2 ** 31;

/**
 * Counts what the files of one data set take beside their own bytes: what is inflated, and elements
 * that memory holds otherwise than the file does. A class because the sum is its state.
 */
export class Budget {
  /** Bytes for the whole set. */
  readonly bytes: number;
  private taken = 0;

  constructor(bytes: number = defaultDataBytes) {
    this.bytes = bytes;
  }

  /** Bytes that may still be taken. */
  get left(): number {
    return this.bytes - this.taken;
  }

  /** Counts `bytes` that `file` is about to take and keep; fails where they are too many. */
  take(bytes: number, file: string): void {
    this.check(bytes, file);
    this.taken += bytes;
  }

  /** Fails where `file` cannot take `bytes` for a while, beside what is taken already. */
  check(bytes: number, file: string): void {
    if (bytes <= this.left) return;
    const limit = this.bytes;
    fail(diagnose("data-too-large", null, { file, needs: bytes + this.taken, limit }));
  }

  /** Ends the work on `file`, which turned out to take more than is left. */
  exceeded(file: string): never {
    return fail(diagnose("data-too-large", null, { file, needs: null, limit: this.bytes }));
  }
}
