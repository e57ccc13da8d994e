/** The demo page in a browser, on a phone's screen and on a desk's. */
import { statSync } from "node:fs";
import path from "node:path";
import type { Browser, Page } from "playwright-core";
import type { Example } from "./example.ts";
import { type Check, complaintsOf } from "./loader.ts";

const screens = {
  phone: { width: 390, height: 844 },
  desk: { width: 1280, height: 900 },
};
/** A screenshot of fewer bytes is an empty page. */
const fewestBytes = 20_000;

export async function checkDemo(
  browser: Browser,
  origin: string,
  pictures: string,
  example: Example,
  check: Check,
): Promise<void> {
  for (const [name, viewport] of Object.entries(screens)) {
    const page = await browser.newPage({ viewport, deviceScaleFactor: 2 });
    const complaints = complaintsOf(page);
    await page.goto(`${origin}/demo.html`);
    await page.waitForSelector("#steps rect");
    await checkPage(page, example, (what, holds, found) => check(`${what}, ${name}`, holds, found));
    const file = path.join(pictures, `demo-${name}.png`);
    await page.screenshot({ path: file, fullPage: true });
    const { size } = statSync(file);
    check(`the screenshot shows something, ${name}`, size > fewestBytes, size);
    check(`no complaints on the console, ${name}`, complaints.length === 0, complaints);
    await page.close();
  }
}

async function checkPage(page: Page, example: Example, check: Check): Promise<void> {
  const { timesteps, layers } = example;
  const count = (selector: string): Promise<number> => page.locator(selector).count();
  check("a bar for each timestep", (await count("#steps rect")) === timesteps, timesteps);
  check("a raster for each layer", (await count("#raster canvas")) === layers, layers);
  const wide = await page.evaluate<number>(
    "document.documentElement.scrollWidth - document.documentElement.clientWidth",
  );
  check("nothing is wider than the screen", wide <= 0, wide);
  // Every sample's answer, right or wrong as its label says.
  const buttons = page.locator("#samples button");
  let right = 0;
  for (let i = 0; i < (await buttons.count()); i++) {
    await buttons.nth(i).click();
    if ((await page.locator("#class").getAttribute("class")) === "right") right++;
  }
  check("most samples are classified rightly", right >= 17, right);
  const inked =
    await page.evaluate<number>(`Math.min(...[...document.querySelectorAll("#raster canvas")]
    .map((canvas) => new Set(canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data).size))`);
  check("every raster has spikes", inked > 2, inked);
  await page.locator("#early").check();
  const facts = await page.locator("#facts").innerText();
  const taken = Number(/(\d+) of/.exec(facts)?.[1]);
  check("early exit shortens the run", taken < timesteps, facts);
  await page.locator("#early").uncheck();
  await page.locator("#run-all").click();
  await page.waitForSelector("#accuracy rect");
  const note = await page.locator("#all-note").innerText();
  check("all samples run on workers", note.includes("workers, one memory"), note);
  const before = await page.locator("#facts").innerText();
  await drawSeven(page);
  const after = await page.locator("#facts").innerText();
  check("a drawing is classified", after !== before, after);
}

/** The strokes of a 7 with the mouse. */
async function drawSeven(page: Page): Promise<void> {
  const pad = page.locator("#pad");
  await pad.scrollIntoViewIfNeeded();
  const box = await pad.boundingBox();
  if (box === null) return;
  const at = (x: number, y: number): readonly [number, number] => [
    box.x + x * box.width,
    box.y + y * box.height,
  ];
  await page.mouse.move(...at(0.25, 0.2));
  await page.mouse.down();
  await page.mouse.move(...at(0.75, 0.2), { steps: 8 });
  await page.mouse.move(...at(0.45, 0.85), { steps: 8 });
  await page.mouse.up();
}
