/* The page around the charts: filters, zoom, the chosen deployment, comparison, lists. */
function zoomTo(lo, hi) {
  const end = Math.max(0, shown.length - 1);
  state.lo = clamp(lo, 0, end);
  state.hi = clamp(Math.max(hi, state.lo), 0, end);
  if (state.hi - state.lo < 4 && shown.length > 4) state.lo = clamp(state.hi - 4, 0, end), state.hi = Math.min(end, state.lo + 4);
  const n = state.hi - state.lo + 1;
  $("range").textContent = shown.length ? `${n} of ${shown.length} deployments · ${when(shown[state.lo])} – ${when(shown[state.hi], true)}` : "no deployment passes these filters";
  for (const b of document.querySelectorAll("[data-last]")) b.setAttribute("aria-pressed", String(state.hi === end && n === Math.min(shown.length, Number(b.dataset.last) || shown.length)));
  redraw(false);
  strip();
  rank();
  remember();
}
function zoomBy(factor) {
  const n = state.hi - state.lo + 1, next = Math.max(5, Math.round(n * factor)), mid = state.hi === shown.length - 1 ? state.hi - next / 2 : (state.lo + state.hi) / 2;
  const lo = clamp(Math.round(mid - next / 2) + 1, 0, Math.max(0, shown.length - next));
  zoomTo(lo, lo + next - 1);
}
function pan(share) {
  const n = state.hi - state.lo + 1, lo = clamp(state.lo + Math.round(n * share), 0, Math.max(0, shown.length - n));
  zoomTo(lo, lo + n - 1);
}

/* The strip: a verdict a deployment, over all of them, with the window marked. */
function strip() {
  const canvas = $("strip"), ratio = devicePixelRatio || 1, w = canvas.clientWidth, h = 30;
  canvas.width = w * ratio;
  canvas.height = h * ratio;
  const g = canvas.getContext("2d");
  g.scale(ratio, ratio);
  const step = w / Math.max(1, shown.length), order = ["", "PROMOTE", "SUPERSEDED", "PROMOTE_WITH_WATCH", "HOLD", "ROLL_BACK"];
  const tall = { "": 4, PROMOTE: 8, SUPERSEDED: 11, PROMOTE_WITH_WATCH: 14, HOLD: 20, ROLL_BACK: 26 };
  for (const word of order) {
    g.fillStyle = colour(`fill-${TONE[word]}`);
    shown.forEach((i, x) => { if (scope().verdicts[i] === word) g.fillRect(x * step, h - tall[word], Math.max(1.5, step - (step > 4 ? 1 : 0)), tall[word]); });
  }
  g.fillStyle = colour("veil");
  g.fillRect(0, 0, state.lo * step, h);
  g.fillRect((state.hi + 1) * step, 0, w, h);
  g.strokeStyle = colour("ink");
  g.strokeRect(state.lo * step + 0.5, 0.5, Math.max(3, (state.hi - state.lo + 1) * step - 1), h - 1);
  const counts = {};
  for (const i of windowed()) counts[scope().verdicts[i]] = (counts[scope().verdicts[i]] || 0) + 1;
  $("counts").replaceChildren(...order.toReversed().filter((word) => counts[word]).map((word) => el("span", {}, pill(word), ` ${counts[word]}`)));
  canvas.setAttribute("aria-label", `Verdicts of ${windowed().length} deployments: ${Object.entries(counts).map(([k, v]) => `${v} ${k || "not judged"}`).join(", ")}`);
}
function bindStrip() {
  const canvas = $("strip");
  let from = null;
  const at = (e) => clamp(Math.floor((e.clientX - canvas.getBoundingClientRect().left) / (canvas.clientWidth / shown.length)), 0, shown.length - 1);
  canvas.addEventListener("pointerdown", (e) => { from = at(e); canvas.setPointerCapture(e.pointerId); });
  canvas.addEventListener("pointerup", (e) => {
    if (from === null) return;
    const to = at(e), n = state.hi - state.lo + 1;
    if (Math.abs(to - from) > 2) zoomTo(Math.min(from, to), Math.max(from, to));
    else { const lo = clamp(to - Math.floor(n / 2), 0, shown.length - n); zoomTo(lo, lo + n - 1); }
    from = null;
  });
}

function select(i) {
  if (i === undefined || i < 0) return;
  state.at = i;
  const s = scope(), red = s.tests.filter((t) => "FE".includes(t[2][i]));
  const beyond = s.series.filter((one) => outside(one, i) === "worse");
  $("chosen").hidden = false;
  $("chosen-body").replaceChildren(
    el("h3", {}, s.ids[i], " ", pill(s.verdicts[i])),
    el("p", { class: "soft small" }, `${when(i, true)} · ${s.rules[i] || "no rule decided"}${s.labels[i] ? ` · labelled ${s.labels[i]}` : ""}`),
    el("p", { class: "small" }, ...Object.entries(s.services).filter(([, v]) => v[i]).map(([k, v]) => el("span", { class: "tag" }, `${k} ${v[i]}`))),
    el("p", { class: "small" }, beyond.length ? `Worse than usual: ${beyond.slice(0, 6).map((b) => `${b.name} ${said(b.v[i], b.unit)}`).join("; ")}.` : "Nothing worse than usual."),
    el("p", { class: "small" }, red.length ? `${red.length} red: ${red.slice(0, 3).map((t) => t[1]).join(", ")}${red.length > 3 ? " …" : ""}` : "No red test."),
    el("p", { class: "small" }, report(i)),
    el("p", { class: "row" }, el("button", { onclick: () => { state.a = i; compare(); } }, "Compare as A"), el("button", { onclick: () => { state.b = i; compare(); } }, "Compare as B")));
  tell(`${s.ids[i]} chosen, ${s.verdicts[i] || "not judged"}`);
  remember();
}

