/// Look of the HTML report: light and dark, wide and narrow, screen and paper.
enum Stylesheet {
  static let page = """
    :root{color-scheme:light dark;--ground:#fff;--text:#1d2126;--quiet:#59616b;--line:#dfe3e8;\
    --soft:#f5f6f8;--accent:#0b5e99;--warn:#8a4b00;--warn-ground:#fff5e6;--strong:#e9f3fb}
    @media screen and (prefers-color-scheme:dark){:root{--ground:#16191d;--text:#e4e7eb;\
    --quiet:#a2abb5;--line:#30363d;--soft:#1e2227;--accent:#7cc0f0;--warn:#f2c078;\
    --warn-ground:#2e2415;--strong:#1b2c3a}}
    *{box-sizing:border-box}
    html{-webkit-text-size-adjust:100%}
    body{margin:0 auto;padding:1.5rem 1.25rem 4rem;max-width:66rem;background:var(--ground);\
    color:var(--text);font:1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
    h1{font-size:1.65rem;line-height:1.25;margin:.5rem 0 .75rem;overflow-wrap:anywhere}
    h2{font-size:1.3rem;line-height:1.3;margin:2.75rem 0 .75rem;padding-top:.6rem;\
    border-top:1px solid var(--line)}
    h3{font-size:1.05rem;margin:1.75rem 0 .5rem}
    p,ul{margin:.6rem 0;max-width:46rem;overflow-wrap:anywhere}
    li{margin:.35rem 0}
    a{color:var(--accent)}
    nav ol{display:flex;flex-wrap:wrap;gap:.15rem 1.1rem;margin:0;padding:0;list-style:none;\
    font-size:.95rem}
    nav li{margin:0}
    dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,18rem),1fr));\
    gap:.1rem 1.75rem;margin:.9rem 0}
    dl div{padding:.4rem 0;border-bottom:1px solid var(--line);min-width:0}
    dt{color:var(--quiet);font-size:.85rem}
    dd{margin:0;overflow-wrap:anywhere;font-variant-numeric:tabular-nums}
    .table{overflow-x:auto;margin:1rem 0 .4rem}
    table{border-collapse:collapse;font-size:.93rem;font-variant-numeric:tabular-nums}
    caption{text-align:left;font-weight:600;padding:0 0 .4rem;white-space:nowrap}
    th,td{padding:.38rem .75rem .38rem 0;border-bottom:1px solid var(--line);text-align:left;\
    vertical-align:top;font-weight:400}
    th:first-child,td:first-child{padding-left:.5rem}
    thead th{font-weight:600;color:var(--quiet);font-size:.85rem;vertical-align:bottom}
    .number{text-align:right;white-space:nowrap}
    tbody .text{min-width:7rem}
    @media (min-width:48rem){tbody th.text{min-width:10rem}}
    tr.strong{background:var(--strong)}
    tr.strong th,tr.strong td{font-weight:600}
    tr.muted th,tr.muted td{color:var(--quiet);font-style:italic}
    .table-note,figcaption{color:var(--quiet);font-size:.88rem;line-height:1.45;max-width:46rem}
    .table-note{margin:.2rem 0 1.2rem}
    code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.86em}
    td code,th code{white-space:nowrap}
    pre{background:var(--soft);border:1px solid var(--line);border-radius:.35rem;padding:.7rem .9rem;\
    overflow-x:auto;line-height:1.45}
    .warning{background:var(--warn-ground);color:var(--warn);border-left:4px solid currentColor;\
    padding:.6rem .9rem;border-radius:0 .35rem .35rem 0}
    details{margin:.8rem 0}
    summary{cursor:pointer;color:var(--accent);padding:.25rem 0}
    .figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,26rem),1fr));\
    gap:1.5rem 2rem;margin:1rem 0 1.5rem;align-items:start}
    figure{margin:0;min-width:0}
    .drawing{overflow-x:auto}
    svg.chart{display:block;width:100%;height:auto;min-width:334px;max-width:30rem}
    figcaption{margin-top:.35rem}
    @media (max-width:30rem){body{padding:1rem .75rem 3rem}h1{font-size:1.4rem}}
    @media print{details::details-content{content-visibility:visible;block-size:auto}\
    summary{color:inherit;list-style:none;font-weight:600;break-after:avoid}body{max-width:none;padding:0;font-size:10.5pt}nav{display:none}\
    h2,h3{break-after:avoid}caption{break-after:avoid}figure,tr,dl div{break-inside:avoid}.figures{grid-template-columns:1fr 1fr}.table,.drawing,pre{overflow:visible}\
    pre{white-space:pre-wrap;overflow-wrap:anywhere}svg.chart{min-width:0;max-width:100%}a{color:inherit}}
    """
}
