(() => {
  "use strict";
  const part = (id) => document.getElementById(id);
  const told = document.body.dataset;
  const warning = Number(told.warning), bad = Number(told.bad), silent = Number(told.silent);
  const matches = part("matches"), stale = part("stale"), badge = part("age");
  const rows = new Map([...matches.children].map((row) => [row.dataset.match, row]));
  // Ages are counted on from what the server said, so that the two clocks need not agree.
  let age = told.age === "" ? null : Number(told.age), aged = Date.now(), heard = Date.now();
  let token = told.token, fetched = told.fetch, source, again, typed;
  const search = part("search");

  const parsed = (html) => {
    const template = document.createElement("template");
    template.innerHTML = html;
    return template.content;
  };
  const lasted = (seconds) => {
    const minutes = Math.floor(seconds / 60), hours = Math.floor(minutes / 60);
    if (!minutes) return `${Math.floor(seconds)} s`;
    return hours ? `${hours} h ${minutes % 60} min` : `${minutes} min ${Math.floor(seconds % 60)} s`;
  };
  const set = (element, text) => { if (element.textContent !== text) element.textContent = text; };

  function showAge() {
    const now = Date.now(), old = age === null ? null : age + (now - aged) / 1000;
    const gone = (now - heard) / 1000 > silent;
    const late = old === null ? "unknown" : old > bad ? "bad" : old > warning ? "warning" : "fresh";
    const said = [];
    if (gone) said.push("The board does not answer any more: nothing new shows here until it does.");
    if (late === "warning" || late === "bad") {
      const limit = late === "bad" ? bad : warning;
      said.push(`These data are more than ${limit / 60} minutes old: what is shown is not how it stands now.`);
    }
    set(badge, old === null ? "no data yet" : `${lasted(old)} old`);
    badge.className = `badge ${gone ? "bad" : late}`;
    // It is read aloud when its text changes: the age, which always does, stands in the badge.
    set(stale, said.join(" "));
    stale.className = `banner ${gone ? "bad" : late}`;
    stale.hidden = said.length === 0;
    document.title = said.length ? "STALE: live football" : "Live football";
  }

  function hear(event) {
    const said = JSON.parse(event.data);
    heard = aged = Date.now();
    age = said.age;
    if (said.rows) change(said);
    showAge();
  }

  function change(said) {
    token = said.token;
    part("head").replaceChildren(parsed(said.head));
    if (!part("choices").contains(document.activeElement)) part("choices").replaceChildren(parsed(said.filters));
    for (const [id, html] of Object.entries(said.rows)) {
      const row = parsed(html).firstElementChild, before = rows.get(id);
      if (before) {
        if (before.dataset.score !== row.dataset.score) row.classList.add("scored");
        const lines = before.querySelector(".lines");
        if (lines) open(row, lines);
        before.replaceWith(row);
      }
      rows.set(id, row);
    }
    const wanted = new Set(said.order);
    for (const [id, row] of rows) {
      if (!wanted.has(id)) { row.remove(); rows.delete(id); }
    }
    let place = matches.firstElementChild;
    for (const id of said.order) {
      const row = rows.get(id);
      if (row === place) place = place.nextElementSibling;
      else matches.insertBefore(row, place);
    }
    part("none").hidden = said.order.length > 0;
    set(part("none"), search.value.trim() ? "No match fits this search." : "No match to show.");
    part("found").hidden = search.value.trim() === "";
    set(part("found"), `${said.order.length} found`);
    if (fetched !== said.fetch) {
      fetched = said.fetch;
      for (const lines of matches.querySelectorAll(".lines")) showLines(lines.closest(".match"));
    }
  }

  function listen() {
    const url = new URL("/events", location.href);
    url.search = location.search;
    url.searchParams.set("since", token);
    source = new EventSource(url);
    source.onmessage = hear;
    // The browser's own attempts would name the state that this one began with.
    source.onerror = () => { source.close(); again = setTimeout(listen, 2000); };
  }

  // The search is a part of the address, which a reload, a bookmark and the stream go by.
  function seek() {
    clearTimeout(typed);
    const url = new URL(location.href), wanted = search.value.trim();
    if (wanted === (url.searchParams.get("search") ?? "")) return;
    if (wanted) url.searchParams.set("search", wanted);
    else url.searchParams.delete("search");
    history.replaceState(null, "", url);
    clearTimeout(again);
    source.close();
    token = "";  // What the rows were that were not wanted so far, nobody has told us.
    listen();
  }

  function open(row, lines) {
    const button = row.querySelector(".moves");
    if (!button) return;
    button.setAttribute("aria-expanded", "true");
    row.append(lines);
  }

  function close(row) {
    row.querySelector(".lines")?.remove();
    row.querySelector(".moves")?.setAttribute("aria-expanded", "false");
  }

  async function showLines(row) {
    const id = row.dataset.match;
    let lines = null;
    try {
      const answer = await fetch(`/lines?match=${encodeURIComponent(id)}`);
      lines = parsed(await answer.text()).firstElementChild;
    } catch { /* What is said instead follows. */ }
    lines ??= parsed('<div class="lines muted">The board does not answer.</div>').firstElementChild;
    const now = rows.get(id);
    // It may have been closed, or have left the board, while the answer was made.
    if (now?.querySelector(".lines")) { close(now); open(now, lines); }
  }

  matches.addEventListener("click", (event) => {
    const button = event.target.closest(".moves");
    if (!button) return;
    const row = button.closest(".match"), wasOpen = row.querySelector(".lines") !== null;
    // One at a time: each open one is asked for again with every fetch.
    for (const other of rows.values()) close(other);
    if (!wasOpen) { open(row, parsed('<div class="lines muted">Reading the odds…</div>').firstElementChild); showLines(row); }
  });
  part("filters").addEventListener("change", (event) => {
    // This asks for no event `submit`: that is Enter in the search.
    if (event.target !== search) part("filters").submit();
  });
  part("filters").addEventListener("submit", (event) => { event.preventDefault(); seek(); });
  search.addEventListener("input", () => { clearTimeout(typed); typed = setTimeout(seek, 150); });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey && !event.target.closest("input, select, textarea")) {
      event.preventDefault();
      search.focus();
      search.select();
    } else if (event.key === "Escape" && event.target === search) {
      search.value = "";
      seek();
    }
  });

  listen();
  showAge();
  setInterval(showAge, 1000);
})();
