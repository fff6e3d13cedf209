// Puts it together: what each figure shows of the runs that are looked at.

const SERIES = {
  outcome: Object.entries(STATUSES).map(([status, [said, variable]]) => [status, said, variable]),
  time: [["working", "working", "--running"], ["waiting", "waiting", "--other"]],
  long: [["p50", "half are quicker (p50)", "--p50"], ["p90", "nine in ten (p90)", "--p90"], ["p99", "99 in 100 (p99)", "--p99"]],
  rows: [["rows_out", "out", "--succeeded"], ["duplicates", "duplicate", "--duplicates"], ["empty", "empty", "--empty"], ["rejected", "rejected", "--rejected"]],
  volume: [["bytes_in", "in", "--in"], ["output_bytes", "out", "--succeeded"]],
  hours: [["hours", "instance-hours", "--in"]],
};
SERIES.dropped = SERIES.rows.slice(1);

const all = {};

function addFigures() {
  const present = new Set(RUNS.map((run) => run.status));
  const outcomes = SERIES.outcome.filter(([status]) => DATA.live || present.has(status));
  const zoom = (bar) => choose({ from: bar.a, to: bar.a + bar.step });
  const stepTip = (said) => (bar) => `${words.step(bar.from, bar.step)}\n${said(bar)}`;
  const named = (series) => Object.fromEntries(series.map(([name, said]) => [name, said]));
  const counted = (series, spelled = words.whole) => stepTip((bar) => `${spelled(bar.value)} ${named(series)[bar.series]}`);

  all.overTime = new Chart("over-time", barsSpec, { series: outcomes, height: 190, chosen: true, tip: counted(outcomes), press: zoom });
  all.timeline = new Chart("timeline", lanesSpec, { series: outcomes, tip: runTip, press: (bar) => showRun(bar.name) });
  all.durations = new Chart("durations", linesSpec, { series: SERIES.long,
    tip: stepTip((point) => `${named(SERIES.long)[point.series]}: ${words.span(point.value)}\n${words.count(point.runs, "run")}`) });
  all.atOnce = new Chart("at-once", barsSpec, { series: SERIES.time, tip: counted(SERIES.time) });
  all.rows = new Chart("rows", barsSpec, { series: SERIES.rows, tip: counted(SERIES.rows) });
  all.dropped = new Chart("dropped", barsSpec, { series: SERIES.dropped, tip: counted(SERIES.dropped) });
  all.volume = new Chart("volume", barsSpec, { series: SERIES.volume, label: BYTES_LABEL, tip: counted(SERIES.volume, words.bytes) });
  all.hours = new Chart("hours", barsSpec, { series: SERIES.hours, label: "format(datum.value, '~g')", tip: counted(SERIES.hours, words.hours) });
  draggable(all.overTime, (from, to) => {
    const { size, at, place } = all.time;
    choose({ from: at(place(from)), to: Math.min(at(place(to) + 1), DATA.made_at + size) });
  });
}

function runTip({ run }) {
  const parts = [run.what ?? kindWord(run.kind), `${statusWord(run.status)}, began ${words.exactly(run.started)}`];
  if (run.duration_seconds != null) parts.push(`took ${words.span(run.duration_seconds)}${run.waited == null ? "" : `, waited ${words.span(run.waited)}`}`);
  if (run.cause) parts.push(run.cause.slice(0, 160));
  return parts.join("\n");
}

// What every chart over steps of time gets besides its bars.
function stepped(time, groups, series, value, spelled = words.whole) {
  const heading = ["From (UTC)", ...series.map(([, said]) => said)];
  const rows = () => groups.flatMap((runs, place) => (runs.length
    ? [[words.time(time.at(place)), ...series.map(([name]) => spelled(value(place, name)))]] : [])).toReversed();
  return { per: `per ${time.word}`, heading, rows };
}

function showOverTime() {
  const runs = passing("time");
  const time = steps(FIRST, LAST);
  all.time = time;
  const groups = byStep(runs, time);
  const value = (place, status) => groups[place].filter((run) => run.status === status).length;
  const names = all.overTime.series.map(([name]) => name);
  const busiest = groups.reduce((most, group, place) => (group.length > groups[most].length ? place : most), 0);
  const chosen = [{ a: time.at(0), b: time.at(0) }];
  const [left, right] = [time.at(0), time.at(time.count) - GAP * time.size];
  if (filters.from != null && filters.from > left) chosen.push({ a: left, b: Math.min(filters.from, right) });
  if (filters.to != null && filters.to < right) chosen.push({ a: Math.max(filters.to - GAP * time.size, left), b: right });
  return all.overTime.show(barsOf(time, names, value), {
    ...stepped(time, groups, all.overTime.series, value), chosen,
    legend: all.overTime.series.filter(([name]) => RUNS.some((run) => run.status === name)),
    label: `${words.count(runs.length, "run")} from ${words.between(FIRST, LAST)} UTC: ${all.overTime.series.map(([name, said]) => `${words.whole(runs.filter((run) => run.status === name).length)} ${said}`).join(", ")}. Most in one ${time.word}: ${words.whole(groups[busiest].length)}, ${words.time(time.at(busiest))}.`,
  });
}

