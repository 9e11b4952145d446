"""The look of a report: light and dark, wide and narrow, on screen and on paper."""

LIGHT = """--ground:#fbfbf9; --panel:#ffffff; --ink:#22272d; --faint:#616b76; --line:#dcdfe3; --soft:#f2f3f1;
--blue:#0072b2; --vermilion:#c65500; --green:#00835f; --on-strong:#ffffff; --plate:#ffffff;"""
DARK = """--ground:#14171a; --panel:#1a1e22; --ink:#e3e6e9; --faint:#9aa4ae; --line:#343b43; --soft:#20252a;
--blue:#58b2e6; --vermilion:#ee8a45; --green:#36c29a; --on-strong:#0d1013; --plate:#f4f5f6;"""

STYLE = (
    ":root{color-scheme:light dark;" + LIGHT + "}\n"
    "@media (prefers-color-scheme:dark){:root{" + DARK + "} .plate{filter:brightness(.86)}}\n"
    """
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;scroll-behavior:smooth}
@media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
body{margin:0;background:var(--ground);color:var(--ink);
 font:1.0625rem/1.62 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue","Liberation Sans",sans-serif}
main,header,footer{max-width:62rem;margin:0 auto;padding:0 1.5rem}
header{padding-top:3.2rem}
h1,h2{font-family:"Iowan Old Style","Palatino Linotype",Palatino,Charter,Georgia,"Liberation Serif",serif;
 font-weight:600;line-height:1.2;text-wrap:balance}
h1{font-size:2.5rem;margin:.1rem 0 .5rem;overflow-wrap:anywhere}
h2{font-size:1.6rem;margin:0 0 1rem}
h3{font-size:1rem;margin:1.8rem 0 .4rem}
p{max-width:42rem;margin:0 0 1em;overflow-wrap:anywhere}
.over{font-size:.82rem;letter-spacing:.08em;text-transform:uppercase;color:var(--faint);margin:0}
.lead{font-size:1.15rem;color:var(--faint);max-width:46rem}
.faint,figcaption{color:var(--faint);font-size:.93rem}
a{color:var(--blue);text-underline-offset:.18em}
nav{margin:1.6rem 0 0;padding:.7rem 0;border-block:1px solid var(--line);font-size:.93rem}
nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:.2rem 1.3rem;margin:0;padding:0}
nav a{text-decoration:none}
nav a:hover,nav a:focus-visible{text-decoration:underline}
section{padding:2.6rem 0 1.2rem;border-bottom:1px solid var(--line)}
section:last-of-type{border-bottom:0}
.result{display:flex;flex-wrap:wrap;align-items:flex-end;gap:.3rem 1.4rem;margin:1.6rem 0 .4rem}
.result .big{font-family:"Iowan Old Style","Palatino Linotype",Palatino,Charter,Georgia,"Liberation Serif",serif;
 font-size:4.2rem;line-height:1;color:var(--blue);font-variant-numeric:lining-nums tabular-nums}
.result .about{margin:0;line-height:1.4}
.scale{max-width:30rem;height:.5rem;margin:1rem 0 0;border-radius:.25rem;background:var(--soft);position:relative;
 border:1px solid var(--line)}
.scale i{position:absolute;top:-1px;bottom:-1px;border-radius:.25rem;background:var(--blue);opacity:.45}
.scale b{position:absolute;top:-.3rem;bottom:-.3rem;width:3px;margin-left:-1.5px;background:var(--blue)}
.ends{display:flex;justify-content:space-between;max-width:30rem;font-size:.82rem;color:var(--faint)}
dl.facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(12.5rem,1fr));gap:1rem 1.5rem;margin:1.8rem 0 0}
dt{color:var(--faint);font-size:.85rem}
dd{margin:0;overflow-wrap:anywhere;font-variant-numeric:tabular-nums}
dl.lines{margin:0}
dl.lines div{display:flex;gap:1rem;justify-content:space-between;padding:.28rem 0;border-bottom:1px solid var(--line)}
dl.lines dt{flex:none;font-size:.93rem}
dl.lines dd{font-size:.93rem;text-align:right}
.columns{columns:2 19rem;column-gap:2.6rem}
.columns>div{break-inside:avoid;padding-bottom:1.2rem}
.columns h3{margin:0 0 .2rem}
.panels{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:1.2rem 1.4rem;margin:1.2rem 0}
.drawing svg{display:block;width:100%;height:auto}
.plate{display:block;max-width:100%;height:auto;margin:1.2rem auto;background:var(--plate);border-radius:.5rem;
 border:1px solid var(--line)}
.wide{overflow-x:auto;margin:1.2rem 0}
.beside{display:flex;flex-wrap:wrap;gap:0 2.4rem;align-items:flex-start}
.beside>div{max-width:100%}
.beside table{min-width:0} .beside caption span{min-height:5em}
table{border-collapse:collapse;font-size:.93rem;font-variant-numeric:tabular-nums;min-width:min(100%,34rem)}
caption{text-align:left;color:var(--faint);padding-bottom:.5rem;font-size:.93rem}
th,td{padding:.36rem .8rem;text-align:left;border-bottom:1px solid var(--line);vertical-align:baseline;
 white-space:nowrap}
caption span{display:block;position:sticky;left:0;max-width:min(44rem,calc(100vw - 2.4rem))}
th:first-child,td:first-child{padding-left:0}
thead th{font-weight:600;color:var(--faint)}
tbody th{font-weight:500}
tfoot th,tfoot td{font-weight:600;border-bottom:0;border-top:2px solid var(--line)}
.number{text-align:right}
.bar{background:linear-gradient(to right,color-mix(in srgb,var(--blue) 24%,transparent) calc(var(--share)*100%),
 transparent 0) no-repeat 0 calc(100% - 1px)/100% .28rem;min-width:6rem}
table.matrix{min-width:0;border-collapse:separate;border-spacing:2px}
table.matrix th,table.matrix td{border:0;padding:.2rem .3rem}
table.matrix td{width:2.5rem;min-width:2.3rem;height:2.4rem;text-align:center;vertical-align:middle;border-radius:3px;
 background:var(--soft)}
table.matrix .corner{background:none}
table.matrix tbody th{text-align:right;vertical-align:middle;padding-right:.5rem;white-space:nowrap;color:var(--faint)}
table.matrix thead th{text-align:center;vertical-align:bottom}
table.matrix .turned span{writing-mode:vertical-rl;transform:rotate(180deg)}
td.right{background:color-mix(in srgb,var(--blue) calc(var(--share)*100%),var(--soft))!important}
td.wrong{background:color-mix(in srgb,var(--vermilion) calc(var(--share)*100%),var(--soft))!important}
td.strong{color:var(--on-strong)}
pre{background:var(--soft);border:1px solid var(--line);border-radius:.4rem;padding:.6rem .9rem;overflow-x:auto;
 font:.9rem/1.5 ui-monospace,"SF Mono",Menlo,Consolas,"Liberation Mono",monospace;margin:.2rem 0 1rem}
.aim{margin:0}
aside{background:var(--soft);border-left:3px solid var(--line);padding:.9rem 1.2rem;border-radius:0 .4rem .4rem 0;
 margin:1.4rem 0}
aside h3{margin-top:0}
aside ul{margin:.3rem 0;padding-left:1.1rem;max-width:44rem}
aside li{margin:.25rem 0}
.key{display:inline-block;width:1.5em;height:0;border-top:3px solid;vertical-align:.25em;margin-right:.4em}
summary{cursor:pointer;color:var(--blue);padding:.3rem 0}
footer{padding-top:1.4rem;padding-bottom:3rem;color:var(--faint);font-size:.88rem}
@media (max-width:44rem){
 main,header,footer{padding-left:1.1rem;padding-right:1.1rem}
 header{padding-top:1.8rem}
 h1{font-size:1.9rem} h2{font-size:1.4rem} .result .big{font-size:3.4rem}
 .bar{min-width:4rem}
 .panels{grid-template-columns:minmax(0,1fr)}
 dl.facts{grid-template-columns:repeat(2,minmax(0,1fr))}
 th,td{padding:.36rem .38rem}
 .wide .plate{max-width:none;width:38rem}
 .beside caption span{min-height:0}
 table.matrix{font-size:.8rem;border-spacing:1px}
 table.matrix td{width:auto;min-width:1.72rem;height:1.8rem;padding:.1rem}
 table.matrix th,table.matrix tbody th{padding:.1rem .2rem .1rem 0}
}
@media print{
 :root{color-scheme:light;"""
    + LIGHT
    + """}
 html{font-size:12px} body{background:#fff} pre{white-space:pre-wrap;overflow-wrap:anywhere}
 nav,summary{display:none} main,header,footer{max-width:none;padding:0}
 section{padding:1.2rem 0 .4rem} h2,h3,.aim{break-after:avoid} .panels,.plate,tr,pre,aside{break-inside:avoid}
 .wide{overflow:visible} .plate{filter:none} *{print-color-adjust:exact;-webkit-print-color-adjust:exact}
}
"""
)
