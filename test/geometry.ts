/**
 * Where the words of an SVG figure lie, without a browser: widths are those of DejaVu Sans, a wide
 * font, so that what fits here fits in the fonts that systems usually have.
 */
import { parseHTML } from "linkedom";

export interface Label {
  readonly text: string;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** What is wrong with the words of each figure in a page: two that overlap, one that is cut, one on a curve. */
export function faultsOf(page: string): string[] {
  const { document } = parseHTML(page);
  return [...document.querySelectorAll("svg")].flatMap((svg) => {
    const name = svg.getAttribute("aria-label") ?? "figure";
    const [, , width = 0, height = 0] = (svg.getAttribute("viewBox") ?? "").split(" ").map(Number);
    const labels = labelsIn(svg);
    const cut = labels.filter(
      ({ left, right, top, bottom }) => left < 0 || top < 0 || right > width || bottom > height,
    );
    const over = labels.flatMap((a, i) =>
      labels.slice(i + 1).flatMap((b) => (overlap(a, b) ? [[a.text, b.text]] : [])),
    );
    const strokes = strokesIn(svg);
    const covered = labels.filter((label) => strokes.some((stroke) => meets(label, stroke)));
    return [
      ...cut.map(({ text }) => `${name}: "${text}" is cut`),
      ...covered.map(({ text }) => `${name}: "${text}" is on a curve`),
      ...over.map(([a, b]) => `${name}: "${a ?? ""}" and "${b ?? ""}" overlap`),
    ];
  });
}

function overlap(a: Label, b: Label): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

/** The boxes of all text, in the units of the viewBox. */
export function labelsIn(svg: Element): Label[] {
  return [...svg.querySelectorAll("text")].flatMap((element): Label[] => {
    const text = element.textContent;
    if (text === "") return [];
    const inherited = (name: string): string | null =>
      element.closest(`[${name}]`)?.getAttribute(name) ?? null;
    const size = fontSizeOf(svg);
    const [dx, dy] = translationOf(element, svg);
    const x = lengthOf(element.getAttribute("x"), size) + dx;
    const y =
      lengthOf(element.getAttribute("y"), size) + lengthOf(element.getAttribute("dy"), size) + dy;
    const bold = Number(inherited("font-weight") ?? 400) >= 600;
    const width = widthOf(text) * size * (bold ? 1.1 : 1);
    const anchor = inherited("text-anchor");
    const left = x - width * (anchor === "end" ? 1 : anchor === "middle" ? 0.5 : 0);
    // Capitals and digits rise 0.73 of the size above the line; tails hang below it.
    return [{ text, left, right: left + width, top: y - 0.73 * size, bottom: y + 0.2 * size }];
  });
}

type Point = readonly [x: number, y: number];
type Stroke = readonly [from: Point, to: Point];

/** What draws data: the segments of curves, of lines to names and of levels, and dots as points. */
function strokesIn(svg: Element): Stroke[] {
  const at = (element: Element, points: readonly Point[]): Point[] => {
    const [dx, dy] = translationOf(element, svg);
    return points.map(([x, y]): Point => [x + dx, y + dy]);
  };
  const numbersIn = (element: Element, ...names: readonly string[]): number[] =>
    names.map((name) => Number(element.getAttribute(name) ?? 0));
  const polylines = [
    ...[...svg.querySelectorAll("[aria-label='line'] path")].map((path) =>
      at(path, pairsIn(path.getAttribute("d") ?? "")),
    ),
    ...[...svg.querySelectorAll("polyline")].map((line) =>
      at(line, pairsIn(line.getAttribute("points") ?? "")),
    ),
    ...[...svg.querySelectorAll("[aria-label='rule'] line")].map((line) => {
      const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] = numbersIn(line, "x1", "y1", "x2", "y2");
      return at(line, [
        [x1, y1],
        [x2, y2],
      ]);
    }),
  ];
  const dots = [...svg.querySelectorAll("circle")].flatMap((dot): Stroke[] => {
    const [x = 0, y = 0] = numbersIn(dot, "cx", "cy");
    return at(dot, [[x, y]]).map((point) => [point, point]);
  });
  return [
    ...polylines.flatMap((points) => points.slice(1).map((to, i): Stroke => [points[i] ?? to, to])),
    ...dots,
  ];
}

function pairsIn(text: string): Point[] {
  const numbers = [...text.matchAll(/-?\d+(?:\.\d+)?(?:e[-+]?\d+)?/g)].map(Number);
  return numbers.flatMap((x, i): Point[] => (i % 2 === 0 ? [[x, numbers[i + 1] ?? 0]] : []));
}

/** Whether a segment passes through a box: what is left of it between the box' sides (Liang and Barsky). */
function meets(box: Label, [[x0, y0], [x1, y1]]: Stroke): boolean {
  const sides = [
    [x0 - x1, x0 - box.left],
    [x1 - x0, box.right - x0],
    [y0 - y1, y0 - box.top],
    [y1 - y0, box.bottom - y0],
  ] as const;
  let [from, to] = [0, 1];
  for (const [across, room] of sides) {
    if (across === 0 && room <= 0) return false;
    if (across < 0) from = Math.max(from, room / across);
    if (across > 0) to = Math.min(to, room / across);
  }
  return from < to || (from === to && x0 === x1 && y0 === y1);
}

/** The sum of the translations of an element and of all around it. */
function translationOf(element: Element, svg: Element): Point {
  let [x, y] = [0, 0];
  for (let at: Element | null = element; at !== null && at !== svg; at = at.parentElement) {
    const [, dx = "0", dy = "0"] =
      /translate\(([-\d.e]+)(?:[ ,]+([-\d.e]+))?\)/.exec(at.getAttribute("transform") ?? "") ?? [];
    x += Number(dx);
    y += Number(dy);
  }
  return [x, y];
}

function fontSizeOf(svg: Element): number {
  return Number(/font-size:\s*([\d.]+)px/.exec(svg.getAttribute("style") ?? "")?.[1] ?? 10);
}

function lengthOf(text: string | null, size: number): number {
  if (text === null) return 0;
  return Number.parseFloat(text) * (text.endsWith("em") ? size : 1);
}

/** In units of the font's size. */
function widthOf(text: string): number {
  return Array.from(text).reduce((sum, c) => sum + characterWidth(c), 0);
}

function characterWidth(c: string): number {
  if (/[ .,:;/'|ijl]/.test(c)) return 0.33;
  if (/[rtf()-]/.test(c)) return 0.41;
  if (/[MWm%w…]/.test(c)) return 0.93;
  if (/[A-Z→−+↑]/.test(c)) return 0.8;
  return 0.63;
}
