// Pages are whole without this. With it, a run's page asks for itself again when the service says that something changed.
"use strict";
(() => {
  const live = document.getElementById("live");
  if (!live || !window.EventSource) return;
  const status = live.querySelector("[role=status]");
  let shown = live.dataset.mark;
  let wanted = shown;
  let busy = false;

  function say(text) {
    if (status.textContent !== text) status.textContent = text;
  }

  function disturbed() {
    // whoever is in the middle of it, by keyboard or by selecting text, is left alone
    return String(document.getSelection() || "") || document.activeElement?.closest("[data-fresh]");
  }

  async function refresh() {
    if (busy || wanted === shown) return;
    if (disturbed()) {
      say(live.dataset.waiting);
      return;
    }
    busy = true;
    const mark = wanted;
    try {
      const answer = await fetch(location.href, { credentials: "same-origin", headers: { accept: "text/html" } });
      if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const old of document.querySelectorAll("[data-fresh]")) {
        const fresh = page.getElementById(old.id);
        if (fresh) old.replaceWith(document.importNode(fresh, true));
      }
      shown = mark;
      say(live.dataset.updated + " " + new Date().toLocaleTimeString());
    } catch {
      say(live.dataset.waiting);
    } finally {
      busy = false;
    }
  }

  const source = new EventSource(live.dataset.events);
  source.addEventListener("open", () => say(live.dataset.on));
  source.addEventListener("error", () => say(live.dataset.off));
  source.addEventListener("change", (event) => {
    wanted = event.data;
    refresh();
  });
  setInterval(refresh, 2000);
  window.addEventListener("pagehide", () => source.close());
})();
