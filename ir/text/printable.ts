/**
 * Names come from models, files and data, and may hold anything: commands to a terminal, line breaks
 * that fake a message, marks that turn the direction of text. Here is the one place that makes them
 * visible instead. What comes out is plain text; it is not escaped for HTML.
 */

/**
 * What must not reach a terminal or a page as it is: control characters (C0, DEL, C1), format
 * characters (direction, invisible ones), separators of lines, halves of surrogate pairs, and two
 * code points that are no characters. The joiners U+200C and U+200D are letters of some scripts.
 */
const unprintable = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\ufffe\uffff]|(?![\u200c\u200d])\p{Cf}/gu;

/**
 * `text` on one line, with every other character as JSON writes it: `\u001b`. Text that is printable
 * stays as it is, and so does JSON in what it means.
 */
export function printable(text: string): string {
  return text.replace(unprintable, visible);
}

/** The same, but line breaks stay: for text of our own that names have been put into. */
export function printableLines(text: string): string {
  return text.replace(unprintable, (found) => (found === "\n" ? found : visible(found)));
}

/** The UTF-16 code units of `found`, each as four hex digits. */
function visible(found: string): string {
  return Array.from({ length: found.length }, (_, i) => {
    const unit = found.charCodeAt(i).toString(16);
    return `\\u${unit.padStart(4, "0")}`;
  }).join("");
}

/** A name of any length for a message, cut to what fits on a line or two. */
export function shortened(name: string): string {
  return name.length > 120 ? `${name.slice(0, 100)}… (${name.length} characters)` : name;
}
