// The page of a store. What entries hold is shown as text nodes only: nothing here builds HTML.
"use strict";
(() => {
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

// ---- Small pieces ----

const Text = ({ children, class: name = "" }) => html`<div class=${`text ${name}`} dir="auto">${String(children)}</div>`;
const Word = ({ children }) => html`<bdi>${String(children ?? "")}</bdi>`;
const Notice = ({ children, alert }) => html`<p class="notice" role=${alert ? "alert" : "status"}>${children}</p>`;
const Cut = ({ of, what }) => of ? html`<p class="cut">Only the beginning is shown, of ${number(of)} ${what || "characters"}.</p>` : null;

function Loading({ state, children }) {
  if (state.error) return html`<${Notice} alert=${true}>${state.error}<//>`;
  return state.data ? children(state.data) : html`<p class="quiet pad">Loading …</p>`;
}

function Found({ text }) {
  const parts = String(text).split(/[\x02\x03]/);
  return html`<bdi>${parts.map((part, at) => (at % 2 ? html`<mark>${part}</mark>` : part))}</bdi>`;
}

function Badges({ row }) {
  const badges = [];
  if (row.status >= 400) badges.push(["bad", `status ${row.status}`]);
  if (row.private) badges.push(["warn", "private"]);
  if (row.older) badges.push(["plain", "superseded"]);
  if (row.unused) badges.push(["plain", "unused"]);
  return badges.map(([kind, name]) => html`<span class=${`badge ${kind}`}>${name}</span>`);
}

// ---- The list ----

function List({ params, generation, reading, opened, cursor, setCursor, setTotal }) {
  const scroller = useRef(null);
  const [view, setView] = useState({ top: 0, height: 600 });
  const [, redraw] = useState(0);
  const [error, setError] = useState("");
  const cache = useRef({ of: "", rows: new Map(), asked: new Set(), total: null });
  const of = JSON.stringify([params, generation]);

  useLayoutEffect(() => {
    const box = scroller.current;
    const measure = () => setView({ top: box.scrollTop, height: box.clientHeight });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(box);
    box.addEventListener("scroll", measure, { passive: true });
    return () => { observer.disconnect(); box.removeEventListener("scroll", measure); };
  }, []);
  useEffect(() => { scroller.current.scrollTop = 0; }, [JSON.stringify(params)]);

  const first = Math.max(Math.floor(view.top / ROW) - 6, 0);
  const last = Math.ceil((view.top + view.height) / ROW) + 6;
  useEffect(() => {
    let waiting = 0;
    const fetchChunks = async () => {
      if (cache.current.of !== of) cache.current = { ...cache.current, of, asked: new Set(), fresh: false };
      const mine = cache.current;
      for (let chunk = Math.floor(first / CHUNK); chunk <= Math.floor(last / CHUNK); chunk++) {
        if (mine.asked.has(chunk) || (mine.fresh && chunk * CHUNK >= mine.total && chunk)) continue;
        mine.asked.add(chunk);
        try {
          const found = await get("rows", { ...params, offset: chunk * CHUNK, limit: CHUNK });
          if (cache.current !== mine) return;
          if (!mine.fresh) { mine.rows = new Map(); mine.fresh = true; }
          found.rows.forEach((row, at) => mine.rows.set(chunk * CHUNK + at, row));
          mine.total = found.total;
          setTotal(found.total, mine.rows);
          setError("");
        } catch (problem) { mine.asked.delete(chunk); setError(problem.message); return; }
        redraw((n) => n + 1);
      }
    };
    // While one scrolls far, what only passes by is not fetched.
    waiting = setTimeout(fetchChunks, cache.current.of === of ? 40 : 0);
    return () => clearTimeout(waiting);
  }, [of, Math.floor(first / CHUNK), Math.floor(last / CHUNK)]);

  useEffect(() => {
    const box = scroller.current;
    if (cursor < 0) return;
    if (cursor * ROW < box.scrollTop) box.scrollTop = cursor * ROW;
    if ((cursor + 1) * ROW > box.scrollTop + box.clientHeight) box.scrollTop = (cursor + 1) * ROW - box.clientHeight;
  }, [cursor]);

  const { rows, total } = cache.current;
  const shown = [];
  for (let at = first; at < Math.min(last, total ?? 0); at++) {
    shown.push(html`<${Row} key=${at} at=${at} row=${rows.get(at)} total=${total} params=${params}
      current=${at === cursor} opened=${opened} pick=${() => setCursor(at)} />`);
  }
  return html`<div class="scroller" ref=${scroller} tabindex="0" role="region" aria-label="Entries">
    ${error && html`<${Notice} alert=${true}>${error}<//>`}
    ${total === 0 && !reading && html`<p class="quiet pad">${Object.keys(params).length ? "Nothing matches." : "Nothing has been recorded yet: entries appear here as they are recorded."}</p>`}
    <ul class="rows" style=${{ height: `${(total ?? 0) * ROW}px` }}>${shown}</ul>
  </div>`;
}

function Row({ at, row, total, params, current, opened, pick }) {
  const place = { top: `${at * ROW}px` };
  if (!row) return html`<li class="row empty" style=${place} aria-hidden="true"></li>`;
  const name = `row${current ? " current" : ""}${opened === row.name ? " opened" : ""}`;
  return html`<li class=${name} style=${place} aria-setsize=${total} aria-posinset=${at + 1}>
    <a href=${address(["e", row.name], params)} aria-current=${opened === row.name ? "true" : null} onClick=${pick}>
      <span class="said">${row.found && row.found.includes("\x02") ? html`<${Found} text=${row.found.replace(/\s+/g, " ")} />` : html`<${Word}>${row.prompt || "(no prompt)"}<//>`}</span>
      <span class="about">
        <span class="model"><${Word}>${row.model || row.method}<//></span>
        <span class="host"><${Word}>${row.host}<//></span>
        <span class="nums">${row.input || row.output ? html`<span title="tokens in and out">${number(row.input)} → ${number(row.output)}</span>` : ""}
        ${row.cost !== null && html`<span>${money(row.cost)}</span>`}
        <span title="how long it took live">${took(row.ms)}</span>
        <span>${age(row.second)}</span></span>
        <${Badges} row=${row} />
      </span>
    </a></li>`;
}

function Facets({ params, facets, parts }) {
  const [open, setOpen] = useState({});
  return FACETS.map(([name, title]) => {
    const values = (facets && facets[name]) || [];
    const selected = params[name];
    if (!values.length && !selected) return null;
    const listed = open[name] ? values : values.slice(0, 6);
    if (selected && !listed.some(([value]) => value === selected)) listed.push([selected, 0]);
    return html`<section class="facet" aria-labelledby=${`facet-${name}`}>
      <h2 id=${`facet-${name}`}>${title}</h2>
      <ul>${listed.map(([value, count]) => {
        const on = value === selected;
        const next = { ...params };
        if (on) delete next[name]; else next[name] = value;
        return html`<li key=${value}><button type="button" aria-pressed=${on} title=${value} onClick=${() => go(parts, next)}>
          <span class="name"><${Word}>${name === "state" ? STATES[value] || value : value || "(none)"}<//></span>
          <span class="count">${number(count)}</span></button></li>`;
      })}</ul>
      ${values.length > 6 && html`<button type="button" class="link" onClick=${() => setOpen({ ...open, [name]: !open[name] })}>${open[name] ? "Fewer" : `All ${number(values.length)}`}</button>`}
    </section>`;
  });
}

// ---- One entry ----

function Entry({ name, tab, params, pinned, pin, forget, generation }) {
  const state = useLoaded(() => get("entry", { name }), [name, generation]);
  const heading = useRef(null);
  const entry = state.data && state.data.name === name ? state.data : null;
  const body = (entry) => {
    const tabs = [["chat", "Chat"], entry.stream && ["events", "Events"], ["versions", `Versions${entry.versions.length > 1 ? ` (${entry.versions.length})` : ""}`],
      ["head", "Head"], !report && ["body", "Body"], !report && ["why", "Why recorded"]].filter(Boolean);
    const View = { chat: Chat, events: Events, versions: Versions, head: Source, body: Source, why: Why }[tabs.some(([id]) => id === tab) ? tab : "chat"];
    return html`
      <header class="entry-head">
        <h2 tabindex="-1" ref=${heading} id="entry-title"><${Word}>${entry.prompt || "(no prompt)"}<//></h2>
        <dl class="facts">
          <div><dt>Model</dt><dd><${Word}>${entry.model || "-"}<//></dd></div>
          <div><dt>Tokens</dt><dd>${tokens(entry.usage)}</dd></div>
          <div><dt>Cost</dt><dd>${money(entry.cost)}</dd></div>
          <div><dt>Took live</dt><dd>${took(entry.ms)}</dd></div>
          <div><dt>Recorded</dt><dd>${moment(entry.second)}</dd></div>
          ${entry.finish && html`<div><dt>Ended with</dt><dd><${Word}>${entry.finish}<//></dd></div>`}
          ${entry.users.length > 0 && html`<div><dt>Used by</dt><dd><${Word}>${entry.users.slice(0, 3).join(", ")}<//></dd></div>`}
        </dl>
        <p class="request"><span class="method">${entry.method}</span> <${Word}>${entry.url}<//> <span>${entry.status}</span> <${Badges} row=${entry} /></p>
        <div class="bar">
          <nav class="tabs" aria-label="Views of the entry">${tabs.map(([id, title]) => html`<a key=${id} href=${address(["e", name, id], params)} aria-current=${id === tab ? "page" : null}>${title}</a>`)}</nav>
          ${!report && html`<span class="actions">
            ${pinned && pinned !== name
              ? html`<a class="button" href=${address(["compare", pinned, name], params)}>Compare with the pinned</a>`
              : html`<button type="button" onClick=${() => pin(pinned === name ? "" : name)} aria-pressed=${pinned === name}>${pinned === name ? "Pinned: open another" : "Pin to compare"}</button>`}
            <button type="button" onClick=${() => forget(entry)}>Forget</button></span>`}
        </div>
      </header>
      <div class="entry-body" tabindex="0" role="region" aria-labelledby="entry-title"><${View} key=${tab} entry=${entry} tab=${tab} params=${params} /></div>`;
  };
  if (state.data && !entry) return html`<p class="quiet pad">Loading …</p>`;
  return html`<${Loading} state=${state}>${body}<//>`;
}

function tokens(usage) {
  const names = { input: "in", output: "out", cache_read: "cached", cache_write: "into the cache", reasoning: "thought" };
  const known = Object.entries(usage).map(([name, n]) => `${number(n)} ${names[name] || name}`);
  return known.length ? known.join(", ") : "-";
}

function Chat({ entry }) {
  const media = (where) => entry.media.map((medium, at) => ({ ...medium, at })).filter((medium) => medium.where === where);
  return html`<div class="chat">
    ${entry.asked.map((turn, at) => html`<${Turn} key=${`a${at}`} turn=${turn} />`)}
    ${!entry.asked.length && html`<p class="quiet">What was asked is not in this entry.</p>`}
    <${Media} entry=${entry} media=${media("request")} />
    <p class="line"><span>answer</span></p>
    ${entry.answered.map((turn, at) => html`<${Turn} key=${`b${at}`} turn=${turn} answer=${true} />`)}
    <${Media} entry=${entry} media=${[...media("answer"), ...media("body")]} />
    ${entry.turns_cut > 0 && html`<p class="cut">${many(entry.turns_cut, "more turn")} not shown.</p>`}
    ${entry.large && html`<p class="cut">The body has ${size(entry.body_size)}: only its beginning is shown.</p>`}
    ${entry.citations.length > 0 && html`<section class="sources"><h3>Sources</h3><ol>${entry.citations.map((source) => html`<li><${Source_} source=${source} /></li>`)}</ol></section>`}
  </div>`;
}

function Source_({ source }) {
  const safe = /^https?:\/\//i.test(source.url);
  const title = source.title || source.url;
  return html`${safe ? html`<a href=${source.url} target="_blank" rel="noreferrer noopener nofollow"><${Word}>${title}<//></a>` : html`<${Word}>${title}<//>`}
    ${source.title && html` <span class="quiet"><${Word}>${source.url}<//></span>`}
    ${source.text && html`<${Text} class="quiet">${source.text}<//>`}`;
}

const TURNS = { user: "user", system: "system", developer: "system", assistant: "assistant", model: "assistant", "tool call": "call", tool: "result", thinking: "thinking" };

function Turn({ turn, answer }) {
  const kind = TURNS[turn.role] || (/call$/.test(turn.role) ? "call" : /tool|function|result|output/.test(turn.role) ? "result" : answer ? "data" : "user");
  const mono = ["call", "result", "data"].includes(kind);
  const text = kind === "call" ? callText(turn.text) : turn.text;
  const content = html`<${Text} class=${mono ? "mono" : ""}>${text}<//><${Cut} of=${turn.cut} />`;
  const folded = kind === "thinking" || (kind === "system" && turn.text.length > 400);
  return html`<article class=${`turn ${kind}`}>
    <h3><${Word}>${turn.role || "data"}<//></h3>
    <div class="said">${folded ? html`<details open=${turn.text.length < 2000 && kind === "thinking"}><summary>${many(turn.cut || turn.text.length, "character")}</summary>${content}</details>` : content}</div>
  </article>`;
}

// The arguments of a tool call, as far as they are JSON, one a line.
function callText(text) {
  const match = text.length < 20000 && /^([\w.:-]{1,100})\((.*)\)$/s.exec(text);
  if (!match || !match[2]) return text;
  try { return `${match[1]}(${JSON.stringify(JSON.parse(match[2]), null, 2)})`; } catch { return text; }
}

function Media({ entry, media }) {
  return media.map(({ kind, size: bytes, at }) => html`<figure key=${at}>
    ${kind.startsWith("image/") ? html`<img src=${mediaUrl(entry, at)} alt=${`${kind}, ${size(bytes)}`} loading="lazy" />` : html`<audio controls preload="none" src=${mediaUrl(entry, at)} aria-label=${`${kind}, ${size(bytes)}`}></audio>`}
    <figcaption>${kind}, ${size(bytes)}</figcaption></figure>`);
}

function Events({ entry }) {
  const state = useLoaded(() => get("events", { name: entry.name }), [entry.name]);
  return html`<${Loading} state=${state}>${({ events = [], total = 0, ms, large }) => {
    if (large) return html`<p class="quiet">The stream is too long to be shown: its beginning is in the view “Body”.</p>`;
    const timed = events.filter((event) => event.ms !== null);
    const end = Math.max(ms || 0, ...timed.map((event) => event.ms), 1);
    return html`
      <p>${many(total, "event")}${timed.length ? html` in ${took(end)}, the first after ${took(timed[0].ms)}` : "; when they came was not noted"}.</p>
      ${timed.length > 0 && html`<div class="axis" aria-hidden="true">
        ${timed.map((event) => html`<i style=${{ left: `${(event.ms / end) * 100}%` }}></i>`)}
        <span>0</span><span>${took(end / 2)}</span><span>${took(end)}</span></div>`}
      <table class="events"><thead><tr><th scope="col">After</th><th scope="col">Event</th><th scope="col">Adds</th></tr></thead>
      <tbody>${events.map((event, at) => html`<tr key=${at}>
        <td class="num">${event.ms === null ? "" : took(event.ms)}</td>
        <td><details><summary><${Word}>${event.type || "event"}<//></summary><${Text} class="mono">${event.json}<//></details></td>
        <td><${Text}>${event.text}<//></td></tr>`)}</tbody></table>
      ${total > events.length && html`<p class="cut">Only the first ${number(events.length)} are shown.</p>`}`;
  }}<//>`;
}

function Versions({ entry, params }) {
  return html`<p>${entry.versions.length > 1 ? "The recordings of this key, newest first; the first is served." : "This is the only recording of its key."} <code>${entry.key}</code></p>
    <table><thead><tr><th scope="col">Recorded</th><th scope="col">Tokens out</th><th scope="col">Took live</th><th scope="col">Cost</th><th scope="col"><span class="hidden">Compare</span></th></tr></thead>
    <tbody>${entry.versions.map((version) => html`<tr key=${version.name}>
      <td><a href=${address(["e", version.name], params)}>${moment(version.second)}</a>${version.name === entry.name ? " (this)" : ""}</td>
      <td class="num">${number(version.output)}</td><td class="num">${took(version.ms)}</td><td class="num">${money(version.cost)}</td>
      <td>${version.name !== entry.name && !report && html`<a href=${address(["compare", ...inOrder(version, entry)], params)}>Compare with this</a>`}</td></tr>`)}</tbody></table>`;
}

const inOrder = (a, b) => (a.name < b.name ? [a.name, b.name] : [b.name, a.name]);

function Source({ entry, tab }) {
  const what = tab === "head" ? "head" : "raw";
  const state = useLoaded(() => get(what, { name: entry.name }), [entry.name, what]);
  return html`${what === "raw" && html`<p><a href=${`/body/${encodeURIComponent(entry.name)}`} download>Save the whole body</a>, ${size(entry.body_size)}</p>`}
    <${Loading} state=${state}>${(data) => html`<${Text} class="mono">${data.text || ""}<//><${Cut} of=${data.cut} what=${what === "raw" ? "bytes" : "characters"} />`}<//>`;
}

function Why({ entry }) {
  const state = useLoaded(() => get("why", { name: entry.name }), [entry.name]);
  return html`<${Loading} state=${state}>${(why) => html`<p><${Word}>${why.reason}<//></p>
    ${why.differences.length > 0 && html`<ul class="plain">${why.differences.map((line) => html`<li><${Text} class="mono">${line}<//></li>`)}</ul>`}`}<//>`;
}

// ---- Comparisons ----

function Pieces({ pieces }) {
  return html`<div class="text" dir="auto">${pieces.map(([op, text]) =>
    op === "+" ? html`<ins>${text}</ins>` : op === "-" ? html`<del>${text}</del>` : op === "…" ? html`<span class="gap"> … ${text} … </span>` : text)}</div>`;
}

function Parts({ parts }) {
  return parts.map((part) => html`<article class=${`turn ${TURNS[part.role] || "data"}`}><h3><${Word}>${part.role}<//></h3><div class="said"><${Pieces} pieces=${part.pieces} /></div></article>`);
}

function Notes({ notes }) {
  return notes.length ? html`<ul class="notes">${notes.map((note) => html`<li><${Word}>${note}<//></li>`)}</ul>` : null;
}

function Compare({ old, new: other, params }) {
  const state = useLoaded(() => get("compare", { old, new: other }), [old, other]);
  return html`<div class="page"><h2>Compare two entries</h2><${Loading} state=${state}>${(data) => html`
    <dl class="sides">
      <div><dt><span class="sign removed">− Old</span></dt><dd><a href=${address(["e", old], params)}><${Word}>${data.old.prompt || old}<//></a><br />${moment(data.old.second)}, <${Word}>${data.old.model}<//></dd></div>
      <div><dt><span class="sign added">+ New</span></dt><dd><a href=${address(["e", other], params)}><${Word}>${data.new.prompt || other}<//></a><br />${moment(data.new.second)}, <${Word}>${data.new.model}<//></dd></div>
    </dl>
    <${Notes} notes=${data.notes} />
    ${data.asked.length > 0 && html`<h3>What was asked</h3><div class="chat"><${Parts} parts=${data.asked} /></div><h3>What was answered</h3>`}
    ${data.parts.length ? html`<div class="chat"><${Parts} parts=${data.parts} /></div>` : html`<p class="quiet">The answers say the same.</p>`}`}<//></div>`;
}

const SIGNS = { added: "+", removed: "−", "re-recorded": "~" };

function Branch({ params, generation }) {
  const state = useLoaded(() => get("branch"), [generation]);
  return html`<div class="page"><h2>Changes</h2><${Loading} state=${state}>${(data) => {
    if (!data.compared) return html`<p>Start it as <code>cachy ui --diff main</code> to see what a branch adds, removes and records again.</p>`;
    return html`<p><code><${Word}>${data.old}<//></code> → <code><${Word}>${data.new}<//></code>: ${data.summary}</p>
      ${data.changes.map((change) => html`<details class=${`change${change.changed === "tool calls" ? " calls" : ""}`} key=${change.name} open=${change.open}>
        <summary><span class=${`sign ${change.kind}`}>${SIGNS[change.kind]} ${change.kind}</span>
          ${change.changed && html`<span class=${`badge ${change.changed === "tool calls" || change.changed === "refusal" ? "bad" : "plain"}`}>${change.changed}</span>`}
          <strong><${Word}>${change.prompt || "(no prompt)"}<//></strong>
          <span class="about"><${Word}>${change.model}<//> <${Word}>${change.host}<//></span>
          ${change.excerpt.length > 0 && html`<${Pieces} pieces=${change.excerpt} />`}</summary>
        <${Notes} notes=${change.notes} />
        <div class="chat"><${Parts} parts=${change.parts} /></div>
        ${change.cut && html`<p class="cut">Long texts are shortened.</p>`}
        ${change.here && html`<p><a href=${address(["e", change.name], params)}>Open the entry</a></p>`}
      </details>`)}
      ${data.left_out > 0 && html`<p class="cut">${many(data.left_out, "more change")} not shown.</p>`}
      ${data.flaws.map((flaw) => html`<${Notice}><${Word}>${flaw.path}<//>: ${flaw.what}<//>`)}`;
  }}<//></div>`;
}

// ---- Misses and costs ----

// Looking for the closest recording takes time: it is done when one asks.
function Because({ name }) {
  const [open, set] = useState(false);
  return html`<details class="because" onToggle=${(event) => set(event.target.open)}><summary>Why</summary>${open && html`<${Why} entry=${{ name }} />`}</details>`;
}

function Misses({ params, generation }) {
  const state = useLoaded(() => get("misses"), [generation]);
  return html`<div class="page"><h2>Misses</h2><${Loading} state=${state}>${({ sessions, log }) => html`
    <p class="quiet">What was not in the store when it was asked for, by session of this machine, with what was recorded for it.</p>
    ${!sessions.length && html`<p>No session has missed anything.</p>`}
    ${sessions.map((session) => html`<details class="change" open=${session.rows.length > 0 && session.rows.length < 20}>
      <summary><strong><${Word}>${session.by}<//></strong> <span class="about">${moment(session.ended)}: ${many(session.misses, "miss", "misses")}, ${number(session.recorded)} recorded, ${many(session.hits, "hit")}, ${took(session.seconds_saved * 1000)} saved</span></summary>
      <ul class="plain">${session.rows.map((row) => html`<li><a href=${address(["e", row.name, "why"], params)}><${Word}>${row.prompt || "(no prompt)"}<//></a> <span class="about"><${Word}>${row.model}<//> <${Word}>${row.host}<//></span> <${Because} name=${row.name} /></li>`)}</ul>
      ${session.misses > session.rows.length && html`<p class="quiet">${many(session.misses - session.rows.length, "miss", "misses")} left no recording.</p>`}
    </details>`)}
    ${log.file ? html`<h3>From the log</h3><p class="quiet"><${Word}>${log.file}<//></p>${log.misses.map((miss) => html`<details class="change"><summary>${miss.event}: <${Word}>${miss.method} ${miss.url}<//> <span class="about">${miss.time} <${Word}>${miss.model}<//></span></summary><${Text}>${miss.reason || "no reason was noted"}<//></details>`)}`
      : html`<p class="quiet">With <code>CACHY_LOG=calls.jsonl</code> set, here and where the calls are made, each miss is listed with its reason.</p>`}`}<//></div>`;
}

function Costs({ params, generation }) {
  const state = useLoaded(() => get("costs"), [generation]);
  return html`<div class="page"><h2>Costs</h2><${Loading} state=${state}>${(data) => html`
    <p>${many(data.total.entries, "recording")}: ${number(data.total.input)} tokens in, ${number(data.total.output)} out, ${bill(data.total)}, ${took(data.total.ms)} live.</p>
    <p class="quiet">${data.prices ? `Prices: ${data.prices}. List prices of tokens, without discounts.` : "No prices are installed: pip install 'cachy-store[prices]' shows what calls cost."}</p>
    <${Sums} title="By model" facet="model" rows=${data.models} params=${params} />
    <${Sums} title="By notebook or script" facet="notebook" rows=${data.notebooks} params=${params} note="What several used counts in each." />
    <${Sums} title="By day" facet="day" rows=${data.days} params=${params} />`}<//></div>`;
}

function Sums({ title, facet, rows, note }) {
  if (!rows.length) return null;
  const of = rows.some((row) => row.cost) ? "cost" : "entries";
  const most = Math.max(...rows.map((row) => row[of]), 1e-12);
  return html`<section><h3>${title}</h3>${note && html`<p class="quiet">${note}</p>`}<div class="wide" tabindex="0" role="region" aria-label=${title}><table class="sums">
    <thead><tr><th scope="col">${title.replace("By ", "").replace(/^./, (c) => c.toUpperCase())}</th><th scope="col" class="num">Recordings</th><th scope="col" class="num">Tokens in</th><th scope="col" class="num">Tokens out</th><th scope="col" class="num">Cost</th><th scope="col"><span class="hidden">Share</span></th></tr></thead>
    <tbody>${rows.map((row) => html`<tr key=${row.name}>
      <th scope="row">${row.name ? html`<a href=${address([], { [facet]: row.name })}><${Word}>${row.name}<//></a>` : "(none)"}</th>
      <td class="num">${number(row.entries)}</td><td class="num">${number(row.input)}</td><td class="num">${number(row.output)}</td><td class="num">${bill(row)}</td>
      <td class="share" aria-hidden="true"><i style=${{ width: `${(row[of] / most) * 100}%` }}></i></td></tr>`)}</tbody></table></div></section>`;
}

// ---- The whole ----

// The list as the keyboard sees it: how long it is, and the rows that have been fetched.
const inList = (total, known) => ({
  total,
  at: (at) => known.get(at),
  find: (name) => [...known].find(([, row]) => row.name === name)?.[0] ?? -1,
});

function Search({ params, parts }) {
  const [text, setText] = useState(params.text || "");
  const waiting = useRef(0);
  useEffect(() => { if (document.activeElement?.id !== "search") setText(params.text || ""); }, [params.text]);
  const type = (event) => {
    const value = event.target.value;
    setText(value);
    clearTimeout(waiting.current);
    waiting.current = setTimeout(() => {
      const next = { ...params, text: value.trim() };
      if (!next.text) delete next.text;
      go(parts[0] === "e" ? parts : [], next, true);
    }, DEBOUNCE);
  };
  return html`<input id="search" type="search" placeholder="Search what was asked and answered  /" aria-label="Search what was asked and answered" autocomplete="off" spellcheck=${false} value=${text} onInput=${type} />`;
}

function useStatus() {
  const [status, set] = useState({ generation: 0, error: "" });
  useEffect(() => {
    if (report) { set({ ...report.status, error: "" }); return undefined; }
    let timer = 0, ended = false;
    const poll = async () => {
      let next = 3000;
      if (!document.hidden) {
        try {
          const now = await get("status");
          if (ended) return;
          set({ ...now, error: "" });
          if (now.total) next = 500;
        } catch (error) { set((before) => ({ ...before, error: error instanceof TypeError ? "The server has ended: start `cachy ui` again." : error.message })); }
      }
      timer = setTimeout(poll, next);
    };
    const wake = () => { clearTimeout(timer); poll(); };
    addEventListener("visibilitychange", wake);
    addEventListener("cachy-changed", wake);
    poll();
    return () => { ended = true; clearTimeout(timer); removeEventListener("visibilitychange", wake); removeEventListener("cachy-changed", wake); };
  }, []);
  return status;
}

class Safe extends Component {
  componentDidCatch(error) { this.setState({ error }); }
  componentDidUpdate(before) { if (before.of !== this.props.of && this.state.error) this.setState({ error: null }); }
  render({ children }, { error }) { return error ? html`<${Notice} alert=${true}>This cannot be shown: ${String(error.message || error)}<//>` : children; }
}

function App() {
  const { parts, params } = useAddress();
  const status = useStatus();
  const [cursor, setCursor] = useState(-1);
  const [pinned, pin] = useState("");
  const [toast, setToast] = useState(null);
  const rows = useRef(inList(0, new Map()));
  const [total, setCount] = useState(null);
  const generation = status.generation || 0;
  const key = JSON.stringify(params);
  const facets = useLoaded(() => get("facets", params), [key, generation]);
  const view = parts[0] || "list";
  const opened = view === "e" ? plain(parts[1]) : "";
  const tab = parts[2] || "chat";
  useLayoutEffect(() => setCursor(-1), [key]);

  const forget = async (entry) => {
    try {
      await post("forget", { names: [entry.name] });
      setToast({ text: "Forgotten: it is in the trash of the store.", undo: entry.name });
      go([], params);
    } catch (error) { setToast({ text: error.message }); }
    dispatchEvent(new Event("cachy-changed"));
  };
  const undo = async () => {
    try {
      const { restored } = await post("undo", {});
      setToast({ text: `${many(restored.length, "entry", "entries")} restored.` });
    } catch (error) { setToast({ text: error.message }); }
    dispatchEvent(new Event("cachy-changed"));
  };

  // A layout effect: the next key press finds what the last one did.
  useLayoutEffect(() => {
    const step = (by) => {
      const from = cursor < 0 && opened ? rows.current.find(opened) : cursor;
      const to = Math.min(Math.max(from + by, 0), rows.current.total - 1);
      if (to < 0) return;
      setCursor(to);
      const row = rows.current.at(to);
      if (row && opened) go(["e", row.name, ...(parts[2] ? [parts[2]] : [])], params, true);
    };
    const press = (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
      const searching = event.target.id === "search";
      if (event.key === "Escape") {
        if (toast) setToast(null);
        else if (searching) { if (params.text) { event.target.value = ""; const next = { ...params }; delete next.text; go(parts, next, true); } event.target.blur(); }
        else if (view !== "list") { go([], params); document.querySelector(".scroller")?.focus(); }
        else if (Object.keys(params).length) go([], {});
      } else if (event.key === "/" && !typing) {
        event.preventDefault();
        document.getElementById("search").focus();
        document.getElementById("search").select();
      } else if ((event.key === "j" || event.key === "k") && !typing && (view === "list" || opened)) {
        step(event.key === "j" ? 1 : -1);
      } else if (event.key === "Enter" && (searching || !event.target.closest("a, button, summary, audio"))) {
        if (searching && event.target.value.trim() !== (params.text || "")) return; // still to be searched for
        const row = rows.current.at(Math.max(cursor, 0));
        if (row) { event.target.blur?.(); setCursor(Math.max(cursor, 0)); go(["e", row.name], params); }
      }
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  });

  const sum = facets.data ? facets.data.total : null;
  const tabs = [["list", [], "Entries"], ["branch", ["branch"], "Changes"], ["misses", ["misses"], "Misses"], ["costs", ["costs"], "Costs"]]
    .filter(([id]) => !report || report.tabs.includes(id));
  const whole = { branch: Branch, misses: Misses, costs: Costs }[view];
  return html`
    <header class="top">
      <h1><a href=${address([], {})}>cachy</a></h1>
      <nav aria-label="Views">${tabs.map(([id, path, title]) => html`<a key=${id} href=${address(path, params)} aria-current=${id === view || (id === "list" && view === "e") ? "page" : null}>${title}</a>`)}</nav>
      <div class="search" role="search"><${Search} params=${params} parts=${parts} /></div>
    </header>
    ${status.error && html`<${Notice} alert=${true}>${status.error}<//>`}
    ${status.problem && html`<${Notice} alert=${true}><${Word}>${status.problem}<//><//>`}
    ${status.total > 0 && html`<div class="notice" role="status"><label>Reading the store: ${number(status.done)} of ${number(status.total)} <progress max=${status.total} value=${status.done}></progress></label></div>`}
    <main class=${`view-${view === "e" ? "entry" : view}`}>
      ${whole || view === "compare" ? html`<${Safe} of=${parts.join("/")}>${whole ? html`<${whole} params=${params} generation=${generation} />` : html`<${Compare} old=${plain(parts[1])} new=${plain(parts[2])} params=${params} />`}<//>` : html`
        <aside class="facets" aria-label="Filters">
          <details open=${innerWidth > 900}><summary>Filters${Object.keys(params).length ? ` (${Object.keys(params).length})` : ""}</summary>
            <${Facets} params=${params} facets=${facets.data && facets.data.facets} parts=${view === "e" ? parts : []} />
            ${Object.keys(params).length > 0 && html`<button type="button" class="link" onClick=${() => go(view === "e" ? parts : [], {})}>Show everything</button>`}
            ${status.flaws && status.flaws.length > 0 && html`<details class="flaws"><summary>${many(status.flaws.length, "file")} unsound</summary><ul class="plain">${status.flaws.map((flaw) => html`<li><${Word}>${flaw.path}<//>: ${flaw.what}</li>`)}</ul></details>`}
          </details>
        </aside>
        <section class="list" aria-label="Entries">
          <p class="sum" aria-live="polite">${total === null ? "…" : many(total, "entry", "entries")}${sum && sum.entries ? html`<span> · ${number(sum.input)} → ${number(sum.output)} tokens · ${bill(sum)} · ${took(sum.ms)} live</span>` : ""}</p>
          <${Safe} of=${key}><${List} params=${params} generation=${generation} reading=${status.total > 0} opened=${opened} cursor=${cursor} setCursor=${setCursor}
            setTotal=${(n, known) => { rows.current = inList(n, known); setCount(n); }} /><//>
        </section>
        ${opened && html`<section class="entry" aria-label="Entry">
          <a class="close" href=${address([], params)} aria-label="Close the entry">✕</a>
          <${Safe} of=${opened + tab}><${Entry} name=${opened} tab=${tab} params=${params} pinned=${pinned} pin=${pin} forget=${forget} generation=${0} /><//></section>`}`}
    </main>
    <footer><span title=${status.store}><${Word}>${status.shown || status.store || ""}<//>${status.temporary ? " · read-only: the index is kept only while this runs" : ""}</span>
      <span class="keys"><kbd>/</kbd> search <kbd>j</kbd> <kbd>k</kbd> move <kbd>Enter</kbd> open <kbd>Esc</kbd> back</span></footer>
    ${toast && html`<div class="toast" role="status">${toast.text} ${toast.undo && html`<button type="button" onClick=${undo}>Undo</button>`}<button type="button" class="link" aria-label="Dismiss" onClick=${() => setToast(null)}>✕</button></div>`}`;
}

if (report && report.start && !location.hash) history.replaceState(null, "", address([report.start], {}));
render(html`<${Safe}><${App} /><//>`, document.getElementById("app"));
})();
