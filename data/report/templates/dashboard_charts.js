/* Charts: Vega draws, lazily and only the window; zoom, cursor and keys are the same for all. */
let charts = [];
let vegaReady = false;
let watcher = null;
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

const SECTIONS = [
  ["pass_rate", "Tests that passed"], ["coverage", "Tests that passed"], ["latency", "Journeys"],
  ["evidence", "What the passes are worth"], ["flaky", "What the passes are worth"],
  ["revenue", "Revenue and cost"], ["cost", "Revenue and cost"],
  ["verdicts", "The gate itself"], ["accuracy", "The gate itself"],
];

/* p50 and p95 of a journey share a chart; the band is of the last line, the worse one. */
function chosen() {
  const bySuite = (s) => (state.suite && ["pass_rate", "cost"].includes(s.metric) ? s.suite === state.suite : !s.suite);
  const found = [];
  for (const s of scope().series.filter(bySuite)) {
    const stem = s.metric === "latency" ? s.name.replace(/ p\d+$/, "") : s.name;
    const mate = found.find((f) => f.metric === "latency" && s.metric === "latency" && f.stem === stem);
    if (mate) mate.series.push(s);
    else found.push({ metric: s.metric, stem, series: [s] });
  }
  return found;
}

function spec(chart, width) {
  const main = chart.series.at(-1), other = chart.series.length > 1 ? chart.series[0] : null;
  const values = shown.map((i, x) => ({ x, v: main.v[i], u: other ? other.v[i] : null, lo: main.lo[i], mi: main.mi[i], hi: main.hi[i], w: scope().verdicts[i] }));
  const steps = main.steps.map((s) => ({ x: shown.findIndex((i) => i >= s[0]), up: s[2] > s[1] })).filter((s) => s.x >= 0);
  const share = main.unit === "share";
  const x = { field: "x", type: "quantitative", title: null, scale: { domainMin: { expr: "lo - 0.5" }, domainMax: { expr: "hi + 0.5" }, nice: false, zero: false },
    axis: { tickMinStep: 1, tickCount: Math.max(2, Math.floor(width / 110)), labelExpr: "when(datum.value)", grid: false, labelFlush: true, labelOverlap: true } };
  const y = (field) => ({ field, type: "quantitative", title: null, scale: { zero: false, nice: !share, padding: 8 },
    axis: { tickCount: 4, format: share ? ".4~%" : "~s", domain: false, ticks: false, labelPadding: 6 } });
  const line = (field, mark) => ({ mark: { type: "line", clip: true, ...mark }, encoding: { y: y(field) } });
  const only = (test, mark) => ({ transform: [{ filter: test }], mark: { type: "point", filled: true, clip: true, opacity: 1, ...mark }, encoding: { y: y("v") } });
  const steep = "datum.w == ";
  return {
    width, height: 168, autosize: { type: "fit", contains: "padding" }, background: null,
    params: [{ name: "lo", value: state.lo }, { name: "hi", value: state.hi }],
    data: { name: "t", values },
    transform: [{ filter: "datum.x >= lo - 1 && datum.x <= hi + 1" }],
    encoding: { x },
    layer: [
      { mark: { type: "area", clip: true, color: colour("band"), opacity: 1, interpolate: "step" }, encoding: { y: y("lo"), y2: { field: "hi" } } },
      line("mi", { color: colour("usual"), strokeWidth: 1, strokeDash: [4, 3] }),
      ...(other ? [line("u", { color: colour("second"), strokeWidth: 1.2 })] : []),
      line("v", { color: colour("first"), strokeWidth: 1.5 }),
      only(`${steep}'HOLD'`, { shape: "triangle-up", size: 34, color: colour("fill-warn") }),
      only(`${steep}'ROLL_BACK'`, { shape: "cross", angle: 45, size: 52, color: colour("fill-bad") }),
      { data: { values: steps }, transform: [{ filter: "datum.x >= lo && datum.x <= hi" }], mark: { type: "rule", color: colour("ink"), strokeDash: [2, 3], strokeWidth: 1.2 }, encoding: { x } },
      { data: { values: steps }, transform: [{ filter: "datum.x >= lo && datum.x <= hi" }, { calculate: "datum.up ? '▲' : '▼'", as: "word" }], mark: { type: "text", color: colour("ink"), y: 6, fontSize: 10 }, encoding: { x, text: { field: "word" } } },
    ],
    config: { view: { stroke: null }, font: "Inter, system-ui, sans-serif",
      axis: { labelColor: colour("soft"), gridColor: colour("line"), domainColor: colour("line"), tickColor: colour("line"), labelFontSize: 11 } },
  };
}

function summary(chart) {
  const s = chart.series.at(-1), i = lastOf(s);
  if (i === undefined) return { now: "–", usual: "nothing measured", tone: "" };
  const usual = s.mi[i] === null ? "no baseline yet" : `usually ${said(s.lo[i], s.unit)} to ${said(s.hi[i], s.unit)}`;
  const name = chart.series.length > 1 ? `${s.name.split(" ").at(-1)} ` : "";
  return { now: name + said(s.v[i], s.unit), usual, tone: outside(s, i) };
}

