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

/** What is wrong with the words of each figure in a page: two that overlap, one that is cut. */
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
    return [
      ...cut.map(({ text }) => `${name}: "${text}" is cut`),
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
    let x = lengthOf(element.getAttribute("x"), size);
    let y = lengthOf(element.getAttribute("y"), size) + lengthOf(element.getAttribute("dy"), size);
    for (let at: Element | null = element; at !== null && at !== svg; at = at.parentElement) {
      const [, dx = "0", dy = "0"] =
        /translate\(([-\d.e]+)(?:[ ,]+([-\d.e]+))?\)/.exec(at.getAttribute("transform") ?? "") ??
        [];
      x += Number(dx);
      y += Number(dy);
    }
    const bold = Number(inherited("font-weight") ?? 400) >= 600;
    const width = widthOf(text) * size * (bold ? 1.1 : 1);
    const anchor = inherited("text-anchor");
    const left = x - width * (anchor === "end" ? 1 : anchor === "middle" ? 0.5 : 0);
    // Capitals and digits rise 0.73 of the size above the line; tails hang below it.
    return [{ text, left, right: left + width, top: y - 0.73 * size, bottom: y + 0.2 * size }];
  });
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
