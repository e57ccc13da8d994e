/**
 * Figures of the demo page: inputs as pictures, bars over timesteps, and spike rasters. Draws what it
 * is given into elements that it is given; knows nothing of running networks.
 *
 * @import { InputInfo, LayerInfo } from "./api.ts"
 */

const svgNamespace = "http://www.w3.org/2000/svg";

/**
 * How the elements of an input lie as a picture: images by their axes, anything else as near to a
 * square as its length allows.
 *
 * @param {InputInfo} input
 */
export function pictureOf({ shape, preprocess }) {
  const axes = shape.filter((extent, axis) => extent !== 1 || axis >= shape.length - 3).slice(-3);
  const last = preprocess?.layout === "NHWC";
  const [channels = 1, height = 1, width = 1] = last ? [axes[2], axes[0], axes[1]] : axes;
  if (axes.length === 3 && (channels === 1 || channels === 3)) {
    return { channels, height, width, last };
  }
  const count = shape.reduce((product, extent) => product * extent, 1);
  const side = Math.ceil(Math.sqrt(count));
  return { channels: 1, height: Math.ceil(count / side), width: side, last: false };
}

/**
 * Draws input elements with their smallest value black and their largest white.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {InputInfo} input
 * @param {ArrayLike<number>} data
 */
export function drawInput(canvas, input, data) {
  const { channels, height, width, last } = pictureOf(input);
  canvas.width = width;
  canvas.height = height;
  let [low, high] = [Infinity, -Infinity];
  for (let i = 0; i < data.length; i++) {
    low = Math.min(low, data[i] ?? 0);
    high = Math.max(high, data[i] ?? 0);
  }
  const range = high > low ? high - low : 1;
  const image = new ImageData(width, height);
  const size = width * height;
  for (let i = 0; i < size; i++) {
    for (let colour = 0; colour < 3; colour++) {
      const c = channels === 3 ? colour : 0;
      const value = data[last ? i * channels + c : c * size + i] ?? low;
      image.data[4 * i + colour] = (255 * (value - low)) / range;
    }
    image.data[4 * i + 3] = 255;
  }
  canvas.getContext("2d")?.putImageData(image, 0, 0);
}

/**
 * @typedef {object} Bar
 * @property {number} height From 0 to 1.
 * @property {string} label
 * @property {string} title
 * @property {"right" | "wrong" | "accent" | "muted"} tone
 */

/**
 * A bar for each timestep, with the height's axis from 0 to 100 %.
 *
 * @param {HTMLElement} into
 * @param {readonly Bar[]} bars
 * @param {string} description
 */
export function drawBars(into, bars, description) {
  // As wide as the page has it, so that text keeps its size.
  const width = Math.max(280, into.clientWidth);
  const [left, right, top, bottom] = [42, 8, 8, 34];
  const height = 190;
  const inner = height - top - bottom;
  const pitch = (width - left - right) / Math.max(1, bars.length);
  const svg = element("svg", { viewBox: `0 0 ${width} ${height}`, role: "img" });
  svg.append(titled("title", description));
  for (const share of [0, 0.5, 1]) {
    const y = top + inner * (1 - share);
    svg.append(
      element("line", { x1: left, x2: width - right, y1: y, y2: y, stroke: "var(--line)" }),
    );
    svg.append(text(`${share * 100} %`, { x: left - 4, y: y + 4, "text-anchor": "end" }));
  }
  const every = Math.max(1, Math.ceil(34 / pitch));
  // Labels that do not fit are left out, not squeezed.
  const longest = bars.reduce((most, { label }) => Math.max(most, label.length), 1);
  const labelled = Math.max(1, Math.ceil((7 * longest + 2) / pitch));
  bars.forEach(({ height: share, label, title, tone }, i) => {
    const tall = Math.max(1, inner * share);
    const x = left + i * pitch;
    const bar = element("rect", {
      x: x + pitch * 0.1,
      y: top + inner - tall,
      width: pitch * 0.8,
      height: tall,
      rx: Math.min(3, pitch / 6),
      fill: `var(--${tone})`,
    });
    bar.append(titled("title", title));
    svg.append(bar);
    const middle = { x: x + pitch / 2, "text-anchor": "middle" };
    if (i % labelled === 0) svg.append(text(label, { ...middle, y: height - 20 }));
    // The first says what is counted, which takes room.
    if (i === 0 || ((i + 1) % every === 0 && i * pitch > 30)) {
      svg.append(text(i === 0 ? "t = 1" : String(i + 1), { ...middle, y: height - 5 }));
    }
  });
  into.replaceChildren(svg);
}

