/** How the tests run: few workers, because a suite that needs a big machine is not run. */
import { defineConfig } from "vitest/config";

/** `.ci/run` sets this to a file and reads the counts from it; the test command stays the README's. */
const reportFile = process.env["SNNC_TEST_REPORT"];

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    setupFiles: ["test/seed.ts"],
    pool: "forks",
    maxWorkers: 2,
    // Nothing of ours keeps state of the process, so files share their modules: a third of the time.
    isolate: false,
    // These end what hangs. A slow machine must not fail: the longest test takes some seconds on a fast one.
    testTimeout: 1_200_000,
    hookTimeout: 1_200_000,
    reporters:
      reportFile === undefined ? ["default"] : ["default", ["json", { outputFile: reportFile }]],
    coverage: {
      provider: "v8",
      include: ["{ir,frontend,passes,backends,calibrate,tune,cli}/**/*.ts", "index.ts"],
      reporter: ["text-summary", "html"],
    },
  },
});
