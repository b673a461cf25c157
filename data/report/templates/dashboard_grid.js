/* Tests × deployments on one canvas: only what is in sight is drawn, however many there are. */
const ROW = 15;
let ranked = [], cell = null;
const FILL = { P: "cell-pass", V: "fill-warn", L: "fill-watch", F: "fill-bad", E: "cell-error", N: "cell-none", S: "cell-skip", ".": "" };
const worse = (a, b) => (WORST.indexOf(a) <= WORST.indexOf(b) ? a : b);

function rank() {
  const places = windowed(), wanted = state.find.toLowerCase();
  ranked = scope().tests.filter((t) => (!state.suite || t[0] === state.suite) && (!wanted || `${t[0]} ${t[1]}`.toLowerCase().includes(wanted))).map((t) => {
    const n = { F: 0, E: 0, L: 0, N: 0, V: 0 };
    for (const i of places) if (t[2][i] in n) n[t[2][i]] += 1;
    return { suite: t[0], id: t[1], track: t[2], n, score: 4 * (n.F + n.E) + 2 * n.L + n.N + 0.5 * n.V };
  });
  ranked.sort((a, b) => b.score - a.score || a.suite.localeCompare(b.suite) || a.id.localeCompare(b.id));
  $("grid-tall").style.height = `${Math.max(1, ranked.length) * ROW}px`;
  const red = ranked.filter((t) => t.n.F + t.n.E > 0).length;
  $("grid-said").textContent = `${ranked.length} tests × ${places.length} deployments, the worst first; ${red} were red at least once.`;
  cell = null;
  $("grid-cell").textContent = "";
  paint();
  gridTable();
}
const labels = () => (innerWidth < 720 ? 118 : 250);
function paint() {
  const holder = $("grid"), canvas = $("grid-canvas"), ratio = devicePixelRatio || 1;
  const w = holder.clientWidth, h = holder.clientHeight, left = labels(), places = windowed();
  if (canvas.width !== Math.round(w * ratio) || canvas.height !== Math.round(h * ratio)) {
    canvas.width = Math.round(w * ratio);
    canvas.height = Math.round(h * ratio);
    canvas.style.cssText = `width:${w}px;height:${h}px`;
  }
  const g = canvas.getContext("2d");
  g.setTransform(ratio, 0, 0, ratio, 0, 0);
  g.clearRect(0, 0, w, h);
  const paints = Object.fromEntries(Object.entries(FILL).map(([k, v]) => [k, v && colour(v)]));
  const card = colour("card"), ink = colour("ink"), soft = colour("soft"), top = holder.scrollTop, wide = w - left;
  const from = Math.floor(top / ROW), to = Math.min(ranked.length, Math.ceil((top + h) / ROW));
  const step = wide / places.length, columns = Math.min(places.length, Math.floor(wide));
  g.font = "11px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace";
  g.textBaseline = "middle";
  for (let r = from; r < to; r += 1) {
    const y = r * ROW - top, t = ranked[r];
    g.fillStyle = t.score ? ink : soft;
    g.fillText(short(t.id, Math.floor((left - 12) / 6.7)), 4, y + ROW / 2);
    let run = null;
    const fill = ({ code, x, end }) => {
      if (!paints[code]) return null;
      g.fillStyle = paints[code];
      const wide = Math.max(1, end - x - (step > 5 ? 1 : 0));
      g.fillRect(x, y + 1, wide, ROW - 2);
      if (code === "E" || code === "N") { g.fillStyle = card; g.fillRect(x, y + ROW / 2 - 0.5, wide, 1); }
      return null;
    };
    for (let c = 0; c < columns; c += 1) {
      const a = Math.floor(c * places.length / columns), b = Math.max(a + 1, Math.floor((c + 1) * places.length / columns));
      let code = t.track[places[a]];
      for (let k = a + 1; k < b; k += 1) code = worse(code, t.track[places[k]]);
      const x = left + Math.round(a * step), end = left + Math.round(b * step);
      // Neighbours of one colour are one rectangle while cells are too narrow for a gap.
      if (run && (run.code !== code || step > 5)) run = fill(run);
      run = run ? { ...run, end } : { code, x, end };
    }
    if (run) fill(run);
  }
  if (cell) {
    g.strokeStyle = ink;
    g.lineWidth = 2;
    g.strokeRect(left + cell.c * step - 1, cell.r * ROW - top, Math.max(4, step) + 1, ROW);
  }
}
const short = (text, n) => (text.length <= n ? text : `…${text.slice(1 - n)}`);
function cellAt(e) {
  const box = $("grid").getBoundingClientRect(), places = windowed();
  const x = e.clientX - box.left - labels(), r = Math.floor((e.clientY - box.top + $("grid").scrollTop) / ROW);
  const c = Math.floor(x / ((box.width - labels()) / places.length));
  return r < ranked.length && x >= 0 && c < places.length ? { r, c } : null;
}
function cellSaid(at) {
  const t = ranked[at.r], i = windowed()[at.c];
  return { t, i, word: OUTCOME[t.track[i]], text: `${t.suite}, ${t.id}, ${scope().ids[i]}: ${OUTCOME[t.track[i]]}` };
}
function bindGrid() {
  const grid = $("grid");
  grid.addEventListener("scroll", () => requestAnimationFrame(paint), { passive: true });
  grid.addEventListener("pointermove", (e) => {
    const at = cellAt(e);
    if (!at) { $("tip").hidden = true; return; }
    const told = cellSaid(at);
    $("tip").replaceChildren(el("b", {}, told.word), ` in ${scope().ids[told.i]} `, pill(scope().verdicts[told.i]), el("div", {}, el("code", {}, told.t.id)), el("div", { class: "soft" }, `${told.t.suite} · ${when(told.i, true)}`));
    placeTip(e);
  });
  grid.addEventListener("pointerleave", () => { $("tip").hidden = true; });
  grid.addEventListener("click", (e) => { const at = cellAt(e); if (at) { walk(at.r, at.c); select(windowed()[at.c]); } });
  grid.addEventListener("keydown", (e) => {
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0], PageUp: [-20, 0], PageDown: [20, 0] }[e.key];
    if (e.key === "Enter" && cell) select(windowed()[cell.c]);
    if (!step || e.shiftKey || !ranked.length) return;
    e.preventDefault();
    e.stopPropagation();
    const now = cell || { r: 0, c: windowed().length - 1 };
    walk(cell ? now.r + step[0] : now.r, cell ? now.c + step[1] : now.c);
  });
}
function walk(r, c) {
  cell = { r: clamp(r, 0, ranked.length - 1), c: clamp(c, 0, windowed().length - 1) };
  const grid = $("grid"), y = cell.r * ROW;
  if (y < grid.scrollTop) grid.scrollTop = y;
  if (y + ROW > grid.scrollTop + grid.clientHeight) grid.scrollTop = y + ROW - grid.clientHeight;
  const told = cellSaid(cell);
  $("grid-cell").textContent = told.text;
  tell(told.text);
  paint();
}
function gridTable() {
  if (!$("grid-table").open) return;
  const rows = ranked.slice(0, MOST).map((t) => [t.suite, el("code", {}, t.id), t.n.F, t.n.E, t.n.L, t.n.N, t.n.V].map((v) => (typeof v === "number" ? String(v) : v)));
  $("grid-rows").replaceChildren(table(["Suite", "Test", "Fail", "Error", "Flaky", "Not run", "Vacuous"], rows, "Tests, the worst first", [2, 3, 4, 5, 6]),
    el("p", { class: "soft small" }, ranked.length > MOST ? `The worst ${MOST} of ${ranked.length}; the CSV has every test and deployment.` : ""));
}
function gridCsv() {
  const places = windowed();
  download("tests.csv", [["suite", "test_id", ...places.map((i) => scope().ids[i])], ...ranked.map((t) => [t.suite, t.id, ...places.map((i) => OUTCOME[t.track[i]])])]);
}
