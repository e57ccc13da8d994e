/** How far below the ANN's an accuracy may be for two speeds to be compared. */

/** As a share of the samples: half a point. */
const allowedLoss = 0.005;

export function isWithin(network: {
  readonly accuracy: number;
  readonly annAccuracy: number;
}): boolean {
  // Shares of samples are no exact fractions of binary numbers.
  return network.annAccuracy - network.accuracy <= allowedLoss + 1e-9;
}
