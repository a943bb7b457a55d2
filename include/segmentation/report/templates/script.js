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
  // Paper: as much larger as leaves no page half empty. Measured at the width of A4 between its margins.
  const MM = 96 / 25.4, SHEET = 269 * MM, SLACK = 1.04, MOST = 5; // cards are not cut everywhere
  const measured = () => {
    const rules = [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules]).filter((rule) => rule.media);
    const texts = rules.map((rule) => rule.media.mediaText);
    const onPaper = (text) => (/print|max-width/.test(text) ? "all" : /min-width/.test(text) ? "not all" : text);
    rules.forEach((rule, n) => { rule.media.mediaText = onPaper(texts[n]); });
    document.body.style.width = 182 * MM + "px";
    const height = document.body.scrollHeight;
    document.body.style.width = "";
    rules.forEach((rule, n) => { rule.media.mediaText = texts[n]; });
    return height;
  };
  const fit = () => {
    let size = 1;
    const sheets = () => {
      document.documentElement.style.setProperty("--fit", size.toFixed(3));
      return SLACK * measured() / SHEET;
    };
    const first = sheets(), whole = Math.floor(first), rest = first - whole;
    if (rest > 0.62 && rest < 0.88) return;
    // a little too much goes on a sheet less, all else fills the sheet that it has begun
    const wanted = rest <= 0.17 && whole > 1 ? whole - 0.25 : rest <= 0.62 ? whole + 0.73 : whole + 0.8;
    for (let round = 0; round < 3; round += 1) { size *= Math.sqrt(wanted / sheets()); }
    sheets();
  };
  const set = (which, open) => document.querySelectorAll(which).forEach((d) => { d.open = open; });
  const isWide = matchMedia("(min-width: 761px)").matches;
  set("details.annex", isWide);
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not(.long):not([open])")];
    folded.forEach((d) => { d.open = true; });
    set("details.annex", false);
    fit();
  });
  addEventListener("afterprint", () => { folded.forEach((d) => { d.open = false; }); set("details.annex", isWide); });
  const unfold = () => {
    const to = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    if (to) to.querySelectorAll("details.annex").forEach((d) => { d.open = true; });
  };
  addEventListener("hashchange", unfold);
  unfold();
})();