function pickers() {
  for (const side of ["a", "b"]) {
    const list = $(`pick-${side}`);
    list.replaceChildren(...shown.toReversed().map((i) => el("option", { value: i, selected: state[side] === i }, `${scope().ids[i]} · ${when(i)} · ${(scope().verdicts[i] || "not judged").replaceAll("_", " ")}`)));
  }
}
function compare() {
  const s = scope(), { a, b } = state;
  $("pick-a").value = a;
  $("pick-b").value = b;
  if (a < 0 || b < 0) return;
  const keep = (one) => !one.suite || !state.suite || one.suite === state.suite;
  const numbers = s.series.filter((one) => keep(one) && (one.v[a] !== null || one.v[b] !== null));
  const tone = (one) => { const word = outside(one, b); return el("span", { class: `than ${word}` }, word ? `${word} than usual` : "usual"); };
  const turned = s.tests.filter((t) => t[2][a] !== t[2][b] && (!state.suite || t[0] === state.suite)).sort((x, y) => "FE".includes(y[2][b]) - "FE".includes(x[2][b]));
  const other = Object.entries(s.services).filter(([, v]) => v[a] !== v[b]);
  $("compared").replaceChildren(
    el("div", { class: "sides" }, ...[["A", a], ["B", b]].map(([k, i]) => el("div", {}, el("b", {}, `${k}  ${s.ids[i]} `), pill(s.verdicts[i]), el("p", { class: "soft small" }, `${when(i, true)} · ${s.rules[i]}`), el("p", { class: "small" }, report(i))))),
    el("p", { class: "small" }, other.length ? `Other revisions: ${other.map(([k, v]) => `${k} ${v[a] || "–"} → ${v[b] || "–"}`).join(", ")}.` : "The same revisions of all services."),
    table(["Number", "A", "B", "Change", "B beside its baseline"], numbers.map((one) => [one.name, said(one.v[a], one.unit), said(one.v[b], one.unit), shift(one.v[a], one.v[b], one.unit), tone(one)]), "Numbers of both deployments", [1, 2, 3]),
    el("h3", { class: "gap-above" }, `${turned.length} tests with another outcome`),
    table(["Suite", "Test", "A", "B"], turned.slice(0, MOST).map((t) => [t[0], el("code", {}, t[1]), OUTCOME[t[2][a]], OUTCOME[t[2][b]]]), "Tests whose outcome differs"));
  remember();
}
function compareCsv() {
  const s = scope(), { a, b } = state;
  download("compare.csv", [["what", "unit", s.ids[a], s.ids[b], "beside the baseline"], ...s.series.map((one) => [one.name, one.unit, one.v[a], one.v[b], outside(one, b)]), ...s.tests.filter((t) => t[2][a] !== t[2][b]).map((t) => [`${t[0]}: ${t[1]}`, "outcome", OUTCOME[t[2][a]], OUTCOME[t[2][b]], ""])]);
}

function lists() {
  const root = $("lists");
  root.replaceChildren();
  for (const l of scope().lists) {
    const at = l.columns.indexOf("suite"), rows = l.rows.filter((r) => at < 0 || !state.suite || r[at] === state.suite);
    const numeric = l.columns.map((_, c) => c).filter((c) => rows.some((r) => typeof r[c] === "number"));
    const body = rows.length ? table(l.columns.map((c) => c.replaceAll("_", " ")), rows.slice(0, 20).map((r) => r.map((v) => (typeof v === "number" ? String(Number(v.toPrecision(4))) : v))), l.title, numeric) : el("p", { class: "soft pad" }, "Nothing yet.");
    root.append(el("h2", {}, l.title), el("div", { class: "panel" }, el("div", { class: "head" }, el("span", { class: "soft small" }, `${rows.length} rows · goldenpath sql "FROM ${l.view}"`), el("button", { class: "plain", "aria-label": `CSV of ${l.title}`, onclick: () => download(`${l.view}.csv`, [l.columns, ...rows]) }, "CSV")), body));
  }
}

