// Puts it together: what each figure shows of the runs that are looked at.

const SERIES = {
  outcome: Object.entries(STATUSES).map(([status, [said, variable]]) => [status, said, variable]),
  time: [["working", "working", "--running"], ["waiting", "waiting", "--other"]],
  long: [["p50", "half are quicker (p50)", "--p50"], ["p90", "nine in ten (p90)", "--p90"], ["p99", "99 in 100 (p99)", "--p99"]],
  rows: [["rows_out", "out", "--succeeded"], ["duplicates", "duplicate", "--duplicates"], ["empty", "empty", "--empty"], ["rejected", "rejected", "--rejected"]],
  volume: [["bytes_in", "in", "--in"], ["bytes_out", "out", "--succeeded"]],
  hours: [["hours", "instance-hours", "--in"]],
};
SERIES.dropped = SERIES.rows.slice(1);

const IGNORED = {
  "own-output": ["landrun's own output", "an output or a manifest of a run must never start another"],
  prefix: ["another prefix", "the key does not begin with LandingPrefix"],
  suffix: ["another suffix", "the key does not end with LandingSuffix"],
  "folder-marker": ["a folder marker", "the key ends with a slash"],
  "zero-bytes": ["an empty object", "it has no bytes"],
};

const all = {};

function addFigures() {
  const present = new Set(RUNS.map((run) => run.status));
  const others = [...present].filter((status) => !STATUSES[status]).map((status) => [status, statusWord(status), "--other"]);
  const outcomes = [...SERIES.outcome.filter(([status]) => present.has(status)), ...others];
  const zoom = (bar) => choose({ from: bar.a, to: bar.a + bar.step });
  const stepTip = (said) => (bar) => `${words.step(bar.from, bar.step)}\n${said(bar)}`;
  const named = (series) => Object.fromEntries(series.map(([name, said]) => [name, said]));
  const counted = (series, spelled = words.whole) => stepTip((bar) => `${spelled(bar.value)} ${named(series)[bar.series]}`);

  all.overTime = new Chart("over-time", "bars", { series: outcomes, height: 190, chosen: true, tip: counted(outcomes), press: zoom });
  all.timeline = new Chart("timeline", "lanes", { series: outcomes, tip: runTip, press: (bar) => showRun(bar.name) });
  all.durations = new Chart("durations", "lines", { series: SERIES.long,
    tip: stepTip((point) => `${named(SERIES.long)[point.series]}: ${words.span(point.value)}\n${words.count(point.runs, "run")}`) });
  all.atOnce = new Chart("at-once", "bars", { series: SERIES.time, tip: (bar) => `${words.step(bar.a, bar.b - bar.a)}\n${words.whole(bar.value)} ${bar.series}` });
  all.rows = new Chart("rows", "bars", { series: SERIES.rows, tip: counted(SERIES.rows) });
  all.dropped = new Chart("dropped", "bars", { series: SERIES.dropped, tip: counted(SERIES.dropped) });
  all.volume = new Chart("volume", "bars", { series: SERIES.volume, label: BYTES_LABEL, tip: counted(SERIES.volume, words.bytes) });
  all.hours = new Chart("hours", "bars", { series: SERIES.hours, label: "format(datum.value, '~g')", tip: counted(SERIES.hours, words.hours) });
  draggable(all.overTime, (from, to) => {
    const { size, at, place } = all.time;
    choose({ from: at(place(from)), to: Math.min(at(place(to) + 1), DATA.made_at + size) });
  });
  addTimelinePages();
}

function runTip({ run }) {
  const parts = [run.what ?? kindWord(run.kind), `${statusWord(run.status)}, began ${words.exactly(run.started)}`];
  if (run.seconds != null) parts.push(`took ${words.span(run.seconds)}${run.waited == null ? "" : `, waited ${words.span(run.waited)}`}`);
  if (run.cause) parts.push(run.cause.slice(0, 160));
  return parts.join("\n");
}

function addTables() {
  const inside = (id) => document.querySelector(`#${id} .table`);
  all.causes = new SortedTable(inside("failures"), { caption: "What failed, and why", size: 8, columns: [
    { title: "Runs", kind: "num", text: causeCount, sort: (group) => group.runs.length, first: "descending" },
    { title: "Why", kind: "words", text: causeWords, sort: (group) => group.alike },
    { title: "Last (UTC)", kind: "when", text: (group) => words.time(group.runs[0].started), sort: (group) => group.runs[0].started, first: "descending" },
    { title: "First (UTC)", kind: "when", text: (group) => words.time(group.runs.at(-1).started), sort: (group) => group.runs.at(-1).started },
    { title: "Newest", kind: "when", text: causeRuns },
  ] });
  all.slowest = new SortedTable(inside("slowest"), { caption: "Slowest runs", size: 8, columns: [
    { title: "Took", kind: "num", text: (run) => words.span(run.seconds), sort: (run) => run.seconds, first: "descending" },
    { title: "Waited", kind: "num", text: (run) => words.span(run.waited), sort: (run) => run.waited, first: "descending" },
    { title: "Run", kind: "words", text: (run) => element("span", {}, runLink(run), " ", element("span", { class: "soft" }, whatCell(run)), splitBar(run, all.longest)), sort: (run) => run.name },
  ] });
  all.runs = new SortedTable(inside("runs"), { caption: "All runs", columns: RUN_COLUMNS });
}

