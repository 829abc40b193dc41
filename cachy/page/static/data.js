// Where the data of the page come from, how they are written, and the address of what is shown.
// The scripts of the page share their names: data.js, then views.js, then page.js.
"use strict";
const { html, render, Component, useEffect, useLayoutEffect, useRef, useState } = htmPreact;

const ROW = 64; // pixels, as in page.css
const CHUNK = 100; // rows that are fetched at once
const DEBOUNCE = 120; // milliseconds
const FACETS = [["state", "State"], ["notebook", "Notebook"], ["model", "Model"], ["host", "Host"], ["day", "Day"]];
const FILTERS = ["text", ...FACETS.map(([name]) => name)];
const STATES = { private: "Private", older: "Superseded", unused: "Unused" };

// ---- Where the data come from: the server, or the report that they stand in ----

const inlined = document.getElementById("data");
const report = inlined ? JSON.parse(inlined.textContent) : null;

async function get(what, params = {}) {
  if (report) return fromReport(what, params);
  const response = await fetch(`/api/${what}?${new URLSearchParams(params)}`);
  return answer(response);
}

async function post(what, body) {
  const headers = { "x-cachy": "1", "content-type": "application/json" };
  return answer(await fetch(`/api/${what}`, { method: "POST", headers, body: JSON.stringify(body) }));
}

async function answer(response) {
  const type = response.headers.get("content-type") || "";
  if (!type.includes("json")) throw new Error((await response.text()).trim() || response.statusText);
  const data = await response.json();
  if (data && data.error) throw new Error(data.error);
  return data;
}

function fromReport(what, params) {
  const selected = () => report.rows.filter((row) => chosen(row, params));
  if (what === "rows") {
    const rows = selected();
    const from = +params.offset || 0;
    return { total: rows.length, offset: from, rows: rows.slice(from, from + (+params.limit || CHUNK)) };
  }
  if (what === "facets") return facetsOf(report.rows, params);
  if (what in report) return report[what];
  const entry = report.entries[params.name];
  if (!entry) throw new Error("This entry is not in the report.");
  return what === "entry" ? entry : entry[`_${what}`] || {};
}

function chosen(row, params, but = "") {
  const words = (params.text || "").toLowerCase().split(/\s+/).filter(Boolean);
  return words.every((word) => row.words.includes(word)) &&
    FACETS.every(([name]) => name === but || !params[name] || valuesOf(row, name).includes(params[name]));
}

function valuesOf(row, name) {
  if (name === "notebook") return row.users;
  if (name === "state") return Object.keys(STATES).filter((state) => row[state]);
  return [String(row[name])];
}

function facetsOf(rows, params) {
  const facets = {};
  for (const [name] of FACETS) {
    const counts = new Map();
    for (const row of rows.filter((row) => chosen(row, params, name))) {
      for (const value of valuesOf(row, name)) counts.set(value, (counts.get(value) || 0) + 1);
    }
    facets[name] = [...counts].sort((a, b) => (name === "day" ? (a[0] < b[0] ? 1 : -1) : b[1] - a[1]));
  }
  const total = { entries: 0, input: 0, output: 0, cost: 0, priced: 0, ms: 0, bytes: 0 };
  for (const row of rows.filter((row) => chosen(row, params))) {
    for (const name of ["input", "output", "cost", "ms", "bytes"]) total[name] += row[name] || 0;
    total.entries += 1;
    total.priced += row.cost !== null;
  }
  return { total, facets };
}

const mediaUrl = (entry, number) =>
  report ? entry.media[number].data : `/media/${encodeURIComponent(entry.name)}/${number}`;

// ---- Words and numbers ----

const number = (n) => Math.round(n || 0).toLocaleString("en");
const many = (n, one, more) => `${number(n)} ${n === 1 ? one : more || one + "s"}`;
const size = (n) => (n < 1000 ? `${n} B` : n < 1e6 ? `${(n / 1e3).toFixed(1)} kB` : `${(n / 1e6).toFixed(1)} MB`);
const took = (ms) => (ms < 1000 ? `${Math.round(ms)} ms` : ms < 6e4 ? `${(ms / 1000).toFixed(1)} s` : ms < 36e5 ? `${(ms / 6e4).toFixed(1)} min` : `${(ms / 36e5).toFixed(1)} h`);

function money(dollars) {
  if (dollars === null || dollars === undefined) return "no price";
  if (dollars >= 0.095 || !dollars) return `$${dollars.toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
  return `$${dollars.toFixed(Math.min(1 - Math.floor(Math.log10(dollars)), 12))}`;
}

// Of many calls: "no price" only where none of them has one.
const bill = (sum) => (sum.priced ? money(sum.cost) : sum.entries ? "no price" : money(0)) +
  (sum.priced && sum.priced < sum.entries ? ` (${number(sum.entries - sum.priced)} without a price)` : "");

const pad = (n) => String(n).padStart(2, "0");
function moment(second) {
  const at = new Date(second * 1000);
  return `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())} ${pad(at.getHours())}:${pad(at.getMinutes())}`;
}

function age(second) {
  const past = Date.now() / 1000 - second;
  for (const [name, length] of [["d", 86400], ["h", 3600], ["min", 60]]) {
    if (past >= length) return past > 60 * 86400 ? moment(second).slice(0, 10) : `${Math.floor(past / length)} ${name} ago`;
  }
  return past > -60 ? "now" : moment(second).slice(0, 10);
}

// ---- The address: a view, and what is selected ----

function readAddress() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const params = {};
  for (const [name, value] of new URLSearchParams(query || "")) if (FILTERS.includes(name) && value) params[name] = value;
  return { parts: path.split("/").filter(Boolean), params };
}

function address(parts, params) {
  const query = new URLSearchParams(params).toString();
  return `#/${parts.join("/")}${query ? `?${query}` : ""}`;
}

const go = (parts, params, replace) => {
  const to = address(parts, params);
  if (replace) history.replaceState(null, "", to);
  else if (location.hash !== to) history.pushState(null, "", to);
  dispatchEvent(new Event("hashchange"));
};

// A part of the address, which anyone may have typed.
function plain(part) {
  try { return decodeURIComponent(part || ""); } catch { return part; }
}

function useAddress() {
  const [at, set] = useState(readAddress);
  useEffect(() => {
    const changed = () => set(readAddress());
    addEventListener("hashchange", changed);
    addEventListener("popstate", changed);
    return () => { removeEventListener("hashchange", changed); removeEventListener("popstate", changed); };
  }, []);
  return at;
}

// What `load` gives, loaded again when `keys` change; what was there stays until then.
function useLoaded(load, keys) {
  const [state, set] = useState({ data: null, error: "" });
  useEffect(() => {
    let current = true;
    Promise.resolve().then(load).then(
      (data) => current && set({ data, error: "", of: keys }),
      (error) => current && set({ data: null, error: error.message, of: keys }));
    return () => { current = false; };
  }, keys);
  return state;
}
