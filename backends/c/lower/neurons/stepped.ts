/** Neurons that fire at each timestep: `snn.if`, `snn.graded`, `snn.lif`, as `ir/op/attrs/neurons.ts` has them. */
import type { OpOf } from "../../../../ir/op/op.ts";
import { shortName } from "../../../../ir/loc.ts";
import { largestSpike } from "../../../../ir/semantics/neurons/graded.ts";
import { type Code, loop } from "../../text/code.ts";
import type { Lowering } from "../lowering.ts";
import type { Held } from "../views.ts";
import { currentOf, driveOf } from "./drive.ts";
import { digitsOf } from "./digits.ts";
import { firing, keptBeside, layerOf, perNeuron, perRow, sentBy } from "./layer.ts";
import { describe } from "./describe.ts";

export function lowerIf(lowering: Lowering, op: OpOf<"snn.if">): Held {
  const part = lowering.part();
  const drive = driveOf(lowering, part, op);
  const layer = layerOf(lowering, op, part, drive.potential);
  const threshold = perNeuron(layer, op.attrs.threshold, "threshold");
  const amplitude = perNeuron(layer, op.attrs.amplitude, "amplitude");
  const { held, view } = sentBy(layer);
  const left = op.attrs.reset === "zero" ? "0" : "u - q";
  part.add(drive.code);
  part.add(
    firing(
      layer,
      drive.views,
      drive.potential,
      (nest) => [
        `const int32_t u = ${drive.charged(nest)};`,
        `const int32_t q = ${threshold(nest)};`,
        "const int32_t spike = u >= q;",
        `const int32_t v = spike ? ${left} : u;`,
        `const int32_t sent = ${times("spike", amplitude(nest))};`,
        `${nest.at(drive.potential)} = v;`,
        `${nest.at(view)} = (${held.array.type})sent;`,
      ],
      { spike: "sent", potential: "v" },
    ),
  );
  lowering.emit(shortName(op.loc), "step", describe(lowering, op, drive.about, held), part);
  return held;
}

export function lowerGraded(lowering: Lowering, op: OpOf<"snn.graded">): Held {
  const { attrs } = op;
  const part = lowering.part();
  const drive = driveOf(lowering, part, op);
  const layer = layerOf(lowering, op, part, drive.potential);
  const threshold = perNeuron(layer, attrs.threshold, "threshold");
  const amplitude = perNeuron(layer, attrs.amplitude, "amplitude");
  const ceiling = attrs.ceiling === null ? null : perNeuron(layer, attrs.ceiling, "ceiling");
  const shares = attrs.shares === null ? null : perRow(layer, attrs.shares, "shares");
  const keepsSent = attrs.sign === "retract" || ceiling !== null;
  const sent = keepsSent ? keptBeside(layer, "sent", "int32_t") : null;
  const { held, view } = sentBy(layer);
  const most = largestSpike(attrs);
  if (shares?.varies === true) {
    part.usesTime = true;
    part.add(`const int32_t row = t < ${shares.rows} ? t - 1 : ${shares.rows - 1};`);
  }
  part.add(drive.code);
  part.add(
    firing(
      layer,
      drive.views,
      drive.potential,
      (nest) => {
        const share = shares === null ? "1" : shares.at(nest, "row");
        const total = sent === null ? "0" : nest.at(sent);
        const room =
          ceiling === null ? null : `nearest_wide((int64_t)${ceiling(nest)} - ${total}, q)`;
        if (room !== null) lowering.helpers.add("nearest_wide");
        const wanted = attrs.sign === "retract" ? "w" : "u";
        return [
          ...(share === "1" ? [] : [`const int32_t share = ${share};`]),
          `const int32_t q = ${times(threshold(nest), share === "1" ? "1" : "share")};`,
          `const int32_t u = ${drive.charged(nest)};`,
          ...(attrs.sign === "retract" ? [`const int32_t w = u < -${total} ? -${total} : u;`] : []),
          ...(room === null
            ? [`const int32_t high = ${most};`]
            : [
                `const int64_t room = ${room};`,
                `const int32_t high = room < ${most} ? (int32_t)room : ${most};`,
              ]),
          ...(attrs.alphabet === "word"
            ? word(lowering, op, wanted, most)
            : powers(lowering, attrs, wanted, most, total)),
          "const int32_t v = u - k * q;",
          `const int32_t spike = ${times(times("k", amplitude(nest)), share === "1" ? "1" : "share")};`,
          `${nest.at(drive.potential)} = v;`,
          ...(sent === null ? [] : [`${nest.at(sent)} += k * q;`]),
          `${nest.at(view)} = (${held.array.type})spike;`,
        ];
      },
      { spike: "spike", potential: "v" },
    ),
  );
  lowering.emit(shortName(op.loc), "step", describe(lowering, op, drive.about, held), part);
  return held;
}

