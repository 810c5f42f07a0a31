"""How pages look as HTML, and the script that sorts their tables: both stand within the file."""

# of a fragment: below `.hsig` alone, so that it changes nothing around it
FRAGMENT_STYLE = """
.hsig{line-height:1.5;text-align:left;overflow-wrap:anywhere}
.hsig p,.hsig details{margin:.35em 0;max-width:70ch}
.hsig .title,.hsig .answer,.hsig .good,.hsig .bad{font-weight:600}
.hsig .scroll{overflow-x:auto;max-width:100%;margin:1em 0}
.hsig table{border-collapse:collapse;font-variant-numeric:tabular-nums;margin:0;
min-width:min(100%,36rem)}
.hsig caption{text-align:left;padding:0 0 .4em;caption-side:top}
.hsig caption>div{display:inline-block;position:sticky;left:0;
max-width:min(70ch,calc(100vw - 3rem))}
.hsig th,.hsig td{padding:.2em .7em;text-align:right;vertical-align:baseline;white-space:nowrap;
border:0}
.hsig th:first-child,.hsig td:first-child{padding-left:.2em}
.hsig .prose{text-align:left}
.hsig .long,.hsig details{white-space:normal;min-width:14rem;max-width:70ch;overflow-wrap:anywhere}
.hsig .words th,.hsig .words td{white-space:normal;overflow-wrap:anywhere;min-width:6rem}
.hsig .words tr>:first-child{overflow-wrap:break-word}
.hsig .words{min-width:0}
.hsig .unit{white-space:nowrap}
.hsig thead th{border-bottom:1px solid;vertical-align:bottom;font-weight:600}
.hsig tbody th{font-weight:400}
.hsig .map td{border:1px solid #fff;text-align:center}
.hsig summary{cursor:pointer}
.hsig svg.curves{display:block;width:100%;max-width:30rem;height:auto;margin:.5em 0 1em;
font-size:11px}
.hsig .axes,.hsig polyline{fill:none;stroke:currentColor;stroke-linejoin:round;
stroke-linecap:round}
.hsig .axes{opacity:.5}
.hsig .first{stroke:#3a7fc4;stroke-width:2}
.hsig .other{opacity:.55;stroke-dasharray:3 4}
.hsig svg.curves text{fill:currentColor}
""".strip()

# of a report, a file of its own
REPORT_STYLE = """
:root{color-scheme:light;--ink:#1c1e21;--soft:#54595f;--rule:#d6d9dd;--accent:#1d5a96}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0 auto;padding:2rem 1.25rem 4rem;max-width:58rem;color:var(--ink);background:#fff;
font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;
overflow-wrap:anywhere}
h1,h2,h3{line-height:1.25;font-weight:650;max-width:38rem}
h1{font-size:1.85rem;margin:0 0 .6rem;max-width:none}
h2{font-size:1.35rem;margin:3rem 0 .6rem}
h3{font-size:1.05rem;margin:2.2rem 0 .4rem}
p,li,figcaption{max-width:70ch}
a{color:var(--accent)}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
.skip{position:absolute;left:-999rem}
.skip:focus{left:1rem;top:.5rem;background:#fff;padding:.4rem .8rem}
.lead{font-size:1.15rem;color:var(--soft);margin:.2rem 0 0}
nav{border-top:1px solid var(--rule);border-bottom:1px solid var(--rule);margin:1.5rem 0}
nav ol{margin:.8rem 0;padding-left:1.4rem}
.run{margin-top:3.5rem;padding-top:.2rem;border-top:2px solid var(--accent)}
.run>h2{margin-top:1.4rem}
.result{border-left:3px solid var(--accent);padding-left:1rem;margin:.6rem 0}
.result>*{margin:.4rem 0;max-width:70ch}
.result>:first-child{font-weight:650}
figure{margin:1.4rem 0}
.picture{overflow-x:auto}
.picture svg{display:block;width:100%;min-width:34rem;height:auto}
figcaption{color:var(--soft);font-size:.9rem;margin-top:.5rem}
pre{background:#f4f5f7;padding:.7rem .9rem;border-radius:4px;white-space:pre-wrap;
overflow-wrap:anywhere;font-size:.85rem;line-height:1.45;margin:.5rem 0 1.2rem;max-width:100%}
.unit{white-space:nowrap}
code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace}
.hsig{font-size:.9rem}
.hsig p{font-size:1rem}
.hsig caption{color:var(--soft)}
.hsig thead th,.hsig tbody tr{border-bottom:1px solid var(--rule)}
.hsig table{width:100%}
.hsig .map{width:auto}
.hsig th button{font:inherit;color:inherit;background:none;border:0;padding:0;margin:0;
cursor:pointer;text-align:inherit;text-decoration:underline dotted var(--soft);
text-underline-offset:.25em}
th[aria-sort=ascending] button::after{content:" \\2191"}
th[aria-sort=descending] button::after{content:" \\2193"}
footer{margin-top:4rem;border-top:1px solid var(--rule);color:var(--soft);font-size:.85rem}
@media print{
@page{size:A4;margin:16mm 15mm}
html{font-size:10pt}
body{max-width:none;padding:0;font-size:1rem}
.skip{display:none}
a{color:inherit;text-decoration:none}
h2,h3,caption,thead,.step>p,.step>div{break-after:avoid}
figure,tr,thead,.result,svg{break-inside:avoid}
.run+.run{break-before:page}
.hsig .scroll,.picture{overflow:visible;max-width:none}
.picture svg{min-width:0;max-height:235mm}
.hsig table{font-size:min(8pt,calc(95pt / var(--columns)));width:100%;min-width:0}
.hsig caption{font-size:8.5pt}
.hsig th,.hsig td{white-space:normal;overflow-wrap:normal;padding:.15em .45em}
.hsig .long,.hsig td details,.hsig th details{min-width:0;overflow-wrap:anywhere}
pre{border:1px solid var(--rule);background:none}
.hsig td{print-color-adjust:exact;-webkit-print-color-adjust:exact}
.hsig th button{display:contents}
}
""".strip()

# without it the tables stand as they were written
SORTING = r"""
"use strict";
const amount = /([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?|[-+]?inf)/.source;
const number = new RegExp(`^([<>]?)\\s*${amount}(?:\\s+of\\s+(\\d+))?(?=$|[\\s%,;()])`, "i");
function key(cell) {
  const text = cell.textContent.trim(), found = number.exec(text);
  if (!found) return { kind: text === "" || text === "nan" ? 2 : 1, text };
  const value = Number(found[2].replace(/inf/i, "Infinity")) / (found[3] || 1);
  return { kind: 0, value, beyond: "< >".indexOf(found[1] || " ") - 1, text };
}
function order(one, other) {
  if (one.value !== other.value) return one.value < other.value ? -1 : 1;
  return one.beyond - other.beyond;
}
function compare(one, other, sign) {
  if (one.kind !== other.kind) return one.kind - other.kind;
  return sign * (one.kind ? one.text.localeCompare(other.text, "en") : order(one, other));
}
function sort(head, column, table) {
  const sign = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
  for (const other of table.tHead.rows[0].cells) other.setAttribute("aria-sort", "none");
  head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
  const rows = Array.from(table.tBodies[0].rows, row => ({ row, key: key(row.cells[column]) }));
  rows.sort((one, other) => compare(one.key, other.key, sign));
  table.tBodies[0].append(...rows.map(found => found.row));
}
for (const table of document.querySelectorAll("table.sorts")) {
  Array.from(table.tHead.rows[0].cells).forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    head.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => sort(head, column, table));
  });
}
""".strip()
