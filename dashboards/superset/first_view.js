/* Loads Superset's program and style once the first view is painted, because the program keeps the browser busy for
   seconds; takes the first view away when every chart in view is drawn, at the first touch, or after a minute. */
(() => {
  const view = document.getElementById("first-view");
  if (new URLSearchParams(location.search).has("standalone")) view.classList.add("wall");
  let loaded = false;
  const load = () => {
    if (loaded) return;
    loaded = true;
    performance.mark("canteen-first-view");
    document.querySelectorAll("link[data-href]").forEach(later => { later.href = later.dataset.href; });
    document.querySelectorAll("script[data-src]").forEach(later => {
      const script = document.createElement("script");
      script.src = later.dataset.src;
      document.head.append(script);
    });
  };
  addEventListener("DOMContentLoaded", () => {
    requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(load)));
    setTimeout(load, 1000); // a page in the background is not painted
  });
  const waiting = one =>
    one.querySelector('[data-test="loading-indicator"], .loading') ||
    !one.querySelector('[data-test="slice-container"] > div > [id^="chart-id-"] > *, .ant-alert, .ant-empty');
  const drawn = () => {
    const charts = [...document.querySelectorAll('[data-test="dashboard-component-chart-holder"]')].filter(one => {
      const box = one.getBoundingClientRect();
      return box.width > 0 && box.top < innerHeight && box.bottom > 0;
    });
    return charts.length > 0 && !charts.some(waiting);
  };
  const began = Date.now();
  const touches = ["pointerdown", "keydown", "wheel"];
  const timer = setInterval(() => (drawn() || Date.now() - began > 60000) && go(), 100);
  const go = () => {
    clearInterval(timer);
    touches.forEach(kind => removeEventListener(kind, go, true));
    view.remove();
  };
  touches.forEach(kind => addEventListener(kind, go, true));
})();
