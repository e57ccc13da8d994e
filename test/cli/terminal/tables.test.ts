/** The table of accuracies that commands print. */
import { describe, expect, it } from "vitest";
import { accuracyTable } from "../../../cli/terminal/tables.ts";
import { syntheticPieces } from "../../calibrate/report/synthetic.ts";

describe("the table of accuracies", () => {
  const { ann, snn } = syntheticPieces({ timesteps: 8, annAccuracy: 0.8 });

  it("has the loss: the ANN's accuracy less the network's, with its standard error", () => {
    const accuracy = snn.timesteps.map((t) => (t < 8 ? 0.75 : 0.9));
    const lossStandardError = snn.timesteps.map((t) => 0.01 / t);
    const lines = accuracyTable({ ...snn, accuracy, lossStandardError }, ann).split("\n");
    expect(lines[0]).toMatch(
      /^T +accuracy +loss +spikes +events +bits +MACs +events\/ANN +bits\/ANN$/,
    );
    expect(lines.slice(1).map((line) => line.trim().split(/\s{2,}/)[2])).toEqual([
      "5.00 ± 1.00",
      "5.00 ± 0.50",
      "5.00 ± 0.25",
      "−10.00 ± 0.13",
    ]);
  });

  it("shows the answers of a rehearsing network from its first one on", () => {
    const timesteps = snn.timesteps.map((t) => t + 4);
    const lines = accuracyTable({ ...snn, timesteps }, null).split("\n");
    expect(lines.slice(1).map((line) => line.trim().split(/\s{2,}/)[0])).toEqual([
      "5",
      "6",
      "8",
      "12",
    ]);
  });
});
