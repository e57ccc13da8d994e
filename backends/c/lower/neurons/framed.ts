/**
 * Neurons that take the frame of their current as a whole: `snn.few-spikes`, `snn.ttfs`, as
 * `ir/op/attrs/neurons.ts` has them. What they send over a frame reaches the next layer as its sum.
 */
import type { OpOf } from "../../../../ir/op/op.ts";
import { shortName } from "../../../../ir/loc.ts";
import { loop } from "../../text/code.ts";
import type { Lowering } from "../lowering.ts";
import type { Held } from "../views.ts";
import { describe } from "./describe.ts";
import { digitsOf } from "./digits.ts";
import { driveOf } from "./drive.ts";
import { firing, layerOf, perNeuron, perRow, sentBy } from "./layer.ts";

export function lowerFewSpikes(lowering: Lowering, op: OpOf<"snn.few-spikes">): Held {
  const part = lowering.part();
  const drive = driveOf(lowering, part, op);
  const layer = layerOf(lowering, op, part, drive.potential);
  const threshold = perRow(layer, op.attrs.threshold, "threshold");
  const reset = perRow(layer, op.attrs.reset, "reset");
  const amplitude = perRow(layer, op.attrs.amplitude, "amplitude");
  const rows = Math.min(lowering.ticks, threshold.rows);
  const { held, view } = sentBy(layer);
  part.add(drive.code);
  part.add(
    firing(
      layer,
      drive.views,
      drive.potential,
      (nest) => [
        `int32_t v = ${drive.charged(nest)};`,
        "int32_t sent = 0;",
        loop("row", rows, [
          `const int32_t spike = v >= ${threshold.at(nest, "row")};`,
          `v -= spike ? ${reset.at(nest, "row")} : 0;`,
          `sent += spike ? ${amplitude.at(nest, "row")} : 0;`,
        ]),
        `${nest.at(drive.potential)} = v;`,
        `${nest.at(view)} = (${held.array.type})sent;`,
      ],
      { spike: "sent", potential: "v" },
    ),
  );
  lowering.emit(shortName(op.loc), "begin", describe(lowering, op, drive.about, held), part);
  return held;
}

export function lowerFirstSpike(lowering: Lowering, op: OpOf<"snn.ttfs">): Held {
  const part = lowering.part();
  const drive = driveOf(lowering, part, op);
  const layer = layerOf(lowering, op, part, drive.potential);
  const slope = perNeuron(layer, op.attrs.threshold, "slope");
  const amplitude = perNeuron(layer, op.attrs.amplitude, "amplitude");
  const { held, view } = sentBy(layer);
  const { ticks } = lowering;
  const byDigits = digitsOf(lowering, op, { wanted: "v", low: 0, high: ticks });
  if (byDigits === null) lowering.helpers.add("nearest_wide");
  part.add(drive.code);
  part.add(
    firing(
      layer,
      drive.views,
      drive.potential,
      (nest) => {
        const worth = amplitude(nest);
        return [
          `const int32_t v = ${drive.charged(nest)};`,
          `const int32_t q = ${slope(nest)};`,
          "/* k: how many ticks the spike comes before the end of the frame; 0 is no spike. */",
          ...(byDigits ?? ["const int64_t k = nearest_wide(v, q);"]),
          `const int32_t lead = k < 0 ? 0 : k > ${ticks} ? ${ticks} : (int32_t)k;`,
          `const int32_t sent = ${worth === "1" ? "lead" : `lead * ${worth}`};`,
          `${nest.at(drive.potential)} = v;`,
          `${nest.at(view)} = (${held.array.type})sent;`,
        ];
      },
      { spike: "sent", potential: "v" },
    ),
  );
  lowering.emit(shortName(op.loc), "begin", describe(lowering, op, drive.about, held), part);
  return held;
}
