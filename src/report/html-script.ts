/** The page's only script: search, keys, help. The report reads the same without it. No data is in it, so its hash is fixed. */
export const HTML_SCRIPT = `
"use strict";
(() => {
  const all = [...document.querySelectorAll("article.ctx")];
  const box = document.getElementById("search");
  const shown = document.getElementById("shown");
  const help = document.getElementById("help");
  const text = new Map(all.map((el) => [el, el.textContent.toLowerCase()]));
  document.documentElement.classList.add("js");
  if (!box) return;
  const filter = () => {
    const words = box.value.toLowerCase().split(/\\s+/).filter(Boolean);
    let n = 0;
    for (const el of all) {
      el.hidden = !words.every((word) => text.get(el).includes(word));
      if (!el.hidden) n++;
    }
    shown.textContent = words.length ? n + " of " + all.length + " shown" : "";
  };
  const reveal = () => {
    const el = document.getElementById(location.hash.slice(1));
    const owner = el && el.closest("article.ctx");
    if (owner && owner.hidden) { box.value = ""; filter(); el.scrollIntoView(); }
    for (let d = el && el.closest("details"); d; d = d.parentElement.closest("details")) d.open = true;
  };
  const step = (by) => {
    const list = all.filter((el) => !el.hidden);
    if (!list.length) return;
    const at = list.findIndex((el) => el.contains(document.activeElement));
    const next = list[at < 0 ? (by > 0 ? 0 : list.length - 1) : Math.min(list.length - 1, Math.max(0, at + by))];
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: "start" });
  };
  box.addEventListener("input", filter);
  box.addEventListener("keydown", (e) => {
    if (e.key === "Escape") { box.value = ""; filter(); box.blur(); e.stopPropagation(); }
    if (e.key === "Enter") { box.blur(); step(1); }
  });
  window.addEventListener("hashchange", reveal);
  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || /^(INPUT|TEXTAREA)$/.test(e.target.tagName)) return;
    if (e.key === "/") { e.preventDefault(); box.focus(); box.select(); }
    else if (e.key === "?") { if (help.open) help.close(); else help.showModal(); }
    else if (help.open) return;
    else if (e.key === "j") step(1);
    else if (e.key === "k") step(-1);
  });
  reveal();
  // Side by side, the log opens at the first finding instead of at the boot messages.
  const log = document.getElementById("log");
  const link = document.querySelector('article.ctx a[href^="#L"]');
  if (log && link && !location.hash && getComputedStyle(log).overflowY === "auto") {
    document.getElementById(link.hash.slice(1)).scrollIntoView({ block: "center" });
  }
})();
`.trim();
