/** Numbers that are learnt, and how: steps of Adam (Kingma & Ba 2015) by gradients that were summed. */

/** Numbers that are learnt, with the sum of their gradients and what Adam remembers of earlier ones. */
export interface Parameters {
  readonly values: Float32Array;
  readonly gradients: Float32Array;
  readonly means: Float32Array;
  readonly squares: Float32Array;
}

export function parameters(values: Float32Array): Parameters {
  const zeros = (): Float32Array => new Float32Array(values.length);
  return { values, gradients: zeros(), means: zeros(), squares: zeros() };
}

/** Adam's constants, as its authors recommend them. */
const keepMean = 0.9;
const keepSquare = 0.999;
const epsilon = 1e-8;

/** Step number `step`, from 1, by the gradients summed over `samples`, which are then 0. */
export function adamStep(
  learnt: Iterable<Parameters>,
  { step, rate, samples }: { step: number; rate: number; samples: number },
): void {
  const size = (rate * Math.sqrt(1 - keepSquare ** step)) / (1 - keepMean ** step);
  for (const { values, gradients: sums, means, squares } of learnt) {
    for (let i = 0; i < values.length; i++) {
      const g = (sums[i] ?? 0) / samples;
      const mean = keepMean * (means[i] ?? 0) + (1 - keepMean) * g;
      const square = keepSquare * (squares[i] ?? 0) + (1 - keepSquare) * g * g;
      means[i] = mean;
      squares[i] = square;
      values[i] = (values[i] ?? 0) - (size * mean) / (Math.sqrt(square) + epsilon);
      sums[i] = 0;
    }
  }
}
