// Vega-Lite charts on canvas. Each is drawn once; filters hand it other numbers.

const TIME_LABEL =
  "utcseconds(datum.value) ? utcFormat(datum.value, '%H:%M:%S') : utchours(datum.value) || utcminutes(datum.value)" +
  " ? utcFormat(datum.value, '%H:%M') : utcdate(datum.value) == 1 && utcmonth(datum.value) == 0" +
  " ? utcFormat(datum.value, '%Y') : utcFormat(datum.value, '%e %b')";
const SECONDS_LABEL =
  "datum.value >= 86400 ? datum.value / 86400 + ' d' : datum.value >= 3600 ? datum.value / 3600 + ' h'" +
  " : datum.value >= 60 ? datum.value / 60 + ' min' : datum.value + ' s'";
const BYTES_LABEL = "datum.value ? replace(replace(format(datum.value, '.3~s'), 'G', ' G'), /([kMTP])$/, ' $1') + 'B' : '0'";
const COUNT_LABEL = "datum.value % 1 ? '' : format(datum.value, '~s')"; // there are no half runs
const SECONDS_TICKS = [0.1, 0.3, 1, 3, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 43200, 86400, 259200, 604800];

function theme() {
  const [muted, line, grid] = ["--muted", "--line", "--grid"].map(colour);
  const font = getComputedStyle(document.body).fontFamily;
  return {
    background: null, font, padding: { left: 2, right: 6, top: 6, bottom: 2 },
    view: { stroke: null },
    axis: {
      domainColor: line, tickColor: line, gridColor: grid, labelColor: muted, titleColor: muted, labelFontSize: 12,
      labelFont: font, labelPadding: 6, tickSize: 4, domain: false, ticks: false, labelOverlap: "greedy", titleFont: font,
    },
    axisX: { grid: false, domain: true, ticks: true, labelFlush: true },
  };
}

const timeAxis = {
  field: "a", type: "temporal", scale: { type: "utc", nice: false },
  axis: { title: null, labelExpr: TIME_LABEL, tickCount: { expr: "max(2, width / 95)" } },
};

function colours(series) {
  return { field: "series", type: "nominal", legend: null,
    scale: { domain: series.map(([name]) => name), range: series.map(([, , variable]) => colour(variable)) } };
}

function barsSpec({ series, label, height = 210, chosen = false }) {
  const y = { field: "y0", type: "quantitative", scale: { nice: true, domainMin: 0 },
    axis: { title: null, tickCount: 4, labelExpr: label ?? COUNT_LABEL } };
  const bars = { data: { name: "table" }, mark: { type: "rect", tooltip: { content: "data" } },
    encoding: { x: timeAxis, x2: { field: "b" }, y, y2: { field: "y1" }, color: colours(series) } };
  const around = { data: { name: "chosen" }, mark: { type: "rect", color: colour("--card"), opacity: 0.72 },
    encoding: { x: { field: "a", type: "temporal" }, x2: { field: "b" } } };
  return { height, layer: chosen ? [bars, around] : [bars] };
}

function lanesSpec({ series, height }) {
  return { height, layer: [{ data: { name: "table" }, mark: { type: "rect", tooltip: { content: "data" }, cursor: "pointer", cornerRadius: 1.5 },
    encoding: {
      x: timeAxis, x2: { field: "b" },
      y: { field: "y0", type: "quantitative", axis: null, scale: { nice: false, zero: true, reverse: true } }, y2: { field: "y1" },
      color: colours(series),
      opacity: { field: "solid", type: "quantitative", legend: null, scale: null },
    } }] };
}

function linesSpec({ series, signals, height = 210 }) {
  const encoding = { x: timeAxis,
    y: { field: "value", type: "quantitative", scale: { type: "log", nice: false, domain: [{ expr: "low" }, { expr: "high" }] },
      axis: { title: null, labelExpr: SECONDS_LABEL, values: SECONDS_TICKS } },
    color: colours(series) };
  const params = Object.entries(signals).map(([name, value]) => ({ name, value }));
  return { height, params, data: { name: "table" }, encoding, layer: [
    { mark: { type: "line", strokeWidth: 2 } },
    { mark: { type: "point", filled: true, size: 34, opacity: 1, tooltip: { content: "data" } } },
  ] };
}

const charts = [];

// One chart in its figure: a legend that is text, the drawing, and the same numbers as a table.
class Chart {
  // series: [name, words, variable of its colour]; tip: bar -> text; press: bar -> what happens
  constructor(id, specOf, { series, tip, press, ...options }) {
    this.figure = document.getElementById(id);
    this.title = this.figure.querySelector("h2").textContent;
    Object.assign(this, { specOf, series, tip, press, options });
    this.per = element("p", { class: "per" });
    this.legend = element("ul", { class: "legend", "aria-hidden": "true" });
    this.at = element("div", { class: "chart", role: "img", "aria-label": this.title });
    this.drawing = element("div");
    this.at.append(this.drawing);
    this.table = element("div", { class: "table", tabindex: "0", role: "group", "aria-label": `${this.title}, as a table` });
    this.details = element("details", { class: "numbers", ontoggle: () => this.fill() }, element("summary", {}, "As a table"), this.table);
    this.figure.querySelector("figcaption h2").after(this.per);
    this.empty = element("p", { class: "empty", hidden: true }, "Nothing to show of these runs.");
    this.figure.append(this.legend, this.at, this.empty, this.details);
    charts.push(this);
  }

