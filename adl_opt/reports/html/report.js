"use strict";
(() => {
  const root = document.documentElement;
  const charts = JSON.parse(document.getElementById("chart-data").textContent);
  const safe = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;"); // plotly reads markup in names

  const colours = () => {
    const style = getComputedStyle(root);
    const ink = style.getPropertyValue("--ink"), line = style.getPropertyValue("--line");
    const axis = { color: ink, gridcolor: line, zerolinecolor: line };
    return { ink, axis };
  };
  // Linear up to a size and logarithmic beyond: plotly knows no such scale, so the values are bent here.
  const bent = (value, least) => (typeof value !== "number" ? value
    : Math.abs(value) <= least ? value / least : Math.sign(value) * (1 + Math.log10(Math.abs(value) / least)));
  const bentAxis = (axis) => (axis.bend ? { ...axis, tickmode: "array", tickvals: axis.tickvals.map((v) => bent(v, axis.bend)),
    range: axis.range.map((v) => bent(v, axis.bend)), autorange: false } : axis);
  const bentTrace = (trace, lay) => {
    const made = { ...trace }, money = (v) => (v === null ? "-" : v.toLocaleString("en-GB", { maximumFractionDigits: 6 }));
    for (const which of ["x", "y"]) {
      const least = lay[which + "axis"].bend;
      if (!least) continue;
      made.customdata = trace[which].map(money);
      made[which] = trace[which].map((v) => bent(v, least));
      made.hovertemplate = "%{" + (which === "x" ? "y" : "x") + "}: %{customdata}<extra>" + safe(trace.name) + "</extra>";
    }
    return made;
  };
  const linearPart = (lay, line) => ["x", "y"].filter((which) => lay[which + "axis"].bend).map((which) => (
    { type: "rect", layer: "below", fillcolor: line, opacity: 0.3, line: { width: 1, dash: "dot" },
      ...(which === "y" ? { xref: "paper", x0: 0, x1: 1, yref: "y", y0: -1, y1: 1 } : { yref: "paper", y0: 0, y1: 1, xref: "x", x0: -1, x1: 1 }) }));
  const narrow = () => window.innerWidth < 700;
  const layoutOf = (chart) => {
    const { ink, axis } = colours();
    const lay = chart.layout, plot = lay.height || 300;
    const named = chart.data.filter((trace) => trace.showlegend !== false);
    const names = named.filter((trace) => !trace.meta || trace.meta === chart.choices[0]).map((trace) => trace.name);
    const lines = names.join(" = ").split(" = "); // a curve of several policies has a line for each
    const columns = narrow() || lines.length > names.length || names.some((name) => name.length > 32) ? 1 : 2;
    return { ...lay, height: plot + 90 + 20 * Math.ceil(lines.length / columns), xaxis: { ...axis, ...bentAxis(lay.xaxis) }, yaxis: { ...axis, ...bentAxis(lay.yaxis) },
      shapes: linearPart(lay, axis.gridcolor),
      font: { color: ink, size: narrow() ? 10 : 12 }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", margin: { l: 60, r: 10, t: 10, b: 50 },
      legend: { orientation: "h", y: -60 / plot, yanchor: "top", font: { size: 10 } }, hovermode: "closest" };
  };
  let paper = null; // width in print, px; on a screen the window decides
  const draw = () => charts.forEach((chart) => {
    const select = document.getElementById(chart.id + "-choice");
    const ink = colours().ink.trim();
    const data = chart.data.map((trace) => ({
      ...bentTrace(trace, chart.layout), name: safe(trace.name).replaceAll(" = ", "<br>= "), ...(select ? { visible: trace.meta === select.value } : {}),
      ...(trace.line && trace.line.color === "#000000" ? { line: { ...trace.line, color: ink } } : {}), // black shows on paper alone
    }));
    const layout = layoutOf(chart);
    const box = document.getElementById(chart.id);
    box.style.height = layout.height + "px";
    Plotly.react(box, data, { ...layout, width: paper || box.clientWidth }, { displaylogo: false, displayModeBar: false });
  });
  const setTheme = (dark) => {
    root.dataset.theme = dark ? "dark" : "light";
    const button = document.getElementById("theme");
    button.setAttribute("aria-pressed", String(dark));
    button.textContent = dark ? "Light" : "Dark";
    draw();
  };
  document.getElementById("theme").addEventListener("click", () => setTheme(root.dataset.theme !== "dark"));
  document.querySelectorAll("select[data-chart]").forEach((select) => select.addEventListener("change", draw));

  const table = document.getElementById("policy-table"), body = table.tBodies[0];
  const original = [...body.rows];
  table.querySelectorAll("thead button").forEach((button, column) => button.addEventListener("click", () => {
    const head = button.parentElement, up = head.getAttribute("aria-sort") !== "ascending";
    table.querySelectorAll("thead th").forEach((th) => th.setAttribute("aria-sort", "none"));
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const key = (row) => { const cell = row.cells[column]; return column < 2 ? cell.textContent : (cell.dataset.sort === "" ? null : Number(cell.dataset.sort)); };
    const sorted = original.slice().sort((a, b) => {
      const x = key(a), y = key(b);
      if (x === null || y === null) return (x === null) - (y === null); // unknown figures last, either way
      const order = column < 2 ? x.localeCompare(y) : x - y;
      return up ? order : -order;
    });
    sorted.forEach((row) => body.appendChild(row));
  }));
  const filter = document.getElementById("filter");
  filter.addEventListener("change", () => {
    let shown = 0;
    original.forEach((row) => { row.hidden = filter.value !== "" && row.dataset.information !== filter.value; shown += row.hidden ? 0 : 1; });
    document.getElementById("count").textContent = shown + " policies";
  });
  const hint = () => document.querySelectorAll(".scroll").forEach((box) =>
    box.previousElementSibling.classList.toggle("wide", box.scrollWidth > box.clientWidth + 1));
  document.addEventListener("toggle", hint, true); // a table in a closed round has no width
  const reveal = () => { // a link to a round opens it
    const aim = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (aim && aim.tagName === "DETAILS") { aim.open = true; aim.scrollIntoView(); }
  };
  window.addEventListener("hashchange", reveal);
  let before = false, waiting = 0;
  window.addEventListener("beforeprint", () => { before = root.dataset.theme === "dark"; paper = 680; setTheme(false); });
  window.addEventListener("afterprint", () => { paper = null; setTheme(before); });
  window.addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(() => { draw(); hint(); }, 100); });
  setTheme(window.matchMedia("(prefers-color-scheme: dark)").matches);
  hint();
  reveal();
  root.dataset.ready = "yes";
})();
