// Tooltips: what a mark says to a screen reader, shown beside the pointer. Everything works without this.
(() => {
  const tip = document.getElementById("tip");
  const told = (node) => {
    const cell = node.closest("[data-tip]");
    return cell ? cell.dataset.tip : null;
  };
  const show = (event) => {
    const text = event.target.closest ? told(event.target) : null;
    tip.hidden = !text;
    if (!text) return;
    tip.textContent = text;
    const room = document.documentElement.clientWidth - tip.offsetWidth - 8;
    const above = event.clientY > tip.offsetHeight + 24;
    tip.style.left = Math.max(8, Math.min(event.clientX + 12, room)) + "px";
    tip.style.top = event.clientY + (above ? -tip.offsetHeight - 12 : 20) + "px";
  };
  document.addEventListener("pointermove", show);
  document.addEventListener("pointerdown", show);
  document.addEventListener("scroll", () => { tip.hidden = true; }, true);
  const set = (which, open) => document.querySelectorAll(which).forEach((d) => { d.open = open; });
  const isWide = matchMedia("(min-width: 761px)").matches;
  set("details.annex", isWide);
  addEventListener("beforeprint", () => { set("details.annex", false); set("details:not(.long)", true); });
  addEventListener("afterprint", () => set("details.annex", isWide));
  const unfold = () => {
    const to = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    if (to) to.querySelectorAll("details.annex").forEach((d) => { d.open = true; });
  };
  addEventListener("hashchange", unfold);
  unfold();
})();
