/** The look of a report: one sheet, light and dark, no fonts or images from elsewhere. */
export const style = `
:root{color-scheme:light dark;--ink:#1c2430;--soft:#5b6675;--line:#dfe3e8;--page:#f6f7f9;--card:#fff;--now:#2563eb;--then:#c9ced6;--pass:#15803d;--warn:#b45309;--fail:#b91c1c}
@media(prefers-color-scheme:dark){:root{--ink:#e6e9ee;--soft:#9aa5b4;--line:#2c3440;--page:#12161c;--card:#1a2029;--now:#60a5fa;--then:#4b5563;--pass:#4ade80;--warn:#fbbf24;--fail:#f87171}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:1100px;margin:0 auto;padding:32px 24px 64px}
h1{font-size:24px;margin:0 0 4px;overflow-wrap:anywhere}
h2{font-size:17px;margin:36px 0 12px}
.head{display:flex;gap:16px;align-items:flex-start;justify-content:space-between;flex-wrap:wrap}
.badge{font-weight:700;font-size:18px;padding:6px 16px;border-radius:999px;border:2px solid currentColor;letter-spacing:.04em}
.pass{color:var(--pass)}.warn{color:var(--warn)}.fail{color:var(--fail)}
.soft{color:var(--soft)}
.mono{font-family:ui-monospace,"SF Mono",Menlo,Consolas,monospace;font-size:13px;overflow-wrap:anywhere}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(135px,1fr));gap:12px;margin-top:20px}
.tile,.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:12px 16px}
.tile b{display:block;font-size:22px;line-height:1.3;font-variant-numeric:tabular-nums}
.tile span{color:var(--soft);font-size:13px}
.wide{overflow-x:auto;background:var(--card);border:1px solid var(--line);border-radius:10px}
table{border-collapse:collapse;width:100%;font-size:14px}
th,td{text-align:left;vertical-align:top;padding:8px 12px;border-bottom:1px solid var(--line);unicode-bidi:isolate}
th{color:var(--soft);font-weight:600;font-size:12.5px;white-space:nowrap}
tr:last-child td,tbody tr:last-child th{border-bottom:0}
tbody th{width:1%}
.tiles+.wide,.wide+.grid{margin-top:14px}
td.num{font-variant-numeric:tabular-nums;white-space:nowrap}
td.name{white-space:nowrap}td.list{max-width:230px;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
td.value{max-width:300px;overflow-wrap:break-word}
td.hit{background:color-mix(in srgb,var(--fail) 14%,transparent)}
.mark{display:inline-block;min-width:52px;font-weight:700;font-size:12px;letter-spacing:.04em}
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(320px,1fr));gap:14px}
.card h3{font-size:14px;margin:0;overflow-wrap:anywhere;unicode-bidi:isolate}
.card .row{display:flex;justify-content:space-between;gap:10px;align-items:baseline}
.card.moved{border-color:var(--fail)}.card.unsure{border-color:var(--warn)}
img{display:block;width:100%;height:auto;image-rendering:pixelated;background:#fff;border:1px solid var(--line)}
.trio{display:grid;grid-template-columns:repeat(3,minmax(0,1fr));gap:10px;margin-top:8px;font-size:12.5px;color:var(--soft)}
.trio figure{margin:0}.trio figcaption{margin-top:4px}
.suspect{margin-top:16px}.suspect ul{margin:8px 0;list-style:none;padding:0}.command{padding:10px 14px}
.looks{display:grid;grid-template-columns:minmax(0,2fr) minmax(0,3fr) minmax(0,3fr);gap:20px;margin:10px 0}
.looks h4{margin:0 0 6px;font-size:12.5px;color:var(--soft);font-weight:600;overflow-wrap:anywhere}
.near{display:grid;grid-template-columns:repeat(3,minmax(0,1fr));gap:8px}
.looks figure{margin:0;font-size:12px;color:var(--soft)}.looks figcaption{margin-top:4px;overflow-wrap:anywhere}
.card+.wide,.trio+.grid{margin-top:14px}
@media(max-width:560px){main{padding:24px 16px 48px}.trio,.looks{grid-template-columns:1fr}.grid{grid-template-columns:1fr}
.stack thead,.stack td:empty{display:none}.stack tr{display:block;padding:8px 0;border-bottom:1px solid var(--line)}
.stack td{display:block;border:0;padding:2px 12px;max-width:none;white-space:normal;overflow-wrap:anywhere}
.stack td[data-title]:before{content:attr(data-title) ": ";color:var(--soft);font-family:system-ui,sans-serif;font-size:12.5px}}
@media print{:root{--page:#fff;--card:#fff}main{max-width:none;padding:0}.wide{overflow:visible}.card,.tile,tr{break-inside:avoid}
th,td,td.name,td.num,th{white-space:normal;overflow-wrap:anywhere;padding:3px 5px}.wide table{font-size:10px}th{font-size:10px}.mark{min-width:0;font-size:9px;white-space:nowrap}.grid{grid-template-columns:repeat(3,1fr)}}
svg{display:block;width:100%;height:auto;margin-top:8px}
.now{fill:var(--now);fill-opacity:.75}.then{fill:var(--then)}.axis{stroke:var(--line)}
svg text{fill:var(--soft);font-size:11px;font-family:inherit}
.legend{display:flex;gap:18px;font-size:13px;color:var(--soft);margin-bottom:10px}
.legend i{display:inline-block;width:11px;height:11px;border-radius:3px;margin-right:6px;vertical-align:-1px}
.legend .a{background:var(--then)}.legend .b{background:var(--now);opacity:.75}
details summary{cursor:pointer;color:var(--soft);padding:10px 2px}
ul{margin:0;padding-left:20px}li{margin:3px 0}
`
