/**
 * A process that runs one command after another, as the compiled program does alone. A command of a test is
 * small: beside loading and warming up the program, which happens once here, it takes next to no time.
 *
 * JavaScript, because a loader for anything else would be in every thread that a command starts.
 */
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

/** What the command at work has written, by descriptor. */
const written = new Map();

// The program writes by this one function, whole texts as bytes; files go where they went.
const { writeSync } = fs;
fs.writeSync = (descriptor, bytes, offset = 0) => {
  const kept = written.get(descriptor);
  if (kept === undefined) return writeSync(descriptor, bytes, offset);
  kept.push(Buffer.from(bytes.subarray(offset)));
  return bytes.length - offset;
};
syncBuiltinESMExports();

process.on("message", (asked) => {
  void run(asked).then((ran) => process.send(ran));
});
// Whoever asks is gone.
process.on("disconnect", () => process.exit());

async function run({ program, args, cwd }) {
  const { runProgram } = await import(program);
  for (const descriptor of [1, 2]) written.set(descriptor, []);
  process.chdir(cwd);
  process.exitCode = undefined;
  await runProgram(args);
  const code = process.exitCode ?? 0;
  process.exitCode = undefined;
  const [stdout, stderr] = [1, 2].map((d) => Buffer.concat(written.get(d)).toString());
  return { code, stdout, stderr };
}
