/** The sections of the page behind the first: advice, causes, cost, and how it was made. */
import {
  answersOnce,
  counted,
  digits3,
  energy,
  percent,
  lossPoints,
  quantity,
  relative,
} from "./format.ts";
import { type Operations, operationKinds } from "../../ir/account/operations.ts";
import { type Html, html } from "./markup.ts";
import { type ReportPlots, errorParts, passMeasure } from "./plots.ts";
import type { ConversionReport } from "./schema.ts";
import { figure, table } from "./tables.ts";
import { bitsMultiplyWords, reportLatency, latencyWords, rivalWords } from "./words.ts";

const importanceWords = { high: "Do this first", medium: "Worth trying", info: "Good to know" };

export function adviceSection(report: ConversionReport): Html {
  if (report.recommendations.length === 0) return html``;
  return html`<section aria-labelledby="advice">
    <h2 id="advice">What to do next</h2>
    <ul class="advice">
      ${report.recommendations.map(
        (r) =>
          html`<li class="${r.importance}">
            <b>${importanceWords[r.importance]}</b>
            <p>${r.text}</p>
            ${r.option === null ? null : html`<p>Option: <code>${r.option}</code></p>`}
          </li> `,
      )}
    </ul>
  </section>`;
}

export function passSection(report: ConversionReport, figures: ReportPlots): Html {
  const { lossByPass, lossByPassData } = report;
  if (lossByPass.length === 0) return html``;
  const measure = passMeasure(report);
  const labelled = measure === "accuracy";
  const rows = lossByPass.map((row, i) => {
    const before = lossByPass[i - 1]?.accuracy ?? null;
    const loss = row.accuracy === null || before === null ? null : before - row.accuracy;
    return [
      row.pass,
      ...(labelled ? [percent(row.accuracy), lossPoints(loss)] : []),
      measure === "relativeRmseToAnn" ? relative(row.relativeRmseToAnn) : percent(row.agreement),
      relative(row.relativeLogitError),
    ];
  });
  const headings = [
    "Pass",
    ...(labelled ? ["Accuracy", "Loss"] : []),
    measure === "relativeRmseToAnn" ? "Distance" : "Agreement",
    "Logit error",
  ];
  const on =
    lossByPassData === null
      ? ""
      : ` Measured on ${lossByPassData.samples} samples of ${lossByPassData.name}.`;
  return html`<section aria-labelledby="passes">
    <h2 id="passes">Loss by pass</h2>
    <p>The network as it stood after each step of the compiler.${on}</p>
    <div class="figures">
      ${figure({
        svg: figures.lossByPass,
        caption: "After each pass",
        note:
          measure === "relativeLogitError"
            ? "Squared error of the outputs against the imported network's."
            : measure === "relativeRmseToAnn"
              ? "Root mean squared distance from the imported network's values, over their spread."
              : "The dashed line is the network as it was imported.",
      })}
      ${table("How far from the imported network", headings, rows)}
    </div>
  </section>`;
}

export function layerSection(report: ConversionReport, figures: ReportPlots): Html {
  const { layers } = report;
  if (layers.length === 0) return html``;
  const errors = layers.map((layer) => [
    layer.name,
    ...errorParts.map((part) => relative(layer.error?.[part] ?? null)),
    relative(layer.error?.total ?? null),
    layer.correlation === null ? "–" : layer.correlation.toFixed(4),
  ]);
  const rates = layers.map((layer) => [
    layer.name,
    quantity(layer.neurons),
    layer.firingRate.toFixed(4),
    quantity(layer.spikesPerSample),
    percent(layer.dead),
    percent(layer.silenced),
    percent(layer.saturated),
  ]);
  const thresholds = layers.map(({ name, thresholds: t }) => [
    name,
    quantity(t.count),
    ...[t.min, t.lowerQuartile, t.median, t.upperQuartile, t.max].map(digits3),
  ]);
  return html`<section aria-labelledby="layers">
    <h2 id="layers">Layer by layer</h2>
    <p>
      Each layer of neurons beside the activation it stands for, on
      ${counted(report.layerSamples, "sample")}. The difference of the two is split into what the
      layer does itself and what it was given.
    </p>
    <div class="figures">
      ${figure({
        svg: figures.layerErrors,
        caption: "Error by cause",
        note: "Mean squares, relative to how much the ANN's activation varies over the samples. The mark is the total, which is less than the sum where parts cancel.",
        legend: partsLegend(),
        table: table(
          "Error of each layer by cause, in percent of the signal's variance",
          ["Layer", "Clipping", "Quantisation", "Inherited", "Unevenness", "Total", "Correlation"],
          errors,
        ),
      })}
      ${figure({
        svg: figures.firingRates,
        caption: "Firing rates",
        note: "Mean over neurons, samples and timesteps.",
        table: table(
          "Firing rates and silent neurons",
          ["Layer", "Neurons", "Rate", "Spikes", "Dead", "Silenced", "Saturated"],
          rates,
        ),
      })}
      ${figure({
        svg: figures.thresholds,
        caption: "Thresholds",
        note: "Range, middle half and median over channels or neurons.",
        table: table(
          "Thresholds of each layer",
          ["Layer", "Count", "Least", "Quarter", "Median", "Three quarters", "Greatest"],
          thresholds,
        ),
      })}
      <dl class="terms">
        <dt>Clipping</dt>
        <dd>The activation is above what the neuron can say.</dd>
        <dt>Quantisation</dt>
        <dd>A neuron can express only so many levels: T + 1 in rate code.</dd>
        <dt>Inherited</dt>
        <dd>Earlier layers delivered something else than in the ANN.</dd>
        <dt>Unevenness</dt>
        <dd>Spikes came early or late, or charge was left over at the end.</dd>
        <dt>Dead, silenced, saturated</dt>
        <dd>
          Neurons that sent nothing on any sample; those of them whose activation in the ANN was
          above zero on one; neurons that sent more than 95 % of the most they can (in rate code:
          that fired at more than 95 % of all timesteps).
        </dd>
      </dl>
    </div>
  </section>`;
}

