/**
 * The page's style: one column on a phone, two figures side by side where there is room, light and
 * dark as the reader's system says. Colours of the error parts are Okabe and Ito's, told apart by
 * readers with colour vision deficiency too.
 */
export const styleSheet = `
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --surface: #ffffff; --text: #1b1f24; --muted: #57606a; --line: #d5dae0;
  --snn: #0b62b0; --ann: #a63d00; --agreement: #00694e;
  --clipping: #d55e00; --quantisation: #0072b2; --inherited: #9aa1ab; --unevenness: #009e73;
  --high: #b3261e; --medium: #8a5a00; --info: #0b62b0;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171b; --surface: #1d2127; --text: #e8eaed; --muted: #a4adb8; --line: #3a414a;
    --snn: #6db3f2; --ann: #ff9e66; --agreement: #4fd1a5;
    --clipping: #f0803c; --quantisation: #4aa8e0; --inherited: #7f8894; --unevenness: #2fc79a;
    --high: #ff8a80; --medium: #f2c14e; --info: #6db3f2;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--text);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  overflow-wrap: break-word;
}
main { max-width: 1160px; margin: 0 auto; padding: 16px; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 8px 0; }
h2 { font-size: 1.2rem; margin: 36px 0 8px; }
h3 { font-size: 1rem; margin: 20px 0 4px; }
p { margin: 8px 0; max-width: 75ch; }
.verdict { font-size: 1.1rem; }
.muted, figcaption small { color: var(--muted); }
code { font: 0.9em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-wrap: anywhere; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(220px, 45%), 1fr)); gap: 10px; margin: 16px 0; padding: 0; }
.tiles div { background: var(--surface); border: 1px solid var(--line); border-radius: 8px; padding: 10px 12px; }
.tiles dt { color: var(--muted); font-size: 0.85rem; }
.tiles dd { margin: 0; font-size: 1.3rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.tiles dd small { display: block; font-size: 0.8rem; font-weight: 400; color: var(--muted); }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); gap: 16px; align-items: start; }
figure { margin: 0; background: var(--surface); border: 1px solid var(--line); border-radius: 8px; padding: 12px; min-width: 0; }
figure svg { display: block; width: 100%; max-width: 500px; height: auto; margin: 4px auto 0; color: var(--text); }
figcaption { font-weight: 600; }
figcaption small { display: block; font-weight: 400; font-size: 0.85rem; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 14px; list-style: none; margin: 8px 0 0; padding: 0; font-size: 0.85rem; }
.legend span { display: inline-block; width: 12px; height: 12px; border-radius: 2px; margin-right: 5px; }
.legend .tick { width: 3px; background: currentColor; border-radius: 0; margin: 0 9px 0 4px; }
details { margin-top: 8px; }
summary { cursor: pointer; color: var(--muted); font-size: 0.9rem; padding: 4px 0; }
.scroll { overflow-x: auto; background: var(--surface); border: 1px solid var(--line); border-radius: 8px; margin: 8px 0; }
figure .scroll { border: 0; margin: 0; }
table { border-collapse: collapse; width: 100%; font-size: 0.9rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding: 8px 10px 0; color: var(--muted); }
th, td { padding: 6px 10px; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; vertical-align: top; }
tbody tr:last-child th, tbody tr:last-child td { border-bottom: 0; }
thead th { color: var(--muted); font-weight: 600; }
th[scope="row"], .left { text-align: left; font-weight: 400; }
.wrap th[scope="row"] { white-space: normal; }
.advice { list-style: none; margin: 8px 0; padding: 0; display: grid; grid-template-columns: minmax(0, 1fr); gap: 10px; }
.advice li { background: var(--surface); border: 1px solid var(--line); border-left: 5px solid var(--info); border-radius: 8px; padding: 10px 14px; }
.advice .high { border-left-color: var(--high); }
.advice .medium { border-left-color: var(--medium); }
.advice b { display: block; font-size: 0.85rem; }
.advice .high b { color: var(--high); }
.advice .medium b { color: var(--medium); }
.advice .info b { color: var(--info); }
.advice p { margin: 2px 0; overflow-wrap: anywhere; }
.terms { margin: 0; padding: 12px; font-size: 0.9rem; }
.terms dt { font-weight: 600; }
.terms dd { margin: 0 0 8px; color: var(--muted); }
.facts { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 4px 16px; margin: 8px 0; }
.facts dt { color: var(--muted); }
.facts dd { margin: 0; overflow-wrap: anywhere; }
@media (max-width: 480px) { .facts { grid-template-columns: 1fr; gap: 0; } .facts dd { margin-bottom: 8px; } }
@media print { body { background: none; } figure, .scroll, .advice li { break-inside: avoid; } }
`;
