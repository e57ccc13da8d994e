/** The schema, which docs/report.schema.json publishes, takes reports and refuses what is none. */
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { reportJsonSchema, reportSchema } from "../../../calibrate/report/schema.ts";
import { syntheticReport } from "./synthetic.ts";

describe("the schema of report.json", () => {
  it("accepts a report after a round trip through JSON", () => {
    const report: unknown = JSON.parse(JSON.stringify(syntheticReport()));
    const validate = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(
      reportJsonSchema(),
    );
    expect(validate(report), JSON.stringify(validate.errors)).toBe(true);
    expect(reportSchema.parse(report)).toEqual(syntheticReport());
  });

  it("refuses fields it does not know and shares above one", () => {
    const report = syntheticReport();
    const validate = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(
      reportJsonSchema(),
    );
    expect(validate({ ...report, extra: 1 })).toBe(false);
    expect(validate({ ...report, accuracy: { ...report.accuracy, ann: 93.12 } })).toBe(false);
  });
});