function build() {
  watcher?.disconnect();
  charts.forEach((c) => c.view?.finalize());
  watcher = new IntersectionObserver((seen) => seen.forEach((e) => e.isIntersecting && draw(charts.find((c) => c.box === e.target))), { rootMargin: "150px" });
  const root = $("charts");
  root.replaceChildren();
  charts = [];
  let title = "", grid = null;
  const found = chosen();
  for (const metric of SECTIONS.map((s) => s[0])) {
    for (const one of found.filter((f) => f.metric === metric)) {
      const section = SECTIONS.find((s) => s[0] === metric)[1];
      if (section !== title) {
        grid = el("div", { class: "charts" });
        root.append(el("h2", {}, section), grid);
        title = section;
      }
      grid.append(card(one));
    }
  }
  charts.forEach((c) => watcher.observe(c.box));
}

function card(one) {
  const chart = { ...one, drawn: "", view: null };
  chart.box = el("div", { class: "plot", tabindex: "0", role: "img", onkeydown: (e) => chartKey(e, chart) });
  chart.now = el("span", { class: "now" });
  chart.usual = el("span", { class: "soft small" });
  chart.rows = el("div", {});
  chart.details = el("details", { class: "beside", ontoggle: () => chartTable(chart) }, el("summary", {}, "Table"), chart.rows);
  const legend = chart.series.length > 1 ? el("span", { class: "keys small soft" }, el("i", { class: "first" }), chart.series.at(-1).name.split(" ").at(-1), el("i", { class: "second" }), chart.series[0].name.split(" ").at(-1)) : null;
  const save = el("button", { class: "plain", "aria-label": `CSV of ${chart.stem}`, onclick: () => chartCsv(chart) }, "CSV");
  pointer(chart);
  charts.push(chart);
  return el("figure", { class: "panel" },
    el("div", { class: "head" }, el("h3", {}, chart.stem), chart.now, chart.usual, legend, save), chart.box, stepsOf(chart), chart.details);
}

function stepsOf(chart) {
  const s = chart.series.at(-1), step = s.steps.at(-1);
  if (!step) return null;
  return el("p", { class: "step small" }, `Level changed at ${scope().ids[step[0]]}, ${when(step[0])}: ${said(step[1], s.unit)} → ${said(step[2], s.unit)}` + (s.steps.length > 1 ? `; ${s.steps.length - 1} earlier` : ""));
}

async function draw(chart, force) {
  if (!vegaReady || !chart) return;
  const width = chart.box.clientWidth, key = `${width}/${state.service}`;
  if (chart.drawn === key && !force) {
    if (chart.view) moveTo(chart);
    return;
  }
  chart.drawn = key;
  const canvas = el("div", { class: "canvas" });
  const options = { actions: false, renderer: "canvas", tooltip: false, hover: false, defaultStyle: false, logLevel: 1, expressionFunctions: { when: tick } };
  const made = await window.vegaEmbed(canvas, spec(chart, width), options);
  if (chart.drawn !== key) { made.finalize(); return; } // the window was resized meanwhile
  chart.view?.finalize();
  chart.view = made.view;
  chart.line = el("div", { class: "cursor" });
  chart.span = el("div", { class: "brush" });
  chart.box.replaceChildren(canvas, chart.span, chart.line);
  moveTo(chart);
}
const tick = (place) => { const i = shown[Math.round(place)]; return i === undefined || place % 1 ? "" : when(i); };
function moveTo(chart) {
  chart.view.signal("lo", state.lo).signal("hi", state.hi).run();
  describe(chart);
}
function describe(chart) {
  const told = summary(chart);
  chart.now.textContent = told.now;
  chart.now.className = `now ${told.tone}`;
  chart.usual.textContent = told.usual + (told.tone ? ` · ${told.tone} than usual` : "");
  chart.box.setAttribute("aria-label", `${chart.stem}: ${told.now} in the newest deployment shown, ${told.usual}. ${state.hi - state.lo + 1} deployments. Arrow keys walk, plus and minus zoom.`);
  if (chart.details.open) chartTable(chart);
}
const near = (chart) => { const box = chart.box.getBoundingClientRect(); return box.bottom > -150 && box.top < innerHeight + 150; };
async function redraw(force) {
  const drawing = [];
  for (const chart of charts) {
    if (force) chart.drawn = "";
    if (near(chart)) drawing.push(draw(chart, force));
    else if (chart.view) { chart.drawn = ""; describe(chart); } // stale
    else describe(chart);
  }
  // What is out of sight is drawn when it comes into sight.
  charts.forEach((c) => { watcher.unobserve(c.box); watcher.observe(c.box); });
  await Promise.all(drawing);
}