function addIgnored() {
  all.ignored = new SortedTable(document.querySelector("#ignored .table"), { caption: "Objects ignored, and why", size: 8, columns: [
    { title: "Objects", kind: "num", text: ignoredCount, sort: (one) => one.count, first: "descending" },
    { title: "Why", kind: "words", text: (one) => element("span", {}, one.title, one.words ? element("span", { class: "soft" }, ` – ${one.words}`) : null), sort: (one) => one.title },
    { title: "Last (UTC)", kind: "when", text: (one) => words.time(one.last), sort: (one) => one.last, first: "descending" },
  ] });
}

function barCell(count, most, calm = false) {
  const bar = element("span", { class: calm ? "bar calm" : "bar", "aria-hidden": "true" });
  bar.style.width = `${(100 * count) / most}%`;
  return element("span", {}, words.whole(count), bar);
}
const causeCount = (group) => barCell(group.runs.length, all.mostOfACause);
const ignoredCount = (one) => barCell(one.count, all.mostIgnored, true);

function causeWords(group) {
  const [example] = group.runs;
  const status = group.status === "FAILED" ? null : `${statusWord(group.status)}: `;
  const error = group.error && ![example.cause, "States.TaskFailed"].includes(group.error) ? element("span", { class: "soft" }, ` (${group.error})`) : null;
  return element("span", { class: "few" }, dot(statusColour(group.status)), " ", status, example.cause ?? UNKNOWN, error);
}

function causeRuns(group) {
  const { length } = group.runs;
  const all = () => { choose({ cause: group.key }); document.getElementById("runs").scrollIntoView(); };
  const few = group.runs.slice(0, length > 2 ? 1 : 2).map((run) => runLink(run));
  const more = length > 2 && filters.cause !== group.key ? element("button", { type: "button", class: "link", onclick: all }, `all ${words.whole(length)}`) : null;
  return element("span", { class: "links" }, ...few, more ?? "");
}

function showTiles(runs) {
  const ended = runs.filter((run) => run.finished), failed = ended.filter((run) => run.failed).length;
  const running = runs.length - ended.length;
  const took = sortedNumbers(ended.map((run) => run.seconds)), waited = sortedNumbers(runs.map((run) => run.waited));
  const [rowsIn, dropped] = [total(runs, "rows_in"), total(runs, "dropped")];
  const hours = total(runs, "instance_seconds");
  const tiles = [
    ["Runs", words.whole(runs.length), running ? `${words.whole(running)} under way` : "none under way"],
    ["Succeeded", words.share(ended.length - failed, ended.length), failed ? `${words.whole(failed)} failed` : "none failed"],
    ["Time a run takes", words.span(percentile(took, 0.5)), rarely(took)],
    ["Time it waits", words.span(percentile(waited, 0.5)), rarely(waited)],
    ["Rows read", words.short(rowsIn), rowsIn == null ? "no summaries" : `${words.short(total(runs, "rows_out"))} out, ${words.share(dropped ?? 0, rowsIn)} dropped`],
    ["Data read", words.bytes(total(runs, "bytes_in")), total(runs, "bytes_out") == null ? "output not known" : `${words.bytes(total(runs, "bytes_out"))} written`],
    ["Instance-hours", words.hours(hours == null ? null : hours / 3600), instancesSaid(runs)],
  ];
  document.getElementById("tiles").replaceChildren(...tiles.map(([what, much, more]) =>
    element("div", { class: "tile" }, element("p", { class: "what" }, what), element("p", { class: "much" }, much), element("p", { class: "more" }, more))));
}

// What few runs take longer than; of few runs, the longest.
const rarely = (sorted) => (sorted.length < 10 ? `at most ${words.span(sorted.at(-1))}` : `1 in 10 over ${words.span(percentile(sorted, 0.9))}`);

function instancesSaid(runs) {
  const kinds = new Set(runs.map((run) => run.instances).filter(Boolean));
  return kinds.size === 1 ? [...kinds][0] : kinds.size ? words.count(kinds.size, "kind") + " of instances" : "not known";
}