/** How far firing rates have moved from the network of floats to that of integers. */
export function driftSection({ rateDrift = [] }: ConversionReport): Html {
  if (rateDrift.length === 0) return html``;
  return html`<section aria-labelledby="drift">
    <h2 id="drift">Drift of firing rates</h2>
    <p>
      Spikes per neuron and timestep before and after rounding to integers. The distance is the
      earth mover’s: how far the rate of a channel moves in the mean.
    </p>
    ${table(
      "Firing rates of floats and integers",
      ["Layer", "Channels", "Floats", "Integers", "Distance", "Of the rate"],
      rateDrift.map(({ name, channels, floatRate, integerRate, distance }) => [
        name,
        quantity(channels),
        floatRate.toFixed(4),
        integerRate.toFixed(4),
        digits3(distance),
        floatRate === 0 ? "–" : percent(distance / floatRate),
      ]),
    )}
  </section>`;
}

function partsLegend(): Html {
  return html`<ul class="legend" aria-hidden="true">
    ${errorParts.map(
      (part) => html`<li><span style="background: var(--${part})"></span>${part}</li>`,
    )}
    <li><span class="tick"></span>total</li>
  </ul>`;
}

export function costSection(report: ConversionReport, figures: ReportPlots): Html {
  const { operations } = report;
  const last = (values: readonly number[]): string => quantity(values.at(-1) ?? 0);
  const spikes = operations.spikes.at(-1) ?? 0;
  const events = operations.synapticOperations.at(-1) ?? 0;
  const plain = operations.plainSynapticOperations.at(-1) ?? 0;
  const real = operations.realLayers.length === 0 ? "" : ` (${operations.realLayers.join(", ")})`;
  const counts = [
    ["ANN: multiply-accumulates", quantity(operations.annMultiplyAccumulates)],
    ["SNN: spikes (words, whatever their size)", quantity(spikes)],
    [
      "SNN: spikes per neuron",
      operations.neurons === 0 ? "–" : digits3(spikes / operations.neurons),
    ],
    ["SNN: binary digits set in these words", last(operations.bits)],
    ["SNN: events (words × weights)", quantity(events)],
    ["of these additions, of one unit or a power of two", quantity(plain)],
    ["of these multiply-accumulates", quantity(events - plain)],
    [
      `SNN: binary digits × weights${operations.bitsAreAdditions ? " (additions, in place of events)" : ""}`,
      last(operations.synapticBits),
    ],
    ["SNN: multiply-accumulates on the input, once a run", quantity(operations.inputProducts)],
    [
      `SNN: multiply-accumulates on other real values, at each timestep${real}`,
      quantity(operations.realProducts),
    ],
    ...(operations.valueProducts === 0
      ? []
      : [["of these products of two values that change", quantity(operations.valueProducts)]]),
    ["SNN: operations of the neurons themselves", quantity(operations.neuronUpdates)],
  ];
  const kinds = operationKinds.map((kind) => [
    kindWords[kind],
    quantity(operations.ann[kind]),
    quantity(operations.snn[kind]),
  ]);
  const times = (ratio: number | null): string => (ratio === null ? "–" : `${digits3(ratio)} ×`);
  const rows = report.energy.map((e) => [
    `${e.table.name}${e.isOwn ? " (the network's own)" : ""}`,
    energy(e.annPJ),
    energy(e.snnInputPJ),
    energy(e.snnRealPJ),
    energy(e.snnEventsPJ),
    e.snnBitsPJ === null ? "–" : energy(e.snnBitsPJ),
    energy(e.snnNeuronsPJ),
    energy(e.snnOtherPJ),
    times(e.ratio),
    times(e.ratioByBits),
  ]);
  const prices = report.energy.map(({ table: { name, picojoules } }) => [
    name,
    ...operationKinds.map((kind) => digits3(picojoules[kind])),
  ]);
  return html`<section aria-labelledby="cost">
    <h2 id="cost">What a sample costs</h2>
    <p>${latencyWords(reportLatency(report), answersOnce(report.accuracy.timesteps))}</p>
    <div class="figures">
      ${
        answersOnce(report.accuracy.timesteps)
          ? null
          : figure({
              svg: figures.operations,
              caption: "Events and products",
              note: "Words × weights and products on real values per sample up to each timestep; the dashed line is what the ANN multiplies.",
            })
      }
      ${table("Work per sample, at the end of the run", ["What", "Count"], counts, { wrap: true })}
    </div>
    ${table(
      "Energy per sample",
      [
        "Table",
        "ANN",
        "SNN: input",
        "Real values",
        "Events",
        "Or bits",
        "Neurons",
        "Other",
        "SNN / ANN",
        "By bits",
      ],
      rows,
    )}
    ${
      operations.bitsAreAdditions
        ? null
        : html`<p>There is no energy by bits: ${bitsMultiplyWords}.</p>`
    }
    <p>${rivalWords(report)}</p>
    <p class="muted">${report.energyCaveat}</p>
    <details>
      <summary>Operations by kind, and what each is taken to cost</summary>
      ${table("All operations by kind, the SNN's by events", ["Kind", "ANN", "SNN"], kinds, {
        wrap: true,
      })}
      ${table(
        "Picojoules for one operation",
        ["Table", ...operationKinds.map((kind) => kindWords[kind])],
        prices,
      )}
      ${report.energy.map((e) => html`<p class="muted">Table ${e.table.name}: ${e.table.source}.</p> `)}
    </details>
  </section>`;
}

