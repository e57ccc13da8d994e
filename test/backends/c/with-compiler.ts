/** Tests that need a C compiler say so loudly where there is none. */
import { hasTool } from "./native.ts";

let isSaid = false;

/** Whether there is a `cc`; where there is none, what is not tested then is said once. */
export function withCompiler(): boolean {
  const there = hasTool("cc");
  if (!there && !isSaid) {
    isSaid = true;
    process.stderr.write(
      "PROGRAMS IN C WERE NOT COMPILED: there is no cc here (install gcc or clang)\n",
    );
  }
  return there;
}
