/** What is made smaller by training. */

/** The cross-entropy of logits, in nats; its gradients by the logits go to `errors`. */
export function crossEntropy(logits: Float32Array, label: number, errors: Float32Array): number {
  const most = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const sum = logits.reduce((total, z) => total + Math.exp(z - most), 0);
  logits.forEach((z, o) => {
    errors[o] = Math.exp(z - most) / sum - Number(o === label);
  });
  return Math.log(sum) + most - (logits[label] ?? 0);
}
