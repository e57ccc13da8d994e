/** Identifiers of C for what has other names in the network. */

/** Words that C11 and C++ have taken, as far as a node may be called so. */
const taken = new Set(
  (
    "auto break case char const continue default do double else enum extern float for goto if inline int long " +
    "register restrict return short signed sizeof static struct switch typedef union unsigned void volatile while " +
    "bool class delete export false friend mutable namespace new operator private protected public template this " +
    "throw true try typeid typename using virtual and or not xor main"
  ).split(" "),
);

/** Whether C or C++ has taken a word. */
export function isTaken(name: string): boolean {
  return taken.has(name);
}

/** A name as an identifier: letters, digits and single underscores, in lower case. */
export function identifierOf(name: string): string {
  const plain = name
    .replace(/[^A-Za-z0-9]+/g, "_")
    .replace(/^_+|_+$/g, "")
    .toLowerCase();
  const begun = /^[a-z]/.test(plain) ? plain : `n${plain === "" ? "" : `_${plain}`}`;
  return taken.has(begun) ? `${begun}_` : begun;
}

/** Gives out identifiers, each once. */
export class Names {
  private readonly used = new Set<string>();

  constructor(reserved: readonly string[] = []) {
    for (const name of reserved) this.used.add(name);
  }

  /** The identifier of `name`, with a number behind it from the second one on. */
  claim(name: string): string {
    const base = identifierOf(name);
    let found = base;
    for (let n = 2; this.used.has(found); n++) found = `${base}_${n}`;
    this.used.add(found);
    return found;
  }
}
