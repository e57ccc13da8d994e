/**
 * The rules of the house that a machine can check. Layout is Prettier's, the direction of imports
 * is .dependency-cruiser.cjs's, dead exports are Knip's.
 */
import tseslint from "typescript-eslint";

const codeThatPrints = ["cli/terminal/terminal.ts", "scripts/**", "bench/**"];
const codeWithClock = ["cli/**", "scripts/**", "bench/**"];
const codeThatIsAProcess = ["cli/**", "scripts/**", "bench/**", "test/**"];

/** Rules too small to be worth a plugin. */
const house = {
  rules: {
    "explained-disable": {
      meta: { type: "suggestion", schema: [] },
      create: (context) => ({
        Program() {
          for (const comment of context.sourceCode.getAllComments()) {
            const text = comment.value.trim();
            if (/^eslint-disable/.test(text) && !/\s--\s+\S/.test(text)) {
              context.report({
                loc: comment.loc,
                message: "Say why the rule is off: `eslint-disable-next-line rule -- reason`.",
              });
            }
          }
        },
      }),
    },
    "todo-with-issue": {
      meta: { type: "suggestion", schema: [] },
      create: (context) => ({
        Program() {
          for (const comment of context.sourceCode.getAllComments()) {
            if (/\b(TODO(?!\(#\d+\):)|FIXME|XXX|HACK)\b/.test(comment.value)) {
              context.report({
                loc: comment.loc,
                message: "Write `TODO(#123): …` with an issue, or leave it out.",
              });
            }
          }
        },
      }),
    },
    "opening-comment": {
      meta: { type: "suggestion", schema: [] },
      create: (context) => ({
        Program(node) {
          const first = context.sourceCode.ast.tokens[0];
          const opens = context.sourceCode
            .getAllComments()
            .some(
              (comment) =>
                comment.type !== "Shebang" && comment.range[0] < (first?.range[0] ?? Infinity),
            );
          if (!opens) {
            context.report({
              node,
              loc: { line: 1, column: 0 },
              message:
                "Open the file with one to five lines on why it exists and what it does not do.",
            });
          }
        },
      }),
    },
  },
};

const noNamespace = {
  selector: "TSModuleDeclaration[id.type!='Literal'][kind!='global']",
  message: "No namespaces: a file is the module.",
};
const noEnum = { selector: "TSEnumDeclaration", message: "Use a union of string literals." };
const noDefaultExport = {
  selector: "ExportDefaultDeclaration, ExportSpecifier[exported.name='default']",
  message: "Export by name: the name is what a reader searches for.",
};
const noBareError = {
  selector: "ThrowStatement > :matches(NewExpression, CallExpression)[callee.name=/Error$/]",
  message:
    "The user's input or the environment: `fail(diagnose(…))`. Our own bug: `invariant(…)`. Both are in ir/diagnostic.ts.",
};

export default tseslint.config(
  { ignores: ["dist/", "coverage/", "out/", "node_modules/"] },
  {
    linterOptions: { reportUnusedDisableDirectives: "error" },
    plugins: { house },
    rules: {
      "house/explained-disable": "error",
      "house/todo-with-issue": "error",
      eqeqeq: "error",
      "prefer-const": "error",
      "no-var": "error",
      "no-console": "error",
      "max-lines": ["error", { max: 500, skipBlankLines: false, skipComments: false }],
    },
  },
  {
    // Written out as it is: each file more is one that a page has to fetch before it can run.
    files: ["backends/wasm/emit/loader/model-runner.js"],
    rules: { "max-lines": ["error", { max: 600, skipBlankLines: false, skipComments: false }] },
  },
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      "house/opening-comment": "error",

      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/no-non-null-assertion": "error",
      "@typescript-eslint/consistent-type-assertions": ["error", { assertionStyle: "never" }],
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-misused-promises": "error",
      // A `default:` counts as a decision; a switch without one must name every case.
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true, requireDefaultForNonUnion: true },
      ],
      "@typescript-eslint/no-unused-vars": [
        "error",
        { argsIgnorePattern: "^_", varsIgnorePattern: "^_", caughtErrors: "all" },
      ],
      // An async function without await is how an interface that returns a promise is kept.
      "@typescript-eslint/require-await": "off",

      "no-restricted-syntax": ["error", noEnum, noNamespace, noDefaultExport, noBareError],
      "no-restricted-properties": [
        "error",
        { object: "Math", property: "random", message: "Random numbers come from a seed." },
        ...["stdout", "stderr", "exit"].map((property) => ({
          object: "process",
          property,
          message: "Only cli/ talks to the process.",
        })),
      ],
      "no-restricted-globals": [
        "error",
        { name: "Date", message: "Same input, same bytes out: only cli/ may read the clock." },
        // Properties of a browser's window: as bare names they are spelling mistakes.
        ...[
          "name",
          "event",
          "status",
          "length",
          "top",
          "parent",
          "self",
          "origin",
          "close",
          "stop",
        ],
      ],
    },
  },
  {
    files: codeThatIsAProcess,
    rules: {
      "no-restricted-properties": [
        "error",
        { object: "Math", property: "random", message: "Random numbers come from a seed." },
      ],
    },
  },
  {
    files: codeWithClock,
    rules: {
      "no-restricted-properties": "off",
      "no-restricted-globals": "off",
    },
  },
  { files: codeThatPrints, rules: { "no-console": "off" } },
  {
    // Tests throw to fail, and feed our code with errors that are not ours.
    files: ["test/**/*.ts"],
    rules: { "no-restricted-syntax": ["error", noEnum, noNamespace, noDefaultExport] },
  },
  {
    files: ["ir/diagnostic.ts"],
    rules: { "no-restricted-syntax": ["error", noEnum, noNamespace, noDefaultExport] },
  },
  {
    files: ["*.config.ts", "**/*.js", "**/*.cjs", "**/*.mjs"],
    extends: [tseslint.configs.disableTypeChecked],
    rules: { "no-restricted-syntax": "off" },
  },
);
