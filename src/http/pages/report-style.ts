/** Black on white, as it comes out of any printer; nothing is told by colour alone. */
export const reportStyle = `
@page{size:A4 landscape;margin:14mm 12mm}
*{box-sizing:border-box}
body{margin:0;color:#111;background:#fff;font:.95rem/1.45 system-ui,"Liberation Sans",Arial,sans-serif}
main{max-width:75rem;margin:0 auto;padding:1.5rem}
h1{margin:0 0 .75rem;font-size:1.7rem}
h2{margin:1.75rem 0 .5rem;font-size:1.15rem;break-after:avoid}
dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(30rem,100%),1fr));gap:.25rem 2rem;margin:0}
dl div{display:flex;gap:.75rem}
dt{flex:0 0 8rem;color:#444}
dd{margin:0}
.t{white-space:nowrap}
.warning{margin:1rem 0 0;padding:.5rem .75rem;border:2px solid #111}
.figures{display:grid;grid-template-columns:repeat(5,1fr);gap:.75rem;margin:1.25rem 0 0;padding:0;list-style:none}
.figures li{padding:.5rem .75rem;border:1px solid #888;break-inside:avoid}
.figures span,.figures small{display:block;color:#444}
.figures small{min-height:1.3em}
.figures b{font-size:1.8rem;font-variant-numeric:tabular-nums}
table{width:100%;border-collapse:collapse;font-size:.87rem}
thead{display:table-header-group}
tfoot{display:table-row-group}
tr{break-inside:avoid}
th,td{padding:.3rem .5rem;border-bottom:1px solid #bbb;text-align:right;vertical-align:top;font-variant-numeric:tabular-nums}
thead th{border-bottom:2px solid #111;vertical-align:bottom}
th:first-child,.text{text-align:left}
th[scope=row]{min-width:9rem;font-weight:600;overflow-wrap:anywhere}
tfoot th,tfoot td{border-top:2px solid #111;border-bottom:0;font-weight:700}
tbody+tbody tr:first-child th,tbody+tbody tr:first-child td{border-top:1px solid #111}
code{color:#444;font-size:.95em;overflow-wrap:anywhere}
footer{margin-top:1.5rem;color:#444;font-size:.8rem;break-inside:avoid}
footer p{margin:.15rem 0}
@media print{html{font-size:10pt}body{font-size:1rem}main{max-width:none;padding:0}td{white-space:nowrap}.text{white-space:normal}}
@media screen and (max-width:50rem){.figures{grid-template-columns:repeat(2,1fr)}}
@media screen and (max-width:75rem){table{display:block;overflow-x:auto}}
`
