// The page as a whole: the list, its facets, the search, the keyboard.
"use strict";

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
    ${status.total > 0 && html`<div class="notice" role="status">
      <label>Reading the store: ${number(status.done)} of ${number(status.total)} <progress max=${status.total} value=${status.done}></progress>
      </label></div>`}
    <main class=${`view-${view === "e" ? "entry" : view}`}>
      ${whole || view === "compare" ? html`<${Safe} of=${parts.join("/")}>${whole ? html`<${whole} params=${params} generation=${generation} />` : html`<${Compare} old=${plain(parts[1])} new=${plain(parts[2])} params=${params} />`}<//>` : html`
        <aside class="facets" aria-label="Filters">
          <details open=${innerWidth > 900}><summary>Filters${Object.keys(params).length ? ` (${Object.keys(params).length})` : ""}</summary>
            <${Facets} params=${params} facets=${facets.data && facets.data.facets} parts=${view === "e" ? parts : []} />
            ${Object.keys(params).length > 0 && html`<button type="button" class="link" onClick=${() => go(view === "e" ? parts : [], {})}>Show everything</button>`}
            ${status.flaws && status.flaws.length > 0 && html`<details class="flaws"><summary>${many(status.flaws.length, "file")} unsound</summary>
              <ul class="plain">${status.flaws.map((flaw) => html`<li><${Word}>${flaw.path}<//>: ${flaw.what}</li>`)}</ul></details>`}
          </details>
        </aside>
        <section class="list" aria-label="Entries">
          <p class="sum" aria-live="polite">${total === null ? "…" : many(total, "entry", "entries")}${sum && sum.entries ? html`<span> · ${number(sum.input)} → ${number(sum.output)} tokens · ${bill(sum)} · ${took(sum.ms)} live</span>` : ""}</p>
          <${Safe} of=${key}><${List} params=${params} generation=${generation} reading=${status.total > 0} opened=${opened} cursor=${cursor} setCursor=${setCursor}
            setTotal=${(n, known) => { rows.current = inList(n, known); setCount(n); }} /><//>
        </section>
        ${opened && html`<section class="entry" aria-label="Entry">
          <a class="close" href=${address([], params)} aria-label="Close the entry">✕</a>
          <${Safe} of=${opened + tab}>
            <${Entry} name=${opened} tab=${tab} params=${params} pinned=${pinned} pin=${pin} forget=${forget} generation=${0} /><//></section>`}`}
    </main>
    <footer><span title=${status.store}>
      <${Word}>${status.shown || status.store || ""}<//>${status.temporary ? " · read-only: the index is kept only while this runs" : ""}</span>
      <span class="keys"><kbd>/</kbd> search <kbd>j</kbd> <kbd>k</kbd> move <kbd>Enter</kbd> open <kbd>Esc</kbd> back</span></footer>
    ${toast && html`<div class="toast" role="status">${toast.text} ${toast.undo && html`<button type="button" onClick=${undo}>Undo</button>`}<button type="button" class="link" aria-label="Dismiss" onClick=${() => setToast(null)}>✕</button>
      </div>`}`;
}

if (report && report.start && !location.hash) history.replaceState(null, "", address([report.start], {}));
render(html`<${Safe}><${App} /><//>`, document.getElementById("app"));
