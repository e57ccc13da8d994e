/** The tables of docs/passes/README.md: every pass, every pipeline. */
import { allPasses, pipelines } from "../../passes/index.ts";
import { printPipeline } from "../../passes/pipeline.ts";
import { code, table } from "./markdown.ts";

export function passTable(): string {
  const names = (list: readonly string[]): string => list.map(code).join(", ");
  const rows = allPasses.map((pass) => [
    `[${pass.name}](${pass.name}.md)`,
    pass.role,
    pass.summary,
    names(pass.requires),
    names(pass.establishes),
    pass.preservesOutputs ? "yes" : "no",
  ]);
  return table(["pass", "role", "what it does", "requires", "establishes", "keeps outputs"], rows);
}

export function pipelineTable(): string {
  const canonical = pipelines.get("canonical") ?? [];
  const rows = [...pipelines].map(([name, steps]) => {
    const isLonger = name !== "canonical" && canonical.every((s, i) => s === steps[i]);
    const own = isLonger ? steps.slice(canonical.length) : steps;
    const passes = own.map((step) => printPipeline([step])).join(", ");
    return [code(name), isLonger ? `canonical, ${passes}` : passes];
  });
  return table(["pipeline", "passes"], rows);
}
