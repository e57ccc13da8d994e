/**
 * The demo page: choose a sample, draw or load an image, and see what the network makes of it at each
 * timestep. An example of how to use model.js, with nothing but the page's own files.
 *
 * @import { Network, RunOptions, RunResult, Series } from "./api.ts"
 */
import { argmax, load } from "./model.js";
import { drawBars, drawInput, drawLayer, pictureOf } from "./demo-draw.js";

/**
 * @template {Element} E
 * @param {string} id
 * @param {new () => E} type
 * @returns {E}
 */
function find(id, type) {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`the page has no #${id}`);
  return found;
}

const summary = find("summary", HTMLElement);
try {
  await start();
} catch (error) {
  summary.textContent = `It did not work: ${error instanceof Error ? error.message : String(error)}`;
}

/**
 * @typedef {object} Sample
 * @property {number | null} label
 * @property {Float32Array[]} inputs
 */

async function start() {
  const network = await load(new URL("./", import.meta.url));
  const [samples, report] = await Promise.all([fetchSamples(network), fetchJson("report.json")]);
  describe(network, report);
  const state = {
    /** @type {Sample | null} */
    sample: null,
  };
  /** @param {Sample | null} sample */
  const show = (sample) => {
    if (sample === null) return;
    state.sample = sample;
    showRun(network, sample);
  };
  offerSamples(network, samples, show);
  offerDrawing(network, show);
  offerAll(network, samples);
  const again = () => show(state.sample);
  find("early", HTMLInputElement).addEventListener("change", again);
  find("margin", HTMLInputElement).addEventListener("input", again);
  addEventListener("resize", again);
  find("demo", HTMLElement).hidden = false;
  show(samples[0] ?? null);
}

/**
 * @param {Network} network
 * @param {any} report
 */
function describe(network, report) {
  const neurons = network.layers.reduce((sum, layer) => sum + layer.neurons, 0);
  const { code, weights, total } = report.sizes;
  document.title = network.name;
  find("title", HTMLElement).textContent = network.name;
  const what =
    network.kind === "snn"
      ? `A spiking network: ${neurons} neurons in ${network.layers.length} layers, ` +
        `${network.timesteps} timesteps. `
      : "An analogue network. ";
  summary.textContent =
    what +
    `${kilobytes(code.bytes)} of WebAssembly and ${kilobytes(weights.bytes)} of weights, ` +
    `${kilobytes(total.gzipBytes)} over the wire with the loader; ` +
    `${kilobytes(network.memoryBytes)} of memory while it runs.`;
}

