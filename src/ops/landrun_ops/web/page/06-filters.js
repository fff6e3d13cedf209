// Which runs are looked at. The address keeps it, so that a link or a bookmark leads to the same view.

let RUNS, RUNS_BY_NAME, FIRST, LAST;

// Takes runs, newest first.
function setRuns(runs) {
  RUNS = runs;
  RUNS_BY_NAME = new Map(runs.map((run) => [run.name, run]));
  [FIRST, LAST] = [runs.at(-1)?.started, runs[0]?.started];
}
const SPANS = [["", "all"], [HOUR, "last hour"], [DAY, "last day"], [WEEK, "last 7 days"], [30 * DAY, "last 30 days"]];

const nothingChosen = () => ({ status: new Set(), kind: new Set(), find: "", from: null, to: null, cause: null });
let filters = nothingChosen();
let changed = () => {};

const passes = {
  status: (run) => !filters.status.size || filters.status.has(run.status),
  kind: (run) => !filters.kind.size || filters.kind.has(run.kind),
  find: (run) => !filters.find || run.found.includes(filters.find.toLowerCase()),
  cause: (run) => !filters.cause || (run.failed && `${run.status}\n${run.error}\n${run.alike}` === filters.cause),
  time: (run) => (filters.from == null || run.started >= filters.from) && (filters.to == null || run.started < filters.to),
};

// The runs that pass all filters but the ones named.
function passing(...but) {
  const wanted = Object.entries(passes).filter(([name]) => !but.includes(name)).map(([, passed]) => passed);
  return RUNS.filter((run) => wanted.every((passed) => passed(run)));
}

function choose(changes) {
  filters = { ...filters, ...changes };
  writeAddress();
  showFilters();
  changed();
}

function writeAddress() {
  const said = new URLSearchParams();
  for (const name of ["status", "kind"]) for (const one of filters[name]) said.append(name, one);
  for (const name of ["find", "cause"]) if (filters[name]) said.set(name, filters[name]);
  for (const name of ["from", "to"]) if (filters[name] != null) said.set(name, new Date(filters[name]).toISOString());
  if (dialog.open) said.set("run", dialog.dataset.run);
  const address = said.toString();
  history.replaceState(null, "", address ? `#${address}` : location.pathname + location.search);
}

function fromAddress() {
  const said = new URLSearchParams(location.hash.slice(1));
  const time = (name) => { const at = Date.parse(said.get(name) ?? ""); return Number.isNaN(at) ? null : at; };
  filters = {
    status: new Set(said.getAll("status")), kind: new Set(said.getAll("kind")), find: said.get("find") ?? "",
    cause: said.get("cause"), from: time("from"), to: time("to"),
  };
  showFilters();
  if (said.has("run")) showRun(said.get("run"));
}

const field = (id) => document.getElementById(id);
const chips = [];

// Adds chips for values that there are runs of, in their order.
function addChips(id, name, order, word, variable) {
  const values = Object.keys(order), place = (value) => values.indexOf(value);
  const missing = (value) => !chips.some((chip) => chip.name === name && chip.value === value);
  for (const value of values.filter((one) => missing(one) && RUNS.some((run) => run[name] === one))) {
    const count = element("span", { class: "count" });
    const chip = element("button", { type: "button", class: "chip", "aria-pressed": "false", onclick: () => {
      const chosen = new Set(filters[name]);
      if (!chosen.delete(value)) chosen.add(value);
      choose({ [name]: chosen });
    } }, variable ? dot(variable(value)) : null, word(value), count);
    const next = chips.find((one) => one.name === name && place(one.value) > place(value));
    field(id).insertBefore(chip, next?.chip ?? null);
    chips.push({ chip, count, name, value });
  }
}

function showFilters() {
  for (const { chip, name, value } of chips) chip.setAttribute("aria-pressed", String(filters[name].has(value)));
  if (field("find").value !== filters.find) field("find").value = filters.find;
  field("from").value = filters.from == null ? "" : new Date(filters.from).toISOString().slice(0, 16);
  field("to").value = filters.to == null ? "" : new Date(filters.to).toISOString().slice(0, 16);
  const span = SPANS.find(([long]) => long && filters.to == null && filters.from === DATA.made_at - long);
  field("span").value = span ? String(span[0]) : filters.from == null && filters.to == null ? "" : "own";
  field("own").hidden = field("span").value !== "own";
  field("clear").hidden = !isFiltered();
}

const isFiltered = () =>
  Boolean(filters.status.size || filters.kind.size || filters.find || filters.cause || filters.from != null || filters.to != null);

function showCounts(runs) {
  addChips("statuses", "status", STATUSES, statusWord, statusColour);
  addChips("kinds", "kind", KINDS, kindWord);
  for (const [name, counted] of [["status", passing("status")], ["kind", passing("kind")]]) {
    for (const { count, value, name: of } of chips) if (of === name) count.textContent = words.short(counted.filter((run) => run[name] === value).length);
  }
  field("shown").textContent = runs.length === RUNS.length
    ? `${words.count(RUNS.length, "run")}` : `${words.whole(runs.length)} of ${words.count(RUNS.length, "run")}`;
}

function addFilters() {
  const spans = SPANS.filter(([long]) => DATA.live || !long || long < DATA.made_at - FIRST);
  field("span").append(...spans.map(([long, said]) => element("option", { value: String(long) }, said)), element("option", { value: "own" }, "from … to …"));
  field("span").addEventListener("change", ({ target }) => {
    if (target.value === "own") field("own").hidden = false;
    else choose({ from: target.value ? DATA.made_at - Number(target.value) : null, to: null });
  });
  for (const name of ["from", "to"]) {
    field(name).addEventListener("change", ({ target }) => {
      const at = Date.parse(`${target.value}Z`);
      choose({ [name]: Number.isNaN(at) ? null : at });
    });
  }
  let wait;
  field("find").addEventListener("input", ({ target }) => {
    clearTimeout(wait);
    wait = setTimeout(() => choose({ find: target.value.trim() }), 120);
  });
  field("clear").addEventListener("click", () => { choose(nothingChosen()); field("find").focus(); });
  field("filters").addEventListener("submit", (event) => event.preventDefault());
  window.addEventListener("hashchange", () => { fromAddress(); changed(); });
}
