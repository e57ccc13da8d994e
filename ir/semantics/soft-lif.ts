/**
 * The tuning curve of leaky integrate-and-fire neurons: the rate at which they fire under a constant
 * current, hard as neurons have it and smoothed as networks are trained with it, with the derivative
 * that training needs. Threshold 1; times in seconds, rates in Hz.
 */
import type { OpAttrs } from "../op/op.ts";
import { sigmoid, softplus } from "./values/scalar.ts";

export type SoftLif = OpAttrs["ann.soft-lif"];
export type LeakyTimes = Pick<SoftLif, "tauRc" | "tauRef">;

/** 1 / (tauRef + tauRc · log(1 + 1/(J − 1))) where J > 1, else 0. */
export function lifRate(current: number, { tauRc, tauRef }: LeakyTimes): number {
  return current > 1 ? 1 / (tauRef + tauRc * Math.log1p(1 / (current - 1))) : 0;
}

/** The current at which neurons fire at `rate`, which is below 1/tauRef: `lifRate` backwards. */
export function lifCurrent(rate: number, { tauRc, tauRef }: LeakyTimes): number {
  return 1 + 1 / Math.expm1((1 / rate - tauRef) / tauRc);
}

/**
 * Below this many sigmas from the threshold log(1 + 1/ρ) is log(1/ρ) = −s − log(sigma) in double
 * precision, and soon ρ underflows.
 */
const linearBelow = -40;

/** amplitude / (tauRef + tauRc · log(1 + 1/ρ)), ρ = sigma · log(1 + exp((J − 1)/sigma)). */
export function softLif(current: number, { tauRc, tauRef, sigma, amplitude }: SoftLif): number {
  const s = (current - 1) / sigma;
  const q = s < linearBelow ? -s - Math.log(sigma) : Math.log1p(1 / (sigma * softplus(s)));
  return amplitude / (tauRef + tauRc * q);
}

/**
 * d softLif / dJ = y² / amplitude · tauRc · sigmoid(s) / (ρ (ρ + 1)), s = (J − 1)/sigma; far below the
 * threshold sigmoid(s)/ρ is 1/sigma.
 */
export function softLifSlope(current: number, attrs: SoftLif): number {
  const { tauRc, sigma, amplitude } = attrs;
  const s = (current - 1) / sigma;
  const rho = sigma * softplus(s);
  const y = softLif(current, attrs);
  const share = s < linearBelow ? 1 / sigma : sigmoid(s) / rho;
  return ((y * y) / amplitude) * tauRc * (share / (rho + 1));
}