/** @param {number} bytes */
function kilobytes(bytes) {
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/**
 * @param {string} file
 * @returns {Promise<any>}
 */
async function fetchJson(file) {
  const response = await fetch(new URL(file, import.meta.url));
  if (!response.ok) throw new Error(`${file}: the server says ${response.status}`);
  return response.json();
}

/**
 * @param {Network} network
 * @returns {Promise<Sample[]>}
 */
async function fetchSamples(network) {
  const listing = await fetchJson("samples.json");
  const response = await fetch(new URL("samples.bin", import.meta.url));
  const values = new Float32Array(await response.arrayBuffer());
  let at = 0;
  return listing.labels.map((/** @type {number | null} */ label) => {
    const inputs = network.inputs.map(({ shape }) => {
      const count = shape.reduce((product, extent) => product * extent, 1);
      at += count;
      return values.subarray(at - count, at);
    });
    return { label, inputs };
  });
}

/**
 * @param {Network} network
 * @param {readonly Sample[]} samples
 * @param {(sample: Sample) => void} show
 */
function offerSamples({ inputs: [input] }, samples, show) {
  const strip = find("samples", HTMLElement);
  if (input === undefined) return;
  const buttons = samples.map((sample, index) => {
    const button = document.createElement("button");
    const canvas = document.createElement("canvas");
    drawInput(canvas, input, sample.inputs[0] ?? []);
    button.type = "button";
    button.setAttribute("aria-pressed", String(index === 0));
    button.setAttribute("aria-label", `sample ${index + 1}`);
    button.append(canvas);
    button.addEventListener("click", () => {
      for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
      show(sample);
    });
    return button;
  });
  strip.replaceChildren(...buttons);
}

/**
 * Drawing and loading need to know how pixels become input.
 *
 * @param {Network} network
 * @param {(sample: Sample) => void} show
 */
function offerDrawing(network, show) {
  const [input] = network.inputs;
  const hint = find("hint", HTMLElement);
  const isImage = input !== undefined && input.shape.length >= 3 && network.inputs.length === 1;
  if (!isImage || input.preprocess === null) {
    hint.textContent =
      isImage && network.inputs.length === 1
        ? "Samples only: a build with --preprocess takes drawings and images too."
        : "Choose a sample.";
    return;
  }
  hint.textContent = "Choose a sample, or draw your own below.";
  find("drawing", HTMLElement).hidden = false;
  const { width, height } = pictureOf(input);
  const pad = find("pad", HTMLCanvasElement);
  const pen = contextOf(pad);
  const invert = find("invert", HTMLInputElement);
  const small = document.createElement("canvas");
  small.width = width;
  small.height = height;
  const paper = contextOf(small);
  paper.imageSmoothingQuality = "high";
  const clear = () => {
    pen.fillStyle = "#000";
    pen.fillRect(0, 0, pad.width, pad.height);
  };
  const classify = () => {
    // Halved again and again: one big step would skip most pixels.
    let from = pad;
    while (from.width > 2 * width && from.height > 2 * height) {
      const half = document.createElement("canvas");
      half.width = from.width / 2;
      half.height = from.height / 2;
      contextOf(half).drawImage(from, 0, 0, half.width, half.height);
      from = half;
    }
    paper.drawImage(from, 0, 0, width, height);
    const image = paper.getImageData(0, 0, width, height);
    if (invert.checked) {
      image.data.forEach((value, i) => {
        if (i % 4 !== 3) image.data[i] = 255 - value;
      });
    }
    for (const button of document.querySelectorAll("#samples button")) {
      button.setAttribute("aria-pressed", "false");
    }
    show({ label: null, inputs: [network.fromPixels(image)] });
  };
  clear();
  pen.strokeStyle = "#fff";
  pen.lineWidth = 24;
  pen.lineCap = "round";
  pen.lineJoin = "round";
  /** @param {PointerEvent} event */
  const place = (event) => {
    const { left, top, width: across, height: down } = pad.getBoundingClientRect();
    const x = ((event.clientX - left) * pad.width) / across;
    const y = ((event.clientY - top) * pad.height) / down;
    return /** @type {const} */ ([x, y]);
  };
  pad.addEventListener("pointerdown", (event) => {
    pad.setPointerCapture(event.pointerId);
    pen.beginPath();
    pen.moveTo(...place(event));
    pen.lineTo(...place(event));
    pen.stroke();
  });
  pad.addEventListener("pointermove", (event) => {
    if (!pad.hasPointerCapture(event.pointerId)) return;
    pen.lineTo(...place(event));
    pen.stroke();
  });
  pad.addEventListener("pointerup", classify);
  invert.addEventListener("change", classify);
  find("clear", HTMLButtonElement).addEventListener("click", clear);
  find("file", HTMLInputElement).addEventListener("change", async ({ target }) => {
    const file = target instanceof HTMLInputElement ? target.files?.[0] : undefined;
    if (file === undefined) return;
    try {
      const picture = await createImageBitmap(file);
      // The whole pad is covered; what sticks out is cut off.
      const scale = Math.max(pad.width / picture.width, pad.height / picture.height);
      const [across, down] = [picture.width * scale, picture.height * scale];
      pen.drawImage(picture, (pad.width - across) / 2, (pad.height - down) / 2, across, down);
      classify();
    } catch {
      find("file-note", HTMLElement).textContent =
        `${file.name} is no image that this browser can read.`;
    }
  });
}

/** @param {HTMLCanvasElement} canvas */
function contextOf(canvas) {
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (context === null) throw new Error("this browser cannot draw on a canvas");
  return context;
}

/**
 * @param {Network} network
 * @returns {RunOptions}
 */
function optionsOf(network) {
  const margin = Number(find("margin", HTMLInputElement).value);
  find("margin-shown", HTMLElement).textContent = margin.toFixed(2);
  const early = find("early", HTMLInputElement).checked;
  const probes = network.probes.filter(({ keeps }) => keeps === "spikes").map(({ name }) => name);
  return { spikes: true, probes, ...(early ? { exit: { margin } } : {}) };
}

/**
 * @param {Network} network
 * @param {Sample} sample
 */
function showRun(network, sample) {
  const [input] = network.inputs;
  const started = performance.now();
  const result = network.run(sample.inputs, optionsOf(network));
  const milliseconds = performance.now() - started;
  if (input !== undefined) {
    drawInput(find("shown", HTMLCanvasElement), input, sample.inputs[0] ?? []);
  }
  const output = firstOutput(network, result);
  const answers = leadersOf(output, result.timesteps);
  const last = answers[answers.length - 1];
  if (last === undefined) return;
  const { label } = sample;
  const shown = find("class", HTMLElement);
  shown.textContent = className(network, last.index);
  shown.className = label === null ? "" : last.index === label ? "right" : "wrong";
  const truth =
    label === null || label === last.index ? "" : `, but it is ${className(network, label)}`;
  find("facts", HTMLElement).textContent =
    `${(100 * last.share).toFixed(0)} %${truth}; ${result.timesteps} of ${network.timesteps} ` +
    `timesteps, ${milliseconds.toFixed(1)} ms, ${result.spikes?.total ?? 0} spikes`;
  const bars = answers.map(({ index, share }, i) => ({
    height: share,
    label: className(network, index),
    title: `t = ${i + 1}: ${className(network, index)}, ${(100 * share).toFixed(1)} %`,
    tone: toneOf(index, label, last.index),
  }));
  drawBars(find("steps", HTMLElement), bars, "Share of the leading class at each timestep");
  showSpikes(network, result);
}

/**
 * @param {number} index
 * @param {number | null} label
 * @param {number} final
 * @returns {"right" | "wrong" | "accent" | "muted"}
 */
function toneOf(index, label, final) {
  if (label === null) return index === final ? "accent" : "muted";
  return index === label ? "right" : "wrong";
}

/**
 * @param {Network} network
 * @param {RunResult} result
 */
function showSpikes(network, result) {
  const layers = network.layers.map((layer) => {
    const values = result.probes[layer.name]?.data ?? null;
    const counts = result.spikes?.layers[layer.name] ?? new Float64Array(result.timesteps);
    return drawLayer(layer, counts, values);
  });
  const probed = network.layers.some(({ name }) => result.probes[name] !== undefined);
  find("raster-note", HTMLElement).textContent =
    network.layers.length === 0
      ? "The network has no spiking neurons."
      : probed
        ? "A column for each timestep, a row for each neuron, a bar for each spike."
        : "How many neurons fire at each timestep, darkest where most do. A build with --probe all shows each.";
  find("raster", HTMLElement).replaceChildren(...layers);
}

/**
 * @param {Network} network
 * @param {readonly Sample[]} samples
 */
function offerAll(network, samples) {
  const known = samples.filter(({ label }) => label !== null);
  if (known.length === 0) return;
  find("all", HTMLElement).hidden = false;
  const button = find("run-all", HTMLButtonElement);
  button.addEventListener("click", async () => {
    button.disabled = true;
    const pool = await network.createPool(Math.min(4, navigator.hardwareConcurrency || 1));
    const started = performance.now();
    const inputs = known.map((sample) => sample.inputs);
    const results = await pool.runAll(inputs).finally(() => pool.close());
    const milliseconds = performance.now() - started;
    const right = new Array(network.timesteps).fill(0);
    results.forEach((result, i) => {
      const label = known[i]?.label;
      leadersOf(firstOutput(network, result), result.timesteps).forEach(({ index }, t) => {
        if (index === label) right[t]++;
      });
    });
    const bars = right.map((count, i) => ({
      height: count / known.length,
      label: String(count),
      title: `t = ${i + 1}: ${count} of ${known.length} right`,
      tone: /** @type {const} */ ("accent"),
    }));
    const how =
      pool.memory === "none"
        ? `on the page's own thread (${pool.reason})`
        : `on ${pool.threads} workers, ${pool.memory === "shared" ? "one memory" : `a memory each: ${pool.reason}`}`;
    find("all-note", HTMLElement).textContent =
      `Of ${known.length} samples, how many are right after each timestep. ` +
      `${milliseconds.toFixed(0)} ms ${how}.`;
    drawBars(find("accuracy", HTMLElement), bars, "Samples that are right after each timestep");
    button.disabled = false;
  });
}

/**
 * @param {Network} network
 * @param {RunResult} result
 */
function firstOutput({ outputs: [output] }, result) {
  const series = output === undefined ? undefined : result.outputs[output.name];
  if (series === undefined) throw new Error("the network has no output");
  return series;
}

/**
 * The best class after each timestep, and its share by softmax.
 *
 * @param {Series} series
 * @param {number} timesteps
 */
function leadersOf(series, timesteps) {
  return Array.from({ length: timesteps }, (_, i) => {
    const values = series.at(i + 1);
    const index = argmax(values);
    const best = values[index] ?? 0;
    const sum = values.reduce((all, value) => all + Math.exp(value - best), 0);
    return { index, share: 1 / sum };
  });
}

/**
 * @param {Network} network
 * @param {number} index
 */
function className({ classes }, index) {
  return classes?.[index] ?? String(index);
}