/** The nearest multiple of the step, within bounds. */
function word(lowering: Lowering, op: OpOf<"snn.graded">, wanted: string, most: number): Code[] {
  const low = op.attrs.sign === "positive" ? 0 : -most;
  const byDigits = digitsOf(lowering, op, { wanted, low, high: most });
  // Of a ceiling below what was sent `high` is below `low`, which wins.
  const bounded = ["k = k < high ? k : high;", `k = k > ${low} ? k : ${low};`];
  if (byDigits !== null) return [...byDigits, bounded];
  lowering.helpers.add("nearest");
  return [`int32_t k = nearest(${wanted}, q);`, bounded];
}

/** The largest power of two whose three quarters are reached, within bounds. */
function powers(
  lowering: Lowering,
  { bits, sign }: OpOf<"snn.graded">["attrs"],
  wanted: string,
  most: number,
  total: string,
): Code[] {
  if (sign === "retract") lowering.helpers.add("nearest");
  const low =
    sign === "positive"
      ? ["const int32_t low = 0;"]
      : sign === "free"
        ? [`const int32_t low = -${most};`]
        : [
            `int32_t low = -nearest(${total}, q);`,
            "low = low < 0 ? low : 0;",
            `low = low > -${most} ? low : -${most};`,
          ];
  return [
    ...low,
    "int32_t k = 0;",
    loop("e", bits, [
      `const int32_t size = ${wanted} < 0 ? -(1 << e) : 1 << e;`,
      `const int64_t reached = 4 * (int64_t)(${wanted} < 0 ? -(int64_t)${wanted} : ${wanted});`,
      "if (reached >= 3 * (int64_t)q * (1 << e) && size >= low && size <= high) k = size;",
    ]),
  ];
}

/** What is left of a distance is a multiple of 2^−16 of it. */
const leakDigits = 16;

export function lowerLif(lowering: Lowering, op: OpOf<"snn.lif">): Held {
  const { attrs } = op;
  const part = lowering.part();
  const { potential, current, code, about } = currentOf(lowering, part, op);
  const layer = layerOf(lowering, op, part, potential);
  const threshold = perNeuron(layer, attrs.threshold, "threshold");
  const amplitude = perNeuron(layer, attrs.amplitude, "amplitude");
  const silent = attrs.refractory > 0 ? keptBeside(layer, "silent", "int32_t") : null;
  const { held, view } = sentBy(layer);
  const leak = Math.round(attrs.leak * 2 ** leakDigits);
  const left = `distance * ${leak} / ${2 ** leakDigits}`;
  part.add(code);
  part.add(
    firing(
      layer,
      [potential, ...current.views],
      potential,
      (nest) => {
        const terms = current.terms(nest).filter((each) => each !== "0");
        const open = silent === null ? null : `${nest.at(silent)} == 0`;
        return [
          `const int32_t current = ${terms.length === 0 ? "0" : terms.join(" + ")};`,
          `const int64_t distance = (int64_t)${nest.at(potential)} - current;`,
          `const int32_t u = current + (int32_t)(${open === null ? left : `${open} ? ${left} : distance`});`,
          `const int32_t q = ${threshold(nest)};`,
          `const int32_t spike = u >= q${open === null ? "" : ` && ${open}`};`,
          `const int32_t v = spike ? ${attrs.reset === "zero" ? "0" : "u - q"} : u > 0 ? u : 0;`,
          `${nest.at(potential)} = v;`,
          ...(silent === null
            ? []
            : [
                `const int32_t rest = ${nest.at(silent)};`,
                `${nest.at(silent)} = spike ? ${attrs.refractory} : rest > 0 ? rest - 1 : 0;`,
              ]),
          `const int32_t sent = ${times("spike", amplitude(nest))};`,
          `${nest.at(view)} = (${held.array.type})sent;`,
        ];
      },
      { spike: "sent", potential: "v" },
    ),
  );
  lowering.emit(shortName(op.loc), "step", describe(lowering, op, about, held), part);
  return held;
}

function times(a: string, b: string): string {
  if (b === "1") return a;
  return a === "1" ? b : `${a} * ${b}`;
}
