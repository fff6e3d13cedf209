// What is no chart: the numbers on top, and the tables.

const IGNORED = {
  "own-output": ["landrun's own output", "an output or a manifest of a run must never start another"],
  prefix: ["another prefix", "the key does not begin with LandingPrefix"],
  suffix: ["another suffix", "the key does not end with LandingSuffix"],
  "folder-marker": ["a folder marker", "the key ends with a slash"],
  "zero-bytes": ["an empty object", "it has no bytes"],
};

function addTables() {
  all.causes = new SortedTable("failures", [
    { title: "Runs", kind: "num", text: (group) => barCell(group.runs.length, all.mostOfACause), sort: (group) => group.runs.length, first: "descending" },
    { title: "Why", kind: "words", text: causeWords, sort: (group) => group.alike },
    { title: "Last (UTC)", kind: "when", text: (group) => words.time(group.runs[0].started), sort: (group) => group.runs[0].started, first: "descending" },
    { title: "First (UTC)", kind: "when", text: (group) => words.time(group.runs.at(-1).started), sort: (group) => group.runs.at(-1).started },
    { title: "Newest", kind: "when", text: causeRuns },
  ], 8);
  all.runs = new SortedTable("runs", RUN_COLUMNS, 25);
}

function addIgnored() {
  all.ignored = new SortedTable("ignored", [
    { title: "Objects", kind: "num", text: (one) => barCell(one.count, all.mostIgnored, true), sort: (one) => one.count, first: "descending" },
    { title: "Why", kind: "words", text: (one) => element("span", {}, one.title, one.words ? element("span", { class: "soft" }, ` – ${one.words}`) : null), sort: (one) => one.title },
    { title: "Last (UTC)", kind: "when", text: (one) => words.time(one.last), sort: (one) => one.last, first: "descending" },
  ], 8);
}

function barCell(count, most, calm = false) {
  const bar = element("span", { class: calm ? "bar calm" : "bar", "aria-hidden": "true" });
  bar.style.width = `${(100 * count) / most}%`;
  return element("span", {}, words.whole(count), bar);
}

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
  const took = sortedNumbers(ended.map((run) => run.duration_seconds)), waited = sortedNumbers(runs.map((run) => run.waited));
  const [rowsIn, dropped] = [total(runs, "rows_in"), total(runs, "dropped")];
  const tiles = [
    ["Runs", words.whole(runs.length), running ? `${words.whole(running)} under way` : "none under way"],
    ["Succeeded", words.share(ended.length - failed, ended.length), failed ? `${words.whole(failed)} failed` : "none failed"],
    ["Time a run takes", words.span(percentile(took, 0.5)), rarely(took)],
    ["Time it waits", words.span(percentile(waited, 0.5)), rarely(waited)],
    ["Rows read", words.short(rowsIn), rowsIn == null ? "no summaries" : `${words.short(total(runs, "rows_out"))} out, ${words.share(dropped ?? 0, rowsIn)} dropped`],
    ["Data read", words.bytes(total(runs, "bytes_in")), total(runs, "output_bytes") == null ? "output not known" : `${words.bytes(total(runs, "output_bytes"))} written`],
    ["Instance-hours", words.hours(total(runs, "hours")), instancesSaid(runs)],
  ];
  document.getElementById("tiles").replaceChildren(...tiles.map(tile));
}

const tile = ([what, much, more]) => element("div", { class: "tile" },
  element("p", { class: "what" }, what), element("p", { class: "much" }, much), element("p", { class: "more" }, more));

// What few runs take longer than; of few runs, the longest.
const rarely = (sorted) => (sorted.length < 10 ? `at most ${words.span(sorted.at(-1))}` : `1 in 10 over ${words.span(percentile(sorted, 0.9))}`);

function instancesSaid(runs) {
  const kinds = new Set(runs.map((run) => run.instances).filter(Boolean));
  return kinds.size === 1 ? [...kinds][0] : kinds.size ? words.count(kinds.size, "kind") + " of instances" : "not known";
}

function showTables(runs, same) {
  const groups = causes(runs);
  document.getElementById("failures").hidden = !groups.length;
  all.mostOfACause = groups[0]?.runs.length ?? 1;
  all.causes.show(groups, same);
  all.runs.show(runs, same);
}

function showIgnored() {
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
  document.querySelector("#ignored .lead").textContent = unknown ? `Not known: ${unknown}.` : `${words.count(many, "object")} landed and started no run.${RUNS.length ? " Of the filters, only the time counts here." : ""}`;
  document.querySelector("#ignored .table").hidden = Boolean(unknown) || !many;
  all.ignored.show([...reasons.values()]);
}