// What every chart over steps of time gets besides its bars.
function stepped(time, groups, series, value, spelled = words.whole) {
  const heading = ["From (UTC)", ...series.map(([, said]) => said)];
  const rows = () => groups.flatMap((runs, place) => (runs.length
    ? [[words.time(time.at(place)), ...series.map(([name]) => spelled(value(place, name)))]] : [])).toReversed();
  return { per: `per ${time.word}`, heading, rows };
}

const withTimes = (bars, time) => bars.map((bar) => ({ ...bar, from: time.at(bar.place), step: time.size }));

function showOverTime() {
  const runs = passing("time");
  const time = steps(FIRST, LAST);
  all.time = time;
  const groups = byStep(runs, time);
  const counts = groups.map((group) => { const many = {}; for (const run of group) many[run.status] = (many[run.status] ?? 0) + 1; return many; });
  const value = (place, status) => counts[place][status] ?? 0;
  const names = all.overTime.series.map(([name]) => name);
  const busiest = groups.reduce((most, group, place) => (group.length > groups[most].length ? place : most), 0);
  const chosen = [{ a: time.at(0), b: time.at(0) }];
  const [left, right] = [time.at(0), time.at(time.count) - GAP * time.size];
  if (filters.from != null && filters.from > left) chosen.push({ a: left, b: Math.min(filters.from, right) });
  if (filters.to != null && filters.to < right) chosen.push({ a: Math.max(filters.to - GAP * time.size, left), b: right });
  return all.overTime.show(withTimes(stacked(time, names, value), time), {
    ...stepped(time, groups, all.overTime.series, value), chosen,
    label: `${words.count(runs.length, "run")} from ${words.between(FIRST, LAST)} UTC: ${all.overTime.series.map(([name, said]) => `${words.whole(runs.filter((run) => run.status === name).length)} ${said}`).join(", ")}. Most in one ${time.word}: ${words.whole(groups[busiest].length)}, ${words.time(time.at(busiest))}.`,
  });
}

function showSteps(runs) {
  const [from, to] = runs.length ? [runs.at(-1).started, runs[0].started] : [FIRST, LAST];
  const time = steps(Math.max(filters.from ?? from, FIRST), Math.min(filters.to == null ? to : filters.to - 1, LAST));
  const groups = byStep(runs, time);
  const fields = [...SERIES.rows, ...SERIES.volume].map(([name]) => name);
  const of = sums(groups, [...fields, "instance_seconds"]);
  const value = (place, name) => (name === "hours" ? (of[place].instance_seconds == null ? null : of[place].instance_seconds / 3600) : of[place][name]);
  const draw = (chart, series, make, spelled) => () => {
    const said = series.map(([name, word]) => `${(spelled ?? words.whole)(name === "hours" ? (total(runs, "instance_seconds") ?? 0) / 3600 : total(runs, name))} ${word}`);
    return chart.show(withTimes(make(time, series.map(([name]) => name), value), time), { ...stepped(time, groups, series, value, spelled), label: `In all: ${said.join(", ")}.` });
  };
  return [
    draw(all.rows, SERIES.rows, stacked), draw(all.dropped, SERIES.dropped, stacked),
    draw(all.volume, SERIES.volume, beside, words.bytes), draw(all.hours, SERIES.hours, stacked, words.hours),
    () => showDurations(time, groups, runs), () => showAtOnce(runs),
  ];
}

function showDurations(time, groups, runs) {
  const sorted = groups.map((group) => sortedNumbers(group.filter((run) => run.finished).map((run) => run.seconds)));
  const shares = { p50: 0.5, p90: 0.9, p99: 0.99 };
  const value = (place, name) => percentile(sorted[place], shares[name]);
  const points = Object.keys(shares).flatMap((name) => groups.map((_, place) => ({
    a: time.at(place) + time.size / 2, from: time.at(place), step: time.size, series: name, runs: sorted[place].length,
    value: sorted[place].length ? Math.max(value(place, name), 0.1) : null,
  })));
  // Nothing at both ends, so that the axis is as long as the others'.
  for (const a of [time.at(0), time.at(time.count)]) points.push({ a, series: "p50", value: null });
  const every = sortedNumbers(runs.filter((run) => run.finished).map((run) => run.seconds));
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
  return all.atOnce.show(stacked(time, ["working", "waiting"], value, -0.03), {
    ...stepped(time, groups, SERIES.time, value), per: `at most, each ${time.word}`, label: `At most ${words.count(peak, "run")} at once.`,
  });
}

let timelinePages = [0];

function addTimelinePages() {
  const move = (by) => () => { if (by > 0) timelinePages.push(timelinePages.at(-1) + all.lanesTaken); else timelinePages.pop(); showTimeline(passing()); };
  all.earlier = element("button", { type: "button", onclick: move(1) }, "Earlier");
  all.later = element("button", { type: "button", onclick: move(-1) }, "Later");
  all.which = element("span", { role: "status" });
  all.timeline.at.after(element("div", { class: "pages" }, all.earlier, all.later, all.which));
}