const placeOf = (chart, clientX) => {
  const left = chart.box.getBoundingClientRect().left + chart.view.origin()[0];
  return clamp(Math.round(chart.view.scale("x").invert(clientX - left)), state.lo, state.hi);
};
const pixelOf = (chart, place) => chart.view.origin()[0] + chart.view.scale("x")(place);
function pointer(chart) {
  let from = null;
  const box = chart.box;
  box.addEventListener("pointerdown", (e) => { if (chart.view && e.button === 0) { from = placeOf(chart, e.clientX); box.setPointerCapture(e.pointerId); } });
  box.addEventListener("pointermove", (e) => {
    if (!chart.view) return;
    const to = placeOf(chart, e.clientX);
    hover(to, e, chart);
    if (from === null) return;
    const [a, b] = [pixelOf(chart, Math.min(from, to)), pixelOf(chart, Math.max(from, to))];
    chart.span.style.cssText = `display:block;left:${a}px;width:${b - a}px`;
  });
  box.addEventListener("pointerup", (e) => {
    if (from === null) return;
    const to = placeOf(chart, e.clientX), began = from;
    from = null;
    chart.span.style.display = "none";
    if (Math.abs(to - began) >= 2) zoomTo(Math.min(began, to), Math.max(began, to));
    else select(shown[to]);
  });
  box.addEventListener("pointercancel", () => { from = null; });
  box.addEventListener("pointerleave", () => { $("tip").hidden = true; charts.forEach((c) => c.line && (c.line.style.display = "none")); });
  box.addEventListener("dblclick", () => zoomTo(0, shown.length - 1));
}
function hover(place, event, chart) {
  for (const c of charts) if (c.view && near(c)) c.line.style.cssText = `display:block;left:${pixelOf(c, place)}px`;
  const i = shown[place], tip = $("tip");
  if (i === undefined) return;
  const rows = chart.series.toReversed().map((s) => el("div", {}, `${s.name}: `, el("b", {}, said(s.v[i], s.unit))));
  const main = chart.series.at(-1);
  tip.replaceChildren(el("b", {}, scope().ids[i]), " ", pill(scope().verdicts[i]), el("div", { class: "soft" }, when(i, true)), ...rows,
    main.mi[i] === null ? "" : el("div", { class: "soft" }, `usual ${said(main.lo[i], main.unit)} – ${said(main.hi[i], main.unit)}`));
  placeTip(event);
}
function placeTip(event) {
  const tip = $("tip");
  tip.hidden = false;
  const w = tip.offsetWidth, h = tip.offsetHeight;
  tip.style.left = `${clamp(event.clientX + 16 + w > innerWidth ? event.clientX - w - 14 : event.clientX + 16, 4, innerWidth - w - 4)}px`;
  tip.style.top = `${clamp(event.clientY + 16, 4, innerHeight - h - 4)}px`;
}
function chartKey(e, chart) {
  const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 }[e.key];
  if (e.key === "Enter" && chart.place !== undefined) return select(shown[chart.place]);
  if (!step || e.shiftKey || !chart.view) return undefined;
  e.preventDefault();
  e.stopPropagation();
  chart.place = clamp((chart.place ?? state.hi + 1) + step, state.lo, state.hi);
  const box = chart.box.getBoundingClientRect();
  hover(chart.place, { clientX: box.left + pixelOf(chart, chart.place), clientY: box.top + 40 }, chart);
  const i = shown[chart.place];
  return tell(`${scope().ids[i]}, ${scope().verdicts[i] || "not judged"}, ${chart.series.map((s) => `${s.name} ${said(s.v[i], s.unit)}`).join(", ")}`);
}
const MOST = 100;
function chartTable(chart) {
  if (!chart.details.open) return;
  const rows = windowed().reverse();
  const cells = rows.slice(0, MOST).map((i) => [scope().ids[i], when(i, true), pill(scope().verdicts[i]), ...chart.series.map((s) => said(s.v[i], s.unit)), outside(chart.series.at(-1), i)]);
  const more = rows.length > MOST ? el("p", { class: "soft small" }, `The newest ${MOST} of ${rows.length}; the CSV has all.`) : null;
  chart.rows.replaceChildren(table(["Deployment", "Began", "Verdict", ...chart.series.map((s) => s.name), "Than usual"], cells, `${chart.stem}, newest first`, chart.series.map((_, k) => 3 + k)), ...(more ? [more] : []));
}
const SAID = ["deployment_id", "revision", "started_at", "run_id", "verdict"];
const told = (i) => [scope().ids[i], scope().revisions[i], new Date(scope().at[i] * 1000).toISOString(), scope().runs[i], scope().verdicts[i]];
function csvOf(series) {
  const head = [...SAID, ...series.flatMap((s) => [`${s.name} [${s.unit}]`, `${s.name} usual low`, `${s.name} usual high`])];
  return [head, ...windowed().reverse().map((i) => [...told(i), ...series.flatMap((s) => [s.v[i], s.lo[i], s.hi[i]])])];
}
const chartCsv = (chart) => download(`${chart.stem.replace(/[^\w-]+/g, "_")}.csv`, csvOf(chart.series));
