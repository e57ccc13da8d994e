/** The two building blocks of the page: a table that scrolls in itself, and a captioned figure. */
import { type Html, html, trusted } from "./markup.ts";

type TableCell = string | Html;

/** A table whose first column heads its rows. Scrolls sideways in its own box on narrow screens. */
export function table(
  caption: string,
  headings: readonly string[],
  rows: readonly (readonly TableCell[])[],
  options: {
    /** Columns of text, besides the first. */
    readonly left?: readonly number[];
    /** The first column may break its lines. */
    readonly wrap?: boolean;
  } = {},
): Html {
  const left = (column: number): string =>
    column === 0 || options.left?.includes(column) === true ? "left" : "";
  return html`<div class="scroll" role="region" tabindex="0" aria-label="${caption}">
    <table class="${options.wrap === true ? "wrap" : ""}">
      <caption>
        ${caption}
      </caption>
      <thead>
        <tr>
          ${headings.map((heading, i) => html`<th scope="col" class="${left(i)}">${heading}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              ${row.map((cell, i) =>
                i === 0
                  ? html`<th scope="row">${cell}</th>`
                  : html`<td class="${left(i)}">${cell}</td>`,
              )}
            </tr> `,
        )}
      </tbody>
    </table>
  </div>`;
}

/** A figure with its caption; nothing where there is no drawing. */
export function figure(parts: {
  readonly svg: string | null;
  readonly caption: string;
  readonly note: string;
  readonly legend?: Html;
  /** The same data as a table, for readers who cannot use the drawing. */
  readonly table?: Html;
}): Html {
  if (parts.svg === null) return html``;
  return html`<figure>
    <figcaption>${parts.caption}<small>${parts.note}</small></figcaption>
    ${parts.legend ?? null} ${trusted(parts.svg)}
    ${
      parts.table === undefined
        ? null
        : html`<details>
            <summary>As a table</summary>
            ${parts.table}
          </details>`
    }
  </figure>`;
}
