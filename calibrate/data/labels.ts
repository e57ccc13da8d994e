/** Labels: from whatever array a file has them in to what the rest of the code counts on. */
import { fail } from "../../ir/diagnostic.ts";
import type { Tensor } from "../../ir/tensor.ts";
import { areClassNumbers, targetSetOf } from "../tasks/targets.ts";
import { diagnose } from "../diagnostics.ts";

/**
 * Labels as class numbers where they are, [N] or [N, 1] whole numbers, and elsewhere as they are stored:
 * what task they fit is for whoever knows the network.
 */
export function labelsOrTargetsOf(
  stored: Tensor,
  file: string,
  offset: number,
): { readonly labels: Int32Array | null; readonly targets: Tensor | null } {
  const set = targetSetOf(stored);
  const areNumbers = stored.shape.length === 0 || (set.size === 1 && areClassNumbers(set));
  return areNumbers
    ? { labels: labelsOf(stored, file, offset), targets: null }
    : { labels: null, targets: stored };
}

/**
 * Labels of shape [N] or [N, 1] as integers from 0, plus `offset`, which is what the model adds to
 * the class numbers of the data (1 where its class 0 is "background"). `file` names their source.
 */
function labelsOf(stored: Tensor, file: string, offset: number): Int32Array {
  const [, ...rest] = stored.shape;
  if (stored.shape.length === 0 || rest.some((extent) => extent !== 1)) {
    fail(diagnose("labels-shape", null, { file, shape: stored.shape }));
  }
  const labels = new Int32Array(stored.data.length);
  stored.data.forEach((value, index) => {
    if (!Number.isInteger(value) || value < 0 || value + Math.max(0, offset) >= 2 ** 31) {
      fail(diagnose("labels-not-integer", null, { file, index, value }));
    }
    labels[index] = value + offset;
  });
  return labels;
}
