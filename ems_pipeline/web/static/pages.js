// The one script: it keeps a page fresh, says when it cannot, and reads a chart under the pointer. Everything works
// without it; it changes nothing but what is shown.
"use strict";
(() => {
  const main = document.getElementById("content"), lost = document.querySelector("[data-lost]");
  const RENEW_MS = 60000, SOON_MS = 1500, WAIT_MS = 2000, PATIENCE_MS = [1000, 2000, 5000, 15000, 30000];
  let shownAt = new Date(), tries = 0, pending = 0, waiting = 0;

  const busy = () => main.contains(document.activeElement) && document.activeElement.matches("input, select, textarea")
    || main.querySelector("form[data-touched], [data-keep]");
  const clock = (at) => at.toLocaleTimeString(document.documentElement.lang);

  async function renew() {
    pending = 0;
    if (document.hidden || busy()) return;
    try {
      const answer = await fetch(main.dataset.page, {headers: {"X-Renew": "1"}});
      if (answer.redirected) { location.reload(); return; }
      if (answer.status >= 500) { say(true); return; }
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (busy()) return;
      const open = [...main.querySelectorAll("details")].map((d) => d.open), y = scrollY;
      for (const part of ["main", "header.top"]) {
        const [old, made] = [document.querySelector(part), fresh.querySelector(part)];
        if (old && made) old.replaceChildren(...made.childNodes);
      }
      main.querySelectorAll("details").forEach((d, n) => { if (open[n]) d.open = true; });
      scrollTo(scrollX, y);
      shownAt = new Date();
      say(false);
      dress();
    } catch { say(true); }
  }
  function say(isLost) {
    lost.hidden = !isLost;
    lost.querySelector("[data-lost-since]").textContent = clock(shownAt);
  }
  function follow() { // a request that runs: looked at until it has ended
    if (main.querySelector("[data-waits]")) { clearTimeout(waiting); waiting = setTimeout(renew, WAIT_MS); }
  }
  function soon() { if (!pending) pending = setTimeout(renew, SOON_MS); }

  function listen() {
    const site = location.pathname.match(/^\/ui\/([a-z0-9_-]+)\/(now|plan|devices|alarms|override|money|gensets|genset-alarms)(\/[a-z0-9_-]+)?$/);
    if (!site) return;
    const socket = new WebSocket(location.origin.replace(/^http/, "ws") + "/ws");
    let beat = 0;
    socket.onopen = () => {
      socket.send(JSON.stringify({type: "auth"}));
      socket.send(JSON.stringify({type: "subscribe", topics: [`site:${site[1]}`, "devices", "events", "genset_alarms", "plans", "requests"], max_rate_hz: 0.5}));
      beat = setInterval(() => socket.send(JSON.stringify({type: "ping"})), 20000);
    };
    socket.onmessage = (event) => {
      const told = JSON.parse(event.data);
      if (told.type === "authenticated") { tries = 0; if (!lost.hidden) renew(); }
      else if (told.type === "gap" || told.site === site[1]) soon();
    };
    socket.onclose = (event) => {
      clearInterval(beat);
      if (event.code >= 4400 && event.code < 4500) return; // refused for good: the page goes on by the minute
      say(true);
      setTimeout(() => { listen(); renew(); }, PATIENCE_MS[Math.min(tries++, PATIENCE_MS.length - 1)]);
    };
  }

  // Controllers at the pace of their poller: a field that is told anew is written anew, nothing else is touched. A state,
  // an alarm or a link that turns brings the whole page, which has the words for it.
  const TURNS = ["engine_state", "generator_breaker", "busbar_breaker", "mains_breaker", "mains_state"], DASH = "\u2013";
  function put(element, value) {
    const {word, places, unit, per, span, attribute, turn} = element.dataset, is_known = typeof value === "number";
    if (span || turn) element.setAttribute("visibility", is_known ? "visible" : "hidden");
    if (word) element.textContent = value ? lexicon()[word]?.[value] ?? value : DASH;
    else if (turn) { if (is_known) element.setAttribute("transform", `rotate(${value} ${turn})`); }
    else if (span) {
      const [begin, end, first, last] = span.split(" ").map(Number);
      const x = first + (last - first) * Math.min(Math.max((value - begin) / (end - begin), 0), 1);
      if (is_known) element.setAttribute(attribute, attribute === "transform" ? `translate(${x} 0)` : x);
    } else element.textContent = is_known ? said(value / (per || 1), +places) + (unit && `\u00a0${unit}`) : DASH;
  }
  const said = (value, places) => (Math.round(value * 10 ** places) / 10 ** places + 0).toLocaleString(
    document.documentElement.lang, {minimumFractionDigits: places, maximumFractionDigits: places});
  const lexicon = () => JSON.parse(main.querySelector("[data-lexicon]").dataset.lexicon);
  function heard(devices) {
    for (const [key, news] of Object.entries(devices)) {
      const tile = main.querySelector(`[data-genset="${CSS.escape(key)}"]`);
      if (!tile) continue;
      if (news.quality !== tile.dataset.quality) soon();
      if (news.quality === "down") continue; // what was known last stands there
      const values = {...news.values}, mode = Object.entries(news.bits ?? {}).find(([name, on]) => on && name.startsWith("mode_"));
      if (mode) values.mode = mode[0].slice(5);
      for (const element of tile.querySelectorAll("[data-field]")) {
        const name = element.dataset.field;
        if (!(name in values)) continue;
        const before = element.textContent;
        put(element, values[name]);
        if (TURNS.includes(name) && element.textContent !== before) soon();
      }
      if (news.taken_at) for (const time of tile.querySelectorAll("[data-taken]")) time.dateTime = news.taken_at;
    }
    age();
  }
  function age() { // of what was read, as it grows
    const past = new Intl.RelativeTimeFormat(document.documentElement.lang);
    for (const time of main.querySelectorAll("[data-taken]")) {
      const s = Math.max(1, Math.round((Date.now() - new Date(time.dateTime)) / 1000));
      if (s < 86400) time.textContent = s < 60 ? past.format(-s, "second") : s < 3600 ? past.format(-Math.round(s / 60), "minute") : past.format(-Math.round(s / 3600), "hour");
    }
  }
  function poll() {
    if (!main.querySelector("[data-gensets]")) return;
    const socket = new WebSocket(location.origin.replace(/^http/, "ws") + "/ws/metrics"), site = location.pathname.split("/")[2];
    const ticks = [setInterval(() => socket.send(JSON.stringify({type: "ping"})), 20000), setInterval(age, 1000)];
    socket.onopen = () => socket.send(JSON.stringify({type: "auth"}));
    socket.onmessage = (event) => {
      const told = JSON.parse(event.data);
      for (const one of told.type === "snapshot" ? told.values : [told]) if (one.type === "gensets" && one.site === site) heard(one.devices);
    };
    socket.onclose = (event) => {
      ticks.forEach(clearInterval);
      if (event.code < 4400 || event.code >= 4500) setTimeout(poll, PATIENCE_MS[Math.min(tries, PATIENCE_MS.length - 1)]);
    };
  }

  // A chart's slots are rows of a table: pointer and arrow keys show a row. One that stands on a page of its own is
  // fetched when somebody comes to the chart.
  async function tableOf(figure) {
    if (!figure.dataset.table) return document.getElementById(figure.dataset.chart);
    const answer = await fetch(figure.dataset.table);
    const page = answer.ok && new DOMParser().parseFromString(await answer.text(), "text/html");
    return page && page.getElementById(figure.dataset.chart);
  }
  function read(figure) {
    const out = figure.querySelector(".readout");
    let rows = null, names = [], at = -1, asked = null;
    const come = () => asked ||= tableOf(figure).then((table) => {
      if (!table) return;
      names = [...table.tHead.rows[0].cells].map((c) => c.textContent.trim());
      rows = [...table.tBodies[0].rows];
      if (at < 0) at = Math.max(0, rows.findIndex((row) => row.classList.contains("now")));
    }).catch(() => { asked = null; });
    const show = (n) => {
      at = Math.min(Math.max(n, 0), rows.length - 1);
      out.textContent = [...rows[at].cells].map((c, k) => (k ? `${names[k]} ` : "") + c.textContent.trim()).join(" · ");
      for (const svg of figure.querySelectorAll("svg")) {
        const {left, right, slots} = svg.dataset, line = svg.querySelector(".cursor");
        const x = +left + (at + .5) * (right - left) / slots;
        if (line) { line.setAttribute("x1", x); line.setAttribute("x2", x); line.setAttribute("visibility", "visible"); }
      }
    };
    const go = () => { const link = rows && rows[at] && rows[at].querySelector("a"); if (link) location.href = link.href; };
    for (const svg of figure.querySelectorAll("svg[data-slots]")) {
      svg.addEventListener("pointermove", async (event) => {
        await come();
        if (!rows) return;
        const box = svg.getBoundingClientRect(), width = svg.viewBox.baseVal.width;
        const x = (event.clientX - box.left) * width / box.width, {left, right, slots} = svg.dataset;
        show(Math.floor((x - left) / (right - left) * slots));
      });
      svg.addEventListener("click", go);
    }
    figure.tabIndex = 0;
    figure.addEventListener("focus", come);
    figure.addEventListener("keydown", async (event) => {
      const step = {ArrowLeft: -1, ArrowRight: 1, PageUp: -4, PageDown: 4}[event.key];
      if (step) event.preventDefault();
      await come();
      if (rows && step) show(at + step);
      if (event.key === "Enter") go();
    });
  }

  function dress() {
    if (main.querySelector("[data-soon]")) soon();
    for (const figure of main.querySelectorAll("figure[data-chart]")) if (figure.querySelector(".readout")) read(figure);
    for (const left of main.querySelectorAll("time[data-until]")) {
      const until = new Date(left.dateTime), written = left.querySelector("[data-left]");
      const count = () => {
        const s = Math.max(0, Math.round((until - Date.now()) / 1000));
        written.textContent = `${Math.floor(s / 3600)}:${String(Math.floor(s / 60) % 60).padStart(2, "0")}:${String(s % 60).padStart(2, "0")}`;
        if (written.isConnected && s) setTimeout(count, 1000);
      };
      if (written) count();
    }
    const zone = main.querySelector("input[data-zone]"); // a newcomer's own, until he says otherwise
    if (zone && !zone.value) zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone;
    follow();
    browser();
  }

  // The browser itself as a way to tell its reader: the button is shown where it can be one, and the form says where it is.
  async function browser() {
    const form = main.querySelector("form[data-push]"), end = main.querySelector("form[data-push-end]");
    if (!form) return;
    if (!("serviceWorker" in navigator && "PushManager" in window && "Notification" in window)) {
      main.querySelector("[data-push-lacks]").hidden = false;
      return;
    }
    const code = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
    const here = await navigator.serviceWorker.getRegistration("/ui/"), old = here && await here.pushManager.getSubscription();
    const isOurs = old && code(old.options.applicationServerKey) === form.dataset.push;
    form.hidden = Boolean(isOurs);
    end.hidden = !isOurs;
    form.onsubmit = async (event) => {
      event.preventDefault();
      try {
        if (await Notification.requestPermission() !== "granted") throw new Error("refused");
        await navigator.serviceWorker.register("/ui/push.js", {scope: "/ui/"});
        const ready = await navigator.serviceWorker.ready;
        if (old) await old.unsubscribe(); // of a former key: nothing more comes by it
        const made = await ready.pushManager.subscribe({userVisibleOnly: true, applicationServerKey: form.dataset.push});
        form.elements.endpoint.value = made.endpoint;
        for (const key of ["p256dh", "auth"]) form.elements[key].value = code(made.getKey(key));
        form.submit();
      } catch {
        main.querySelector("[data-push-refused]").hidden = false;
        form.querySelector("button").disabled = false;
      }
    };
    end.onsubmit = async (event) => {
      event.preventDefault();
      end.elements.endpoint.value = old.endpoint;
      try { await old.unsubscribe(); } finally { end.submit(); }
    };
  }

  main.addEventListener("input", (event) => { const form = event.target.closest("form"); if (form) form.dataset.touched = ""; });
  main.addEventListener("submit", (event) => {
    const button = event.submitter; // a second press would file it twice
    if (event.target.method === "post") setTimeout(() => { for (const b of event.target.querySelectorAll("button")) b.disabled = true; if (button) button.setAttribute("aria-busy", "true"); });
  });
  addEventListener("online", renew);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) renew(); });
  setInterval(renew, RENEW_MS);
  dress();
  listen();
  poll();
})();
