// The look of a report, light and dark.

/** The styles of the page. */
export const reportStyles = `
:root { color-scheme: light dark; --page: #f6f7f9; --surface: #ffffff; --sunken: #f0f2f5; --text: #1f2328; --muted: #57606a;
  --axis: #6e7781; --line: #dfe3e8; --link: #0a58ca; --right: #007a5e; --wrong: #b3400e; --heat: #0072b2; --accent: #0072b2;
  --series-0: #0072b2; --series-1: #d55e00; --series-2: #009e73; --series-3: #cc79a7; --series-4: #56b4e9; --series-5: #e69f00; }
@media (prefers-color-scheme: dark) { :root { --page: #0f1216; --surface: #181c22; --sunken: #222831; --text: #e6e9ed;
  --muted: #a3adb8; --axis: #8b96a3; --line: #313843; --link: #7db7ff; --right: #4ccfa6; --wrong: #ff9a66; --heat: #1c7fc0;
  --accent: #56b4e9; --series-0: #56b4e9; --series-1: #ff9a4d; --series-2: #35c99b; --series-3: #e3a1c8; --series-4: #9bd3f5;
  --series-5: #f2b84b; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); line-height: 1.5;
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Noto Sans CJK JP", "Hiragino Sans", "Yu Gothic UI",
  sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 32px 20px 64px; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 0 0 12px; }
p { margin: 0 0 12px; max-width: 75ch; }
.lead, .quiet { color: var(--muted); }
.lead { font-size: 1.05rem; margin-bottom: 20px; }
a { color: var(--link); }
code { font: 0.9em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; background: var(--sunken); border-radius: 4px;
  padding: 1px 5px; overflow-wrap: anywhere; }
section { background: var(--surface); border: 1px solid var(--line); border-radius: 10px; padding: 20px 22px; margin-top: 20px; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(118px, 1fr)); gap: 12px; }
.card { background: var(--surface); border: 1px solid var(--line); border-radius: 10px; padding: 14px 16px; }
.card b { display: block; font-size: 1.4rem; line-height: 1.25; font-variant-numeric: tabular-nums; }
.card span { color: var(--muted); font-size: 0.85rem; display: block; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 380px), 1fr)); gap: 20px; align-items: start; }
svg.figure { display: block; width: 100%; height: auto; max-width: 560px; font-family: inherit; }
.advice { list-style: none; margin: 0; padding: 0; display: grid; gap: 12px; }
.advice li { border-left: 4px solid var(--axis); padding: 2px 0 2px 14px; }
.advice li.important { border-color: var(--series-1); }
.advice b { display: block; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.classes { width: 100%; }
.classes th, .classes td { padding: 5px 10px; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
.classes th:first-child { text-align: left; white-space: normal; overflow-wrap: anywhere; font-weight: 500; min-width: 9em; }
.classes thead th { color: var(--muted); font-weight: 500; font-size: 0.85rem; }
.bar { background: linear-gradient(to right, color-mix(in srgb, var(--accent) 28%, transparent) var(--p), transparent var(--p))
  no-repeat 0 50% / 100% 68%; min-width: 92px; }
.confusion { margin-top: 4px; }
.confusion td { width: 34px; min-width: 30px; height: 32px; text-align: center; border: 1px solid var(--line); font-size: 0.85rem;
  background: color-mix(in srgb, var(--heat) var(--p), transparent); }
.confusion td.strong { color: #ffffff; }
.confusion td.own { outline: 1.5px solid var(--axis); outline-offset: -2px; }
.confusion th { font-weight: 400; font-size: 0.85rem; color: var(--muted); }
.confusion tbody th { text-align: right; padding-right: 8px; max-width: 16em; overflow: hidden; text-overflow: ellipsis;
  white-space: nowrap; }
.confusion thead th { writing-mode: vertical-rl; max-height: 11em; overflow: hidden; text-overflow: ellipsis; white-space: nowrap;
  vertical-align: bottom; text-align: right; padding: 4px 6px; line-height: 1.1; }
.confusion.short thead th { writing-mode: horizontal-tb; text-align: center; }
.confusion thead th.corner, .confusion caption { writing-mode: horizontal-tb; text-align: left; font-size: 0.85rem;
  color: var(--muted); caption-side: top; padding-bottom: 6px; }
.worst { display: grid; grid-template-columns: repeat(auto-fill, minmax(140px, 1fr)); gap: 16px 14px; margin: 0; padding: 0; }
.worst figure { margin: 0; }
.worst .picture { background: var(--sunken); border-radius: 6px; aspect-ratio: 1; display: grid; place-items: center;
  overflow: hidden; }
.worst img { width: 100%; height: 100%; object-fit: contain; }
.worst img.small { image-rendering: pixelated; }
.worst figcaption { font-size: 0.82rem; line-height: 1.35; margin-top: 6px; overflow-wrap: anywhere; }
.worst .maps { display: grid; grid-template-columns: 1fr 1fr; gap: 4px; margin-top: 4px; }
.worst .maps img { border-radius: 4px; height: auto; display: block; }
.worst .maps .quiet { font-size: 0.72rem; }
.wide { overflow-x: auto; }
.forming { border-collapse: separate; border-spacing: 8px 6px; margin: 0 0 8px -8px; }
.forming th { text-align: left; font-size: 0.85rem; padding: 0; border: 0; }
.forming td { padding: 0; border: 0; font-size: 0.78rem; }
.forming img { width: 104px; height: 104px; object-fit: contain; display: block; border-radius: 4px; }
.forming img.small, #forming svg image { image-rendering: pixelated; }
.worst .file { color: var(--muted); font-size: 0.75rem; display: block; }
.yes { color: var(--right); } .no { color: var(--wrong); }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 320px), 1fr)); gap: 8px 32px; }
.facts h3 { font-size: 0.95rem; margin: 8px 0 4px; }
.facts table { width: 100%; }
.facts th, .facts td { text-align: left; vertical-align: top; padding: 3px 0; font-weight: 400; font-size: 0.9rem; }
.facts th { color: var(--muted); width: 38%; padding-right: 12px; }
.facts td { overflow-wrap: anywhere; }
summary { cursor: pointer; color: var(--link); margin-top: 12px; }
footer { color: var(--muted); font-size: 0.85rem; margin-top: 24px; }
@media print { body { background: none; } section, .card { break-inside: avoid; } }
`;
