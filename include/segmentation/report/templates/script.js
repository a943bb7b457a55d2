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
  addEventListener("beforeprint", () => document.querySelectorAll("details:not(.long)").forEach((d) => { d.open = true; }));
})();
