// The views of one entry, of two, of a branch, and of what all cost.
// What entries hold is shown as text nodes only: nothing here builds HTML.
"use strict";

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
          <div><dt>Took live</dt><dd>${entry.ms ? took(entry.ms) : "not known"}</dd></div>
          <div><dt>Recorded</dt><dd>${moment(entry.second)}</dd></div>
          ${entry.finish && html`<div><dt>Ended with</dt><dd><${Word}>${entry.finish}<//></dd></div>`}
          ${entry.users.length > 0 && html`<div><dt>Used by</dt><dd><${Word}>${entry.users.slice(0, 3).join(", ")}<//></dd></div>`}
        </dl>
        <p class="request"><span class="method">${entry.method}</span> <${Word}>${entry.url}<//> <span>${entry.status}</span> <${Badges} row=${entry} />
          </p>
        <div class="bar">
          <nav class="tabs" aria-label="Views of the entry">${tabs.map(([id, title]) => html`<a key=${id} href=${address(["e", name, id], params)} aria-current=${id === tab ? "page" : null}>${title}</a>`)}</nav>
          ${!report && html`<span class="actions">
            ${pinned && pinned !== name
              ? html`<a class="button" href=${address(["compare", pinned, name], params)}>Compare with the pinned</a>`
              : html`<button type="button" onClick=${() => pin(pinned === name ? "" : name)} aria-pressed=${pinned === name}>${pinned === name ? "Pinned: open another" : "Pin to compare"}</button>`}
            <button type="button" onClick=${() => forget(entry)}>Forget</button></span>`}
        </div>
      </header>
      <div class="entry-body" tabindex="0" role="region" aria-labelledby="entry-title">
        <${View} key=${tab} entry=${entry} tab=${tab} params=${params} /></div>`;
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
    ${entry.citations.length > 0 && html`<section class="sources"><h3>Sources</h3><ol>${entry.citations.map((source) => html`<li>
      <${Source_} source=${source} /></li>`)}</ol></section>`}
  </div>`;
}

function Source_({ source }) {
  const safe = /^https?:\/\//i.test(source.url);
  const title = source.title || source.url;
  return html`${safe ? html`<a href=${source.url} target="_blank" rel="noreferrer noopener nofollow"><${Word}>${title}<//>
    </a>` : html`<${Word}>${title}<//>`}
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
    <div class="said">${folded ? html`<details open=${turn.text.length < 2000 && kind === "thinking"}>
      <summary>${many(turn.cut || turn.text.length, "character")}</summary>${content}</details>` : content}</div>
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
    ${kind.startsWith("image/") ? html`<img src=${mediaUrl(entry, at)} alt=${`${kind}, ${size(bytes)}`} loading="lazy" />` : html`<audio controls preload="none" src=${mediaUrl(entry, at)} aria-label=${`${kind}, ${size(bytes)}`}>
      </audio>`}
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
  return html`<p>${entry.versions.length > 1 ? "The recordings of this key, newest first; the first is served." : "This is the only recording of its key."} <code>${entry.key}</code>
    </p>
    <table><thead><tr><th scope="col">Recorded</th><th scope="col">Tokens out</th><th scope="col">Took live</th><th scope="col">Cost</th>
      <th scope="col"><span class="hidden">Compare</span></th></tr></thead>
    <tbody>${entry.versions.map((version) => html`<tr key=${version.name}>
      <td><a href=${address(["e", version.name], params)}>${moment(version.second)}</a>${version.name === entry.name ? " (this)" : ""}</td>
      <td class="num">${number(version.output)}</td><td class="num">${took(version.ms)}</td><td class="num">${money(version.cost)}</td>
      <td>${version.name !== entry.name && !report && html`<a href=${address(["compare", ...inOrder(version, entry)], params)}>Compare with this</a>`}</td>
        </tr>`)}</tbody></table>`;
}

const inOrder = (a, b) => (a.name < b.name ? [a.name, b.name] : [b.name, a.name]);

function Source({ entry, tab }) {
  const what = tab === "head" ? "head" : "raw";
  const state = useLoaded(() => get(what, { name: entry.name }), [entry.name, what]);
  return html`${what === "raw" && html`<p>
    <a href=${`/body/${encodeURIComponent(entry.name)}`} download>Save the whole body</a>, ${size(entry.body_size)}</p>`}
    <${Loading} state=${state}>${(data) => html`<${Text} class="mono">${data.text || ""}<//>
      <${Cut} of=${data.cut} what=${what === "raw" ? "bytes" : "characters"} />`}<//>`;
}

function Why({ entry }) {
  const state = useLoaded(() => get("why", { name: entry.name }), [entry.name]);
  return html`<${Loading} state=${state}>${(why) => html`<p><${Word}>${why.reason}<//></p>
    ${why.differences.length > 0 && html`<ul class="plain">${why.differences.map((line) => html`<li><${Text} class="mono">${line}<//>
      </li>`)}</ul>`}`}<//>`;
}

// ---- Comparisons ----