const kindWords: Readonly<Record<keyof Operations, string>> = {
  multiplyAccumulates: "Multiply-accumulates",
  multiplications: "Multiplications",
  additions: "Additions",
  comparisons: "Comparisons",
  divisions: "Divisions",
  functions: "Functions",
};

export function makingSection(report: ConversionReport): Html {
  const { model, settings, tool, calibrationData, evaluationData } = report;
  const measured = report.pipeline.some((step) => step.seconds !== null);
  const steps = report.pipeline.map((step) => [
    step.pass,
    Object.entries(step.options)
      .map(([key, value]) => `${key}=${value}`)
      .join(", ") || "–",
    step.changed ? "yes" : "no",
    ...(measured ? [step.seconds === null ? "–" : `${digits3(step.seconds)} s`] : []),
  ]);
  const facts: (readonly [string, string | Html])[] = [
    ["Model", model.file ?? model.name],
    ["SHA-256 of the model", model.sha256 === null ? "–" : html`<code>${model.sha256}</code>`],
    ["Parameters", quantity(model.parameters)],
    ["Inputs", ports(model.inputs)],
    ["Outputs", ports(model.outputs)],
    ["Code", settings.code],
    ["Timesteps", String(settings.timesteps)],
    ["Latency", latencyWords(reportLatency(report), answersOnce(report.accuracy.timesteps))],
    ["Seed", settings.seed === null ? "none used" : String(settings.seed)],
    ["Calibration data", calibrationData === null ? "none" : dataset(calibrationData)],
    ["Evaluation data", dataset(evaluationData)],
    ["Made with", `${tool.name} ${tool.version}`],
  ];
  return html`<section aria-labelledby="making">
    <h2 id="making">How it was made</h2>
    <dl class="facts">
      ${facts.map(
        ([name, value]) =>
          html`<dt>${name}</dt>
            <dd>${value}</dd> `,
      )}
    </dl>
    ${table(
      "Pipeline",
      ["Pass", "Options", "Changed the network", ...(measured ? ["Time"] : [])],
      steps,
      { left: [1] },
    )}
    ${
      report.diagnostics.length === 0
        ? html`<p>No warnings.</p>`
        : html`<h3>Messages</h3>
            <ul class="advice">
              ${report.diagnostics.map(
                (d) =>
                  html`<li
                    class="${d.severity === "error" ? "high" : d.severity === "warning" ? "medium" : "info"}"
                  >
                    <b>${d.severity}[${d.code}]</b>
                    <p>${d.message}</p>
                    ${d.place === null ? null : html`<p class="muted">${d.place}</p>`}${d.notes.map(
                      (note) => html`<p class="muted">${note}</p>`,
                    )}${d.help === null ? null : html`<p>${d.help}</p>`}
                  </li> `,
              )}
            </ul>`
    }
  </section>`;
}

function ports(list: ConversionReport["model"]["inputs"]): string {
  return list.map((port) => `${port.name} [${port.shape.join(", ")}]`).join("; ");
}

function dataset(data: ConversionReport["evaluationData"]): Html {
  return html`${data.name}, ${data.samples}
  samples${
    data.labelled ? "" : " without labels"
  }${data.sha256 === null ? null : html`, SHA-256 <code>${data.sha256}</code>`}`;
}
