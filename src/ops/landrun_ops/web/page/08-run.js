// One run whole, in a dialog.
const dialog = document.getElementById("run");

function showRun(name) {
  const run = RUNS_BY_NAME.get(name);
  if (!run) return;
  const rows = runFacts(run).filter(([, said]) => said);
  const close = element("button", { type: "button", onclick: () => dialog.close() }, "Close");
  const again = dialog.open && dialog.dataset.run === name;
  dialog.dataset.run = name;
  dialog.replaceChildren(
    element("div", { class: "top" }, element("h2", { id: "run-title", class: "code" }, run.name), close),
    factsList(rows), ...(again ? details.nodes : (details.nodes = DATA.live ? [element("p", { class: "hint" }, "Reading more…")] : [])),
  );
  if (!dialog.open) dialog.showModal();
  if (again && !dialog.contains(document.activeElement)) close.focus({ preventScroll: true });
  if (!again) dialog.scrollTop = 0;
  writeAddress();
  if (DATA.live) showDetails(name);
}

const factsList = (rows) => element("dl", {}, ...rows.flatMap(([term, said]) => [element("dt", {}, term), element("dd", {}, said)]));
const section = (title, ...inside) => element("section", {}, element("h3", {}, title), ...inside);

// A command, and a button that copies it.
function command(text) {
  const copy = element("button", { type: "button", onclick: async () => { await navigator.clipboard.writeText(text); copy.textContent = "Copied"; } }, "Copy");
  return element("span", { class: "command" }, element("code", {}, text), navigator.clipboard ? copy : null);
}

function runFacts(run) {
  const again = DATA.laptop ? "" : ` --stack ${DATA.stack}`;
  const links = [["execution", "the execution"], ["log", "its log"], ["output", "the output"]]
    .filter(([page]) => run.links[page])
    .map(([page, said]) => element("a", { href: run.links[page], target: "_blank", rel: "noopener noreferrer" }, said));
  const of = RUNS_BY_NAME.get(run.rerun_of);
  return [
    ["Status", stateCell(run.status)],
    ["Place in line", run.place],
    ["Why", run.cause && element("strong", {}, run.cause)],
    ["Error", run.error],
    ["Started by", `${kindWord(run.kind)}${run.what ? `: ${run.what}` : ""}`],
    ["Rerun of", run.rerun_of && (of ? runLink(of, run.rerun_of) : run.rerun_of)],
    ["Began", words.exactly(run.started)],
    ["Ended", run.stopped == null ? null : words.exactly(run.stopped)],
    ["Took", run.duration_seconds == null ? null : `${words.span(run.duration_seconds)}${run.waited == null ? "" : `, of which it waited ${words.span(run.waited)}${run.worked == null ? "" : ` and its job worked ${words.span(run.worked)}`}`}`],
    ["Resumed", run.redrive_count > 0 && words.count(run.redrive_count, "time")],
    ["Rows", run.rows_in == null ? null : `${words.whole(run.rows_in)} in = ${words.whole(run.rows_out)} out + ${words.whole(run.duplicates)} duplicate + ${words.whole(run.empty)} empty + ${words.whole(run.rejected)} rejected`],
    ["Read", sum([run.files, run.bytes_in]) == null ? null : [run.files && words.count(run.files, "file"), run.bytes_in != null && words.bytes(run.bytes_in)].filter(Boolean).join(", ")],
    ["Wrote", run.output_objects == null ? null : `${words.count(run.output_objects, "object")}, ${words.bytes(run.output_bytes)}`],
    ["Output", run.output_processed_message && element("span", { class: "code" }, run.output_processed_message)],
    ["Ran on", run.instances && `${run.instances}${run.instance_seconds == null ? "" : `, ${words.span(run.instance_seconds)} of instances`}`],
    ["In AWS's consoles", links.length ? element("span", { class: "links" }, ...links) : null],
    ...(DATA.live ? [] : [
      ["To see more", command(`landrun show ${run.name}${again}`)],
      ["Its log", command(`landrun logs ${run.name}${again}`)],
      ["To run it again", run.failed ? command(`landrun rerun ${run.name}${again}`) : null],
    ]),
  ];
}

dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
dialog.addEventListener("close", writeAddress);

// What the live page asks its server for besides: what `landrun show --json` has, and the end of the log.
const details = { nodes: [], asked: 0 };
const COMMANDS = { page: "In a terminal", log: "The whole log", again: "To run it again", resume: "To resume it", stop: "To stop it" };

async function showDetails(name) {
  details.asked = Date.now();
  const known = await ask(`runs/${encodeURIComponent(name)}`);
  if (dialog.dataset.run !== name) return;
  const nodes = known.trouble ? [element("p", { class: "bad" }, known.trouble)] : detailNodes(known);
  for (const node of details.nodes) node.remove();
  details.nodes = nodes;
  dialog.append(...nodes);
}

function detailNodes({ doing, timeline, input, manifest, outputs, reruns, log, commands, not_seen: notSeen }) {
  const few = (items, most, text) => element("ul", { class: "plain code" }, ...items.slice(0, most).map((one) => element("li", {}, text(one))),
    items.length > most ? element("li", { class: "soft" }, `and ${words.count(items.length - most, "more", "more")}`) : null);
  const table = element("div", { class: "table" });
  plainTable(table, "Timeline", ["Began (UTC)", "What", "Took", "Job, or reason"], (timeline ?? []).map(momentRow), "words");
  return [
    doing && section("Now", element("p", {}, `This run ${doing}.`)),
    timeline?.length && section("Timeline", table),
    input && section("Input", factsList([["Objects", `${words.count(input.objects, "object")} of ${input.bucket}${input.bytes == null ? "" : `, ${words.bytes(input.bytes)}`}`],
      ...(manifest ? [["Manifest", element("span", { class: "code" }, manifest)]] : [])]), few(input.keys, 10, (key) => key)),
    outputs.length && section("Output", few(outputs, 10, ({ key, bytes }) => `${key}  ${words.bytes(bytes)}`)),
    reruns.length && section("Reruns", few(reruns, 10, ({ name, status }) => element("span", {}, RUNS_BY_NAME.has(name) ? runLink({ name }, name) : name, " ", stateCell(status)))),
    log.length && section("End of the log", element("pre", { tabindex: "0", "aria-label": "End of the log" }, log.join("\n"))),
    section("Commands", factsList(Object.keys(COMMANDS).filter((what) => commands[what]).map((what) => [COMMANDS[what], command(commands[what])]))),
    ...notSeen.map((line) => element("p", { class: "bad" }, line)),
  ].filter(Boolean);
}

function momentRow({ kind, number, began, ended, result, times, quota, job, reason }) {
  const waits = quota ? "waited for a quota" : quota === false ? "refused by SageMaker" : "waited for a slot";
  const what = kind === "attempt" ? `attempt ${number}: ${result}` : kind === "redrive" ? "resumed" : `${waits}${times > 1 ? `, asked ${words.whole(times)} times` : ""}`;
  const at = Date.parse(began);
  return [words.exactly(at).slice(0, -4), what, ended ? words.span((Date.parse(ended) - at) / 1000) : UNKNOWN, [job, reason].filter(Boolean).join(": ")];
}
