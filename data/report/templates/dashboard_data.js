"use strict";
/* The data of the page, what of it is shown, and how it is said. */
const $ = (id) => document.getElementById(id);
const BOOK = JSON.parse($("book").textContent);
const TONE = { PROMOTE: "good", PROMOTE_WITH_WATCH: "watch", HOLD: "warn", ROLL_BACK: "bad", SUPERSEDED: "mute", "": "mute" };
const SIGN = { PROMOTE: "✓", PROMOTE_WITH_WATCH: "◐", HOLD: "!", ROLL_BACK: "✕", SUPERSEDED: "–", "": "·" };
const OUTCOME = { P: "PASS", V: "VACUOUS", L: "FLAKY", F: "FAIL", E: "ERROR", N: "NOT RUN", S: "SKIPPED", ".": "not seen" };
const WORST = "FENLVSP.";

const state = { scope: 0, service: "", suite: "", lo: 0, hi: 0, at: -1, a: -1, b: -1, find: "" };
let shown = []; // places of the deployments that pass the filters, oldest first

const scope = () => BOOK.scopes[state.scope];
const clamp = (v, lo, hi) => Math.max(lo, Math.min(hi, v));

/* A service's filter keeps the deployments that brought another revision of it. */
function changed(service, i) {
  const said = scope().services[service];
  return Boolean(said[i]) && (i === 0 || said[i] !== said[i - 1]);
}
function refilter() {
  const n = scope().ids.length;
  shown = Array.from({ length: n }, (_, i) => i).filter((i) => !state.service || changed(state.service, i));
}
const windowed = () => shown.slice(state.lo, state.hi + 1);

const pad = (n) => String(n).padStart(2, "0");
const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
function when(i, long) {
  const at = new Date(scope().at[i] * 1000);
  const day = `${at.getUTCDate()} ${MONTHS[at.getUTCMonth()]}`;
  return long ? `${day} ${at.getUTCFullYear()}, ${pad(at.getUTCHours())}:${pad(at.getUTCMinutes())} UTC` : day;
}
function said(value, unit) {
  if (value === null || value === undefined) return "–";
  if (unit === "share") return `${(100 * value).toFixed(value === 1 || value === 0 ? 0 : 1)} %`;
  if (unit === "ms") return value >= 999.5 ? `${(value / 1000).toFixed(2)} s` : `${value >= 9.95 ? value.toFixed(0) : value.toPrecision(3)} ms`;
  if (unit === "s") return value >= 60 ? `${Math.floor(Math.round(value) / 60)} min ${pad(Math.round(value) % 60)} s` : `${value.toFixed(1)} s`;
  if (unit === "tests") return value.toLocaleString("en", { maximumFractionDigits: 1 });
  return `${value.toLocaleString("en", { maximumFractionDigits: 0 })} ${unit}`;
}
function shift(before, after, unit) {
  if (before === null || after === null) return "–";
  const d = after - before;
  if (unit === "share") return `${d > 0 ? "+" : ""}${(100 * d).toFixed(1)} points`;
  if (unit === "tests" || !before) return `${d > 0 ? "+" : ""}${d.toFixed(unit === "tests" ? 0 : 1)}`;
  return `${d > 0 ? "+" : ""}${(100 * d / before).toFixed(1)} %`;
}
function outside(s, i) {
  const v = s.v[i];
  if (v === null || s.lo[i] === null || (v >= s.lo[i] && v <= s.hi[i])) return "";
  return (v > s.hi[i]) === (s.worse === "up") ? "worse" : "better";
}
const lastOf = (s) => shown.slice(0, state.hi + 1).reverse().find((i) => s.v[i] !== null);

/* Elements from text only: nothing that the warehouse holds is ever read as markup. */
function el(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [k, v] of Object.entries(attributes || {})) {
    if (k.startsWith("on")) made.addEventListener(k.slice(2), v);
    else if (v !== false && v !== null && v !== undefined) made.setAttribute(k, v === true ? "" : v);
  }
  made.append(...children.filter((c) => c !== null && c !== undefined));
  return made;
}
const pill = (word) => el("span", { class: `pill ${TONE[word] || "mute"}` }, `${SIGN[word] || "·"} ${(word || "not judged").replaceAll("_", " ")}`);
function table(head, rows, caption, numeric) {
  const n = (c) => (numeric && numeric.includes(c) ? "n" : null);
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    el("table", {}, el("caption", { class: "unseen" }, caption),
      el("thead", {}, el("tr", {}, ...head.map((h, c) => el("th", { scope: "col", class: n(c) }, h)))),
      el("tbody", {}, ...rows.map((r) => el("tr", {}, ...r.map((cell, c) => el("td", { class: n(c) }, cell === null ? "–" : cell)))))));
}
function report(i, text) {
  const run = scope().runs[i];
  if (scope().linked[i]) return el("a", { href: BOOK.reports + encodeURIComponent(run) + ".html" }, text || "run report");
  return el("code", { title: "the report's page is not where it is looked for; this command writes one" }, `goldenpath show ${run} --html report.html`);
}

function csvCell(value) {
  if (value === null || value === undefined) return "";
  let text = String(value);
  // A spreadsheet takes a text that begins so for a formula.
  if (typeof value === "string" && /^[=+\-@\t\r]/.test(text)) text = `'${text}`;
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
function download(name, rows) {
  const body = rows.map((r) => r.map(csvCell).join(",")).join("\r\n") + "\r\n";
  const url = URL.createObjectURL(new Blob([body], { type: "text/csv" }));
  const link = el("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
  tell(`${rows.length - 1} rows saved as ${name}`);
}
function tell(text) {
  $("live").textContent = text;
}
