/**
 * The direction of imports: cli → library → backends, calibrate, frontend, passes → ir.
 * docs/architecture.md gives the reasons; this file is what refuses.
 */
const middle = "(frontend|passes|backends|calibrate)";
const source = "^(index\\.ts$|(ir|frontend|passes|backends|calibrate|library|cli)/)";

/** @type {import("dependency-cruiser").IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: "ir-imports-nothing-of-ours",
      comment: "ir/ is the bottom: what it needs from above is an interface that it declares.",
      severity: "error",
      from: { path: "^ir/" },
      to: { path: `^(index\\.ts$|(${middle}|library|cli|scripts|bench|test)/)` },
    },
    {
      name: "ir-imports-no-package",
      comment: "The representation stays portable. SHA-256 is the one thing it does not do itself.",
      severity: "error",
      from: { path: "^ir/" },
      to: {
        pathNot: "node_modules/@noble/hashes",
        dependencyTypes: [
          "npm",
          "npm-dev",
          "npm-optional",
          "npm-peer",
          "npm-no-pkg",
          "npm-unknown",
        ],
      },
    },
    {
      name: "middle-row-is-apart",
      comment:
        "What one of these needs of another is an interface in ir/, handed in by cli/ or index.ts.",
      severity: "error",
      from: { path: `^${middle}/` },
      to: { path: `^${middle}/`, pathNot: "^$1/" },
    },
    {
      name: "middle-row-looks-down",
      severity: "error",
      from: { path: `^${middle}/` },
      to: { path: "^(index\\.ts$|(library|cli|scripts|bench|test)/)" },
    },
    {
      name: "only-the-cli-imports-the-cli",
      comment: "index.ts is the library: it never draws in argument parsing or the terminal.",
      severity: "error",
      from: { path: "^(index\\.ts$|library/)" },
      to: { path: "^(cli|scripts|bench|test)/" },
    },
    {
      name: "cli-imports-no-tooling",
      severity: "error",
      from: { path: "^cli/" },
      to: { path: "^(scripts|bench|test)/" },
    },
    {
      name: "simulator-is-a-second-witness",
      comment:
        "It is written from docs/ir.md and docs/numerics.md alone: what it shared with the project it could not check.",
      severity: "error",
      from: { path: "^scripts/verify/account/simulator/" },
      to: {
        pathNot: "^scripts/verify/account/simulator/",
        dependencyTypesNot: ["core"],
      },
    },
    {
      name: "no-cycles",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    {
      name: "no-orphans",
      comment: "A file that imports nothing and is imported by nothing is dead.",
      severity: "error",
      from: { orphan: true, path: source, pathNot: "\\.d\\.ts$" },
      to: {},
    },
    {
      name: "no-unresolvable",
      severity: "error",
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: "no-dev-dependency-in-source",
      severity: "error",
      from: { path: source },
      to: { dependencyTypes: ["npm-dev"], dependencyTypesNot: ["type-only"] },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^(dist|coverage|out|docs|node_modules/\\.cache)/" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      conditionNames: ["import", "node", "default", "types"],
      exportsFields: ["exports"],
    },
  },
};