function showTimeline(runs) {
  const from = timelinePages.at(-1);
  const shown = lanes(runs.slice(from));
  all.lanesTaken = shown.taken.length;
  all.earlier.disabled = from + shown.taken.length >= runs.length;
  all.later.disabled = from === 0;
  const said = !runs.length ? "" : shown.taken.length === runs.length ? words.between(shown.from, shown.to)
    : `runs ${words.whole(from + 1)}–${words.whole(from + shown.taken.length)} of ${words.whole(runs.length)}, newest first: ${words.between(shown.from, shown.to)}`;
  all.which.textContent = said;
  return all.timeline.show(shown.bars, {
    height: Math.max(54, shown.lanes * 17 + 24), label: `${words.count(shown.taken.length, "run")}, ${said}. The table of all runs has the same.`,
    legend: all.timeline.series.filter(([name]) => shown.taken.some((run) => run.status === name)),
    heading: ["Began (UTC)", "run", "status", "waited", "worked", "took"],
    rows: () => shown.taken.map((run) => [words.time(run.started), words.run(run.name), statusWord(run.status), words.span(run.waited), words.span(run.worked), words.span(run.seconds)]),
  });
}

function showTables(runs) {
  const groups = causes(runs);
  document.getElementById("failures").hidden = !groups.length;
  all.mostOfACause = groups[0]?.runs.length ?? 1;
  all.causes.show(groups);
  const timed = runs.filter((run) => run.seconds != null);
  all.longest = Math.max(0, ...timed.map((run) => run.seconds));
  all.slowest.show(timed.toSorted((one, other) => other.seconds - one.seconds).slice(0, 40));
  all.runs.show(runs);
}

function showIgnored() {
  const lead = document.querySelector("#ignored .lead") ?? element("p", { class: "lead" });
  document.getElementById("ignored-title").after(lead);
  const { counts, unknown, step } = DATA.ignored;
  const inTime = counts.map((one) => ({ ...one, at: Date.parse(one.at) })).filter(({ at }) => (filters.from == null || at + step * SECOND > filters.from) && (filters.to == null || at < filters.to));
  const reasons = new Map();
  for (const { reason, at, count } of inTime) {
    const [title, said] = IGNORED[reason] ?? [reason.replaceAll("-", " "), "S3 told of something else than a landing"];
    const one = reasons.get(reason) ?? { title, words: said, count: 0, last: at };
    one.count += count;
    one.last = Math.max(one.last, at);
    reasons.set(reason, one);
  }
  all.mostIgnored = Math.max(1, ...[...reasons.values()].map(({ count }) => count));
  const many = sum([...reasons.values()].map(({ count }) => count)) ?? 0;
  lead.textContent = unknown ? `Not known: ${unknown}.` : `${words.count(many, "object")} landed and started no run.${RUNS.length ? " Of the filters, only the time counts here." : ""}`;
  document.querySelector("#ignored .table").hidden = Boolean(unknown) || !many;
  all.ignored.show([...reasons.values()]);
}

let turn = 0;
const breath = () => new Promise((resume) => { setTimeout(resume); });

// Numbers and tables at once, then a chart at a time: whoever types or scrolls is never kept waiting.
async function show() {
  const runs = passing();
  turn += 1;
  const mine = turn;
  timelinePages = [0];
  document.body.dataset.busy = "yes";
  showCounts(runs);
  showTiles(runs);
  showTables(runs);
  showIgnored();
  for (const draw of [showOverTime, () => showTimeline(runs), ...showSteps(runs)]) {
    await breath();
    if (mine !== turn) return; // the filters have changed meanwhile
    await draw();
  }
  document.body.dataset.busy = "no";
}

// A page without runs still says what was ignored.
function showNothing() {
  const nothing = document.getElementById("nothing");
  nothing.hidden = false;
  nothing.append(`No run since ${words.time(DATA.since)} UTC. Why something that landed started none: `,
    element("code", {}, "landrun explain s3://bucket/key"), ". Whether all is set up: ", element("code", {}, "landrun doctor"), ".");
  nothing.after(document.getElementById("ignored"));
  for (const id of ["filters", "content"]) document.getElementById(id).hidden = true;
  for (const skip of document.querySelectorAll(".skip")) skip.hidden = true;
  showIgnored();
}

async function begin() {
  addIgnored();
  if (!RUNS.length) {
    showNothing();
    document.body.dataset.ready = "yes";
    return;
  }
  addFigures();
  addTables();
  addFilters();
  fromAddress();
  await show();
  let again = Promise.resolve();
  changed = () => { turn += 1; again = again.then(show); };
  const redraw = () => Promise.all(charts.filter(({ view }) => view).map((chart) => chart.draw()));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { again = again.then(redraw); });
  document.body.dataset.ready = "yes";
}

begin();
