/** How the tests run: few workers, because a suite that needs a big machine is not run. */
import { defineConfig } from "vitest/config";

/** `.ci/run` sets this to a file and reads the counts from it; the test command stays the README's. */
const reportFile = process.env["SNNC_TEST_REPORT"];

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    reporters:
      reportFile === undefined ? ["default"] : ["default", ["json", { outputFile: reportFile }]],
    coverage: {
      provider: "v8",
      include: ["{ir,frontend,passes,backends,calibrate,tune,cli}/**/*.ts", "index.ts"],
      reporter: ["text-summary", "html"],
    },
  },
});