function showSteps(runs) {
  const [from, to] = runs.length ? [runs.at(-1).started, runs[0].started] : [FIRST, LAST];
  const time = steps(Math.max(filters.from ?? from, FIRST), Math.min(filters.to == null ? to : filters.to - 1, LAST));
  const groups = byStep(runs, time);
  const value = (place, name) => total(groups[place], name);
  const draw = (chart, series, spelled = words.whole, how = {}) => () => {
    const said = series.map(([name, word]) => `${spelled(total(runs, name))} ${word}`);
    return chart.show(barsOf(time, series.map(([name]) => name), value, how), { ...stepped(time, groups, series, value, spelled), label: `In all: ${said.join(", ")}.` });
  };
  return [
    draw(all.rows, SERIES.rows), draw(all.dropped, SERIES.dropped),
    draw(all.volume, SERIES.volume, words.bytes, { beside: true }), draw(all.hours, SERIES.hours, words.hours),
    () => showDurations(time, groups, runs), () => showAtOnce(runs),
  ];
}

function showDurations(time, groups, runs) {
  const sorted = groups.map((group) => sortedNumbers(group.filter((run) => run.finished).map((run) => run.duration_seconds)));
  const shares = { p50: 0.5, p90: 0.9, p99: 0.99 };
  const value = (place, name) => percentile(sorted[place], shares[name]);
  const points = Object.keys(shares).flatMap((name) => groups.map((_, place) => ({
    a: time.at(place) + time.size / 2, from: time.at(place), step: time.size, series: name, runs: sorted[place].length,
    value: sorted[place].length ? Math.max(value(place, name), 0.1) : null,
  })));
  // Nothing at both ends, so that the axis is as long as the others'.
  for (const a of [time.at(0), time.at(time.count)]) points.push({ a, series: "p50", value: null });
  const every = sortedNumbers(runs.filter((run) => run.finished).map((run) => run.duration_seconds));
  const label = SERIES.long.map(([name, said]) => `${said}: ${words.span(percentile(every, shares[name]))}`).join(", ");
  const signals = { low: Math.max(0.1, every[0]) / 1.3, high: Math.max(0.1, every.at(-1)) * 1.3 };
  return all.durations.show(every.length ? points : [], { ...stepped(time, groups, SERIES.long, value, words.span), signals, label: `${label}.` });
}

function showAtOnce(runs) {
  const [from, to] = runs.length ? [runs.at(-1).started, Math.max(...runs.map((run) => run.end))] : [FIRST, LAST];
  const time = steps(from, to, 120, SECOND);
  const most = atOnce(runs, time);
  const value = (place, name) => most[place][name];
  const peak = Math.max(0, ...most.map(({ waiting, working }) => waiting + working));
  const groups = most.map(({ waiting, working }) => (waiting + working ? [1] : []));
  return all.atOnce.show(barsOf(time, ["working", "waiting"], value, { gap: -0.03 }), {
    ...stepped(time, groups, SERIES.time, value), per: `at most, each ${time.word}`, label: `At most ${words.count(peak, "run")} at once.`,
  });
}

function showTimeline(runs) {
  const shown = lanes(runs);
  const newest = shown.taken.length < runs.length ? `the newest ${words.whole(shown.taken.length)} of ${words.whole(runs.length)}, ` : "";
  const said = runs.length ? newest + words.between(shown.from, shown.to) : "";
  return all.timeline.show(shown.bars, {
    per: said, height: Math.max(54, shown.lanes * 17 + 24), label: `${words.count(shown.taken.length, "run")}, ${said}. The table of all runs has the same.`,
    legend: all.timeline.series.filter(([name]) => shown.taken.some((run) => run.status === name)),
    heading: ["Began (UTC)", "run", "status", "waited", "worked", "took"],
    rows: () => shown.taken.map((run) => [words.time(run.started), words.run(run.name), statusWord(run.status), words.span(run.waited), words.span(run.worked), words.span(run.duration_seconds)]),
  });
}

let turn = 0;
const breath = () => new Promise((resume) => { setTimeout(resume); });

// Numbers and tables at once, then a chart at a time: whoever types or scrolls is never kept waiting.
// The page of a table stays, unless the filters have changed.
async function show(same = false) {
  const runs = passing();
  turn += 1;
  const mine = turn;
  document.body.dataset.busy = "yes";
  showCounts(runs);
  showTiles(runs);
  showTables(runs, same);
  showIgnored();
  for (const draw of [showOverTime, () => showTimeline(runs), ...showSteps(runs)]) {
    await breath();
    if (mine !== turn) return; // the filters have changed meanwhile
    await draw();
  }
  document.body.dataset.busy = "no";
}

function showContent(there) {
  for (const one of document.querySelectorAll("#filters, #content, .skip")) one.hidden = !there;
}

// A page without runs still says what was ignored.
function showNothing() {
  field("nothing").hidden = false;
  showIgnored();
}

// The first runs are there: shows all of it.
async function setUp() {
  field("nothing").hidden = true;
  showContent(true);
  live.shown = true;
  addFigures();
  addTables();
  addFilters();
  fromAddress();
  await show();
  changed = () => { turn += 1; again = again.then(show); };
  const redraw = () => Promise.all(charts.filter(({ view }) => view).map((chart) => chart.draw()));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { again = again.then(redraw); });
}

let again = Promise.resolve();
const refresh = () => { again = again.then(() => show(true)); };

function showAbout() {
  const left = DATA.more ? `, the newest${DATA.live ? "" : "; --limit takes older ones in, too"}` : "";
  field("about").textContent = `${words.count(RUNS.length, "run")} since ${words.time(DATA.since)} UTC in ${DATA.region}${left}. As of ${words.exactly(DATA.made_at)}.`;
}

async function begin() {
  addIgnored();
  if (!DATA.live) showAbout();
  showContent(RUNS.length > 0);
  if (DATA.live) await poll();
  else if (RUNS.length) await setUp();
  else showNothing();
  document.body.dataset.ready = "yes";
}

setRuns(DATA.runs.map(derived));
await begin();