function Pieces({ pieces }) {
  return html`<div class="text" dir="auto">${pieces.map(([op, text]) =>
    op === "+" ? html`<ins>${text}</ins>` : op === "-" ? html`<del>${text}</del>` : op === "…" ? html`<span class="gap"> … ${text} … </span>` : text)}</div>`;
}

function Parts({ parts }) {
  return parts.map((part) => html`<article class=${`turn ${TURNS[part.role] || "data"}`}><h3><${Word}>${part.role}<//></h3><div class="said">
    <${Pieces} pieces=${part.pieces} /></div></article>`);
}

function Notes({ notes }) {
  return notes.length ? html`<ul class="notes">${notes.map((note) => html`<li><${Word}>${note}<//></li>`)}</ul>` : null;
}

function Compare({ old, new: other, params }) {
  const state = useLoaded(() => get("compare", { old, new: other }), [old, other]);
  return html`<div class="page"><h2>Compare two entries</h2><${Loading} state=${state}>${(data) => html`
    <dl class="sides">
      <div><dt><span class="sign removed">− Old</span></dt><dd><a href=${address(["e", old], params)}><${Word}>${data.old.prompt || old}<//></a>
        <br />${moment(data.old.second)}, <${Word}>${data.old.model}<//></dd></div>
      <div><dt><span class="sign added">+ New</span></dt><dd><a href=${address(["e", other], params)}><${Word}>${data.new.prompt || other}<//></a>
        <br />${moment(data.new.second)}, <${Word}>${data.new.model}<//></dd></div>
    </dl>
    <${Notes} notes=${data.notes} />
    ${data.asked.length > 0 && html`<h3>What was asked</h3><div class="chat"><${Parts} parts=${data.asked} /></div><h3>What was answered</h3>`}
    ${data.parts.length ? html`<div class="chat"><${Parts} parts=${data.parts} />
      </div>` : html`<p class="quiet">The answers say the same.</p>`}`}<//></div>`;
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
  return html`<details class="because" onToggle=${(event) => set(event.target.open)}>
    <summary>Why</summary>${open && html`<${Why} entry=${{ name }} />`}</details>`;
}

function Misses({ params, generation }) {
  const state = useLoaded(() => get("misses"), [generation]);
  return html`<div class="page"><h2>Misses</h2><${Loading} state=${state}>${({ sessions, log }) => html`
    <p class="quiet">What was not in the store when it was asked for, by session of this machine, with what was recorded for it.</p>
    ${!sessions.length && html`<p>No session has missed anything.</p>`}
    ${sessions.map((session) => html`<details class="change" open=${session.rows.length > 0 && session.rows.length < 20}>
      <summary><strong><${Word}>${session.by}<//>
        </strong> <span class="about">${moment(session.ended)}: ${many(session.misses, "miss", "misses")}, ${number(session.recorded)} recorded, ${many(session.hits, "hit")}, ${took(session.seconds_saved * 1000)} saved</span>
        </summary>
      <ul class="plain">${session.rows.map((row) => html`<li><a href=${address(["e", row.name, "why"], params)}>
        <${Word}>${row.prompt || "(no prompt)"}<//></a> <span class="about"><${Word}>${row.model}<//> <${Word}>${row.host}<//>
        </span> <${Because} name=${row.name} /></li>`)}</ul>
      ${session.misses > session.rows.length && html`<p class="quiet">${many(session.misses - session.rows.length, "miss", "misses")} left no recording.</p>`}
    </details>`)}
    ${log.file ? html`<h3>From the log</h3><p class="quiet"><${Word}>${log.file}<//></p>${log.misses.map((miss) => html`<details class="change">
      <summary>${miss.event}: <${Word}>${miss.method} ${miss.url}<//> <span class="about">${miss.time} <${Word}>${miss.model}<//></span></summary>
      <${Text}>${miss.reason || "no reason was noted"}<//></details>`)}`
      : html`<p class="quiet">With <code>CACHY_LOG=calls.jsonl</code> set, here and where the calls are made, each miss is listed with its reason.</p>`}`}<//>
        </div>`;
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
  return html`<section>
    <h3>${title}</h3>${note && html`<p class="quiet">${note}</p>`}<div class="wide" tabindex="0" role="region" aria-label=${title}>
    <table class="sums">
    <thead><tr><th scope="col">${title.replace("By ", "").replace(/^./, (c) => c.toUpperCase())}</th><th scope="col" class="num">Recordings</th>
      <th scope="col" class="num">Tokens in</th><th scope="col" class="num">Tokens out</th><th scope="col" class="num">Cost</th><th scope="col">
      <span class="hidden">Share</span></th></tr></thead>
    <tbody>${rows.map((row) => html`<tr key=${row.name}>
      <th scope="row">${row.name ? html`<a href=${address([], { [facet]: row.name })}><${Word}>${row.name}<//></a>` : "(none)"}</th>
      <td class="num">${number(row.entries)}</td><td class="num">${number(row.input)}</td><td class="num">${number(row.output)}</td>
        <td class="num">${bill(row)}</td>
      <td class="share" aria-hidden="true"><i style=${{ width: `${(row[of] / most) * 100}%` }}></i></td></tr>`)}</tbody></table></div></section>`;
}