/** Rows that a raster shows at most: beyond, neurons are taken at even distances. */
const mostRows = 160;

/** Pixels of a spike with the gap after it: neighbours in time stay apart. */
const dotWidth = 5;

/**
 * Spikes of a layer: a column per timestep, a row per neuron. Without a probe there are only counts,
 * drawn as one row of shades, the darkest where most neurons fire.
 *
 * @param {LayerInfo} layer
 * @param {Float64Array} counts Spikes at each timestep.
 * @param {ArrayLike<number> | null} values Amplitude or 0, [T, neurons].
 */
export function drawLayer(layer, counts, values) {
  const figure = document.createElement("figure");
  figure.className = "layer";
  const timesteps = counts.length;
  const rows = values === null ? 1 : Math.min(mostRows, layer.neurons);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const most = counts.reduce((largest, count) => Math.max(largest, count), 1);
  const rate = (100 * total) / Math.max(1, layer.neurons * timesteps);
  const caption = document.createElement("figcaption");
  const shown = values === null || rows === layer.neurons ? "" : `, ${rows} of them shown`;
  caption.append(
    spanOf(`${layer.name}: ${layer.neurons} neurons${shown}`),
    spanOf(`${total} spikes, ${rate.toFixed(1)} %`),
  );
  const canvas = document.createElement("canvas");
  canvas.width = dotWidth * timesteps;
  canvas.height = rows;
  const tall = values === null ? 18 : Math.min(220, Math.max(40, rows * 2));
  canvas.style.height = `${tall}px`;
  const image = new ImageData(dotWidth * timesteps, rows);
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const [ink, paper] = dark
    ? [
        [109, 179, 242],
        [29, 33, 39],
      ]
    : [
        [11, 98, 176],
        [255, 255, 255],
      ];
  for (let t = 0; t < timesteps; t++) {
    for (let row = 0; row < rows; row++) {
      const neuron = Math.floor((row * layer.neurons) / rows);
      const strength =
        values === null
          ? (counts[t] ?? 0) / most
          : values[t * layer.neurons + neuron] === 0
            ? 0
            : 1;
      for (let x = 0; x < dotWidth; x++) {
        const at = 4 * (dotWidth * (row * timesteps + t) + x);
        const share = x === dotWidth - 1 ? 0 : strength;
        for (let c = 0; c < 3; c++) {
          image.data[at + c] = (paper[c] ?? 0) + share * ((ink[c] ?? 0) - (paper[c] ?? 0));
        }
        image.data[at + 3] = 255;
      }
    }
  }
  canvas.getContext("2d")?.putImageData(image, 0, 0);
  figure.append(caption, canvas);
  return figure;
}

/** @param {string} content */
function spanOf(content) {
  const span = document.createElement("span");
  span.textContent = content;
  return span;
}

/**
 * @param {string} name
 * @param {Record<string, string | number>} attributes
 */
function element(name, attributes) {
  const made = document.createElementNS(svgNamespace, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  return made;
}

/**
 * @param {string} name
 * @param {string} content
 */
function titled(name, content) {
  const made = element(name, {});
  made.textContent = content;
  return made;
}

/**
 * @param {string} content
 * @param {Record<string, string | number>} attributes
 */
function text(content, attributes) {
  const made = element("text", attributes);
  made.textContent = content;
  return made;
}
