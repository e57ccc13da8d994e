/**
 * HTML by template, escaped unless it is already HTML: names in a report come from the user's model
 * and may hold anything.
 */
import { printable } from "../../ir/text/printable.ts";

/** Text that is HTML already. Only `html` and `trusted` make it. */
export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type HtmlContent = Html | string | number | null | readonly HtmlContent[];

/** `<b>${name}</b>`, with every value escaped for text and for quoted attributes. */
export function html(strings: TemplateStringsArray, ...values: readonly HtmlContent[]): Html {
  let text = strings[0] ?? "";
  values.forEach((value, i) => {
    text += textOf(value) + (strings[i + 1] ?? "");
  });
  return new Html(text);
}

/** Markup of our own making, such as a drawn figure. */
export function trusted(markup: string): Html {
  return new Html(markup);
}

function textOf(value: HtmlContent): string {
  if (value === null) return "";
  if (value instanceof Html) return value.text;
  if (typeof value === "string") return escape(value);
  if (typeof value === "number") return String(value);
  return value.map(textOf).join("");
}

const entities: ReadonlyMap<string, string> = new Map([
  ["&", "&amp;"],
  ["<", "&lt;"],
  [">", "&gt;"],
  ['"', "&quot;"],
  ["'", "&#39;"],
]);

function escape(text: string): string {
  return printable(text).replace(/[&<>"']/g, (c) => entities.get(c) ?? c);
}