  async draw() {
    const { bars, also } = this;
    const spec = {
      $schema: "https://vega.github.io/schema/vega-lite/v6.json", width: "container", config: theme(),
      autosize: { type: "fit-x", contains: "padding" }, ...this.specOf({ series: this.series, signals: also.signals, ...this.options, ...(also.height ? { height: also.height } : {}) }),
      datasets: { table: bars, ...(also.chosen ? { chosen: also.chosen } : {}) },
    };
    this.view?.finalize();
    const drawn = await vegaEmbed(this.drawing, spec, {
      ast: true, actions: false, renderer: "canvas", defaultStyle: false,
      tooltip: (_, event, item) => showTip(event, item?.datum && this.tip ? this.tip(item.datum) : ""),
    });
    for (const inner of this.drawing.querySelectorAll("*")) for (const name of ["role", "aria-label", "aria-roledescription"]) inner.removeAttribute(name);
    this.view = drawn.view;
    if (this.press) this.view.addEventListener("click", (_, item) => { if (item?.datum?.series) this.press(item.datum); });
  }

  // bars: rows of the chart; also: { chosen, per, label, heading, rows, legend, height, signals }
  async show(bars, also = {}) {
    Object.assign(this, { bars, also });
    this.per.textContent = also.per ?? "";
    this.at.setAttribute("aria-label", `${this.title}${also.per ? ` ${also.per}` : ""}. ${also.label ?? ""}`);
    const legend = also.legend ?? this.series;
    this.legend.replaceChildren(...legend.map(([, said, variable]) => element("li", {}, dot(variable), said)));
    this.legend.hidden = legend.length < 2;
    this.empty.hidden = bars.length > 0;
    this.at.classList.toggle("bare", !bars.length);
    if (this.details.open) this.fill();
    if (!bars.length) return;
    if (!this.view) { await this.draw(); return; }
    if (also.height) this.view.height(also.height);
    for (const [name, value] of Object.entries(also.signals ?? {})) this.view.signal(name, value);
    this.view.data("table", bars);
    if (also.chosen) this.view.data("chosen", also.chosen);
    await this.view.resize().runAsync(); // larger numbers need a wider axis
  }

  fill() {
    if (this.details.open && this.also?.rows) plainTable(this.table, `${this.title}, as a table`, this.also.heading, this.also.rows());
  }

  // The time at a place on the screen.
  time(clientX) {
    const left = this.drawing.getBoundingClientRect().left + this.view.origin()[0];
    const width = this.view.width();
    const [from, to] = this.view.scale("x").domain().map(Number);
    return from + (Math.min(Math.max(clientX - left, 0), width) / width) * (to - from);
  }
}

function showTip(event, text) {
  const tip = document.getElementById("tip");
  tip.hidden = !text;
  if (!text) return;
  tip.textContent = text;
  const { innerWidth: wide, innerHeight: high } = window;
  const { width, height } = tip.getBoundingClientRect();
  const x = event.clientX + 14 + width > wide ? event.clientX - 14 - width : event.clientX + 14;
  const y = event.clientY + 14 + height > high ? event.clientY - 14 - height : event.clientY + 14;
  tip.style.left = `${Math.max(4, x)}px`;
  tip.style.top = `${Math.max(4, y)}px`;
}

for (const event of ["scroll", "pointerdown", "keydown"]) window.addEventListener(event, (at) => showTip(at, ""), { capture: true, passive: true });

// Lets a mouse drag over a chart choose a span of time.
function draggable(chart, chosen) {
  const mark = element("div", { class: "drag", hidden: true });
  chart.at.append(mark);
  let begun = null;
  chart.at.addEventListener("pointerdown", (event) => {
    if (event.pointerType !== "touch" && event.button === 0) begun = event.clientX;
  });
  window.addEventListener("pointermove", (event) => {
    if (begun == null || Math.abs(event.clientX - begun) < 5) return;
    event.preventDefault();
    const edge = chart.at.getBoundingClientRect().left;
    mark.hidden = false;
    mark.style.left = `${Math.min(begun, event.clientX) - edge}px`;
    mark.style.width = `${Math.abs(event.clientX - begun)}px`;
  });
  window.addEventListener("pointerup", (event) => {
    if (begun != null && Math.abs(event.clientX - begun) >= 5) {
      const [from, to] = [begun, event.clientX].sort((one, other) => one - other).map((x) => chart.time(x));
      chosen(from, to);
    }
    begun = null;
    mark.hidden = true;
  });
}