function options(id, values, all) {
  $(id).replaceChildren(...(all ? [el("option", { value: "" }, all)] : []), ...values.map(([v, text]) => el("option", { value: v }, text)));
}
function reset(keep) {
  if (!keep) {
    options("service", Object.keys(scope().services).map((s) => [s, `${s} changed`]), "any");
    options("suite", [...new Set(scope().tests.map((t) => t[0]))].map((s) => [s, s]), "all");
    state.service = state.suite = "";
    state.at = -1;
    $("chosen").hidden = true;
  }
  refilter();
  state.b = shown.at(-1) ?? -1;
  state.a = shown.toReversed().find((i) => i < state.b && TONE[scope().verdicts[i]] === "good") ?? shown.at(-2) ?? state.b;
  state.lo = Math.max(0, shown.length - 200);
  state.hi = Math.max(0, shown.length - 1);
}
function show() {
  build();
  zoomTo(state.lo, state.hi);
  pickers();
  compare();
  lists();
}
/* The address keeps what is looked at, so that it can be sent to somebody. */
function remember() {
  const s = scope(), kept = { in: `${s.environment}/${s.plan}`, service: state.service, suite: state.suite, from: s.ids[shown[state.lo]], to: s.ids[shown[state.hi]], a: s.ids[state.a], b: s.ids[state.b], at: s.ids[state.at] };
  const told = new URLSearchParams(Object.entries(kept).filter(([, v]) => v));
  try { history.replaceState(null, "", `#${told}`); } catch { /* a browser may forbid it to a file */ }
}
function recall() {
  const told = new URLSearchParams(location.hash.slice(1));
  const found = BOOK.scopes.findIndex((s) => `${s.environment}/${s.plan}` === told.get("in"));
  state.scope = Math.max(0, found);
  reset(false);
  const s = scope(), place = (key) => s.ids.indexOf(told.get(key));
  if (told.get("service") in s.services) state.service = told.get("service");
  if (s.tests.some((t) => t[0] === told.get("suite"))) state.suite = told.get("suite");
  refilter();
  reset(true);
  const [from, to] = [shown.indexOf(place("from")), shown.indexOf(place("to"))];
  if (from >= 0 && to >= from) [state.lo, state.hi] = [from, to];
  for (const side of ["a", "b"]) if (place(side) >= 0) state[side] = place(side);
  $("scope").value = String(state.scope);
  $("service").value = state.service;
  $("suite").value = state.suite;
  return place("at");
}

function keys(e) {
  if (e.target.closest?.("input, select, textarea, dialog") || e.ctrlKey || e.metaKey || e.altKey) return;
  const moves = { "+": () => zoomBy(0.5), "=": () => zoomBy(0.5), "-": () => zoomBy(2), 0: () => zoomTo(0, shown.length - 1), "[": () => pan(-0.5), "]": () => pan(0.5), "/": () => $("find").focus(), "?": () => $("help").showModal(), Escape: () => { $("chosen").hidden = true; } };
  const panned = e.shiftKey && { ArrowLeft: () => pan(-0.5), ArrowRight: () => pan(0.5) }[e.key];
  const move = panned || moves[e.key];
  if (move) { e.preventDefault(); move(); }
}
function bind() {
  $("scope").onchange = (e) => { state.scope = Number(e.target.value); reset(false); show(); };
  $("service").onchange = (e) => { state.service = e.target.value; reset(true); show(); };
  $("suite").onchange = (e) => { state.suite = e.target.value; build(); zoomTo(state.lo, state.hi); compare(); lists(); };
  $("find").oninput = (e) => { state.find = e.target.value; rank(); };
  for (const b of document.querySelectorAll("[data-last]")) b.onclick = () => zoomTo(b.dataset.last === "all" ? 0 : shown.length - Number(b.dataset.last), shown.length - 1);
  const press = { "zoom-in": () => zoomBy(0.5), "zoom-out": () => zoomBy(2), earlier: () => pan(-0.5), later: () => pan(0.5), csv: () => download("trends.csv", csvOf(chosen().flatMap((c) => c.series))), "grid-csv": gridCsv, "compare-csv": compareCsv, "show-help": () => $("help").showModal(), "close-chosen": () => { $("chosen").hidden = true; }, swap: () => { [state.a, state.b] = [state.b, state.a]; compare(); } };
  for (const [id, does] of Object.entries(press)) $(id).onclick = does;
  for (const side of ["a", "b"]) $(`pick-${side}`).onchange = (e) => { state[side] = Number(e.target.value); compare(); };
  $("grid-table").ontoggle = gridTable;
  document.addEventListener("keydown", keys);
  let late = 0;
  addEventListener("resize", () => { clearTimeout(late); late = setTimeout(() => { redraw(true); strip(); paint(); }, 120); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { redraw(true); strip(); paint(); });
  bindGrid();
  bindStrip();
}
function boot() {
  options("scope", BOOK.scopes.map((s, k) => [k, `${s.environment} · ${s.plan}`]));
  bind();
  const at = recall();
  show();
  select(at);
  // The library is the largest part of the page: it is read after the first picture.
  requestAnimationFrame(() => setTimeout(() => {
    document.head.append(el("script", {}, $("vega").textContent));
    vegaReady = true;
    redraw(true).then(() => { document.documentElement.dataset.ready = "yes"; });
  }, 0));
}
boot();
