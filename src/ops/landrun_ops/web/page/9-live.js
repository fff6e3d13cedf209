// The live page: asks its server what has changed, and shows it.

const POLL = 2000, AGAIN = 5000; // milliseconds
const live = { version: 0, waiting: {} };

// Asks the server; what goes wrong is an answer with an error.
async function ask(path, more = "") {
  try {
    const answer = await fetch(`${path}${location.search}${more}`, { cache: "no-store" });
    return await answer.json();
  } catch {
    return { error: "the server does not answer: does landrun still run in the terminal?" };
  }
}

async function poll() {
  const found = await ask("data", `&after=${live.version}`);
  if (found.error) showNotes([found.error]);
  else await take(found);
  if (document.hidden) await new Promise((seen) => { document.addEventListener("visibilitychange", seen, { once: true }); });
  setTimeout(poll, POLL);
}

async function take(found) {
  const long = Number(field("span").value);
  if (long && filters.to == null) filters.from = found.made_at - long; // the last hour moves on
  DATA.made_at = found.made_at;
  const waited = JSON.stringify(live.waiting) !== JSON.stringify(found.waiting);
  const news = found.version !== live.version || waited;
  Object.assign(live, found);
  if (news) setRuns(merged(decoded(found)));
  const ignored = JSON.stringify(found.ignored) !== JSON.stringify(DATA.ignored);
  DATA.ignored = found.ignored ?? DATA.ignored;
  showNotes(found.notes);
  showNow();
  const under = RUNS.some((run) => !run.finished);
  field("about").textContent = `${words.count(RUNS.length, "run")} since ${words.time(DATA.since)} UTC${found.more ? ", the newest" : ""}. As of ${words.exactly(found.made_at)}.`;
  if (!live.shown && RUNS.length) await setUp();
  else if (live.shown && (news || ignored || under)) refresh();
  else if (!RUNS.length && found.loaded) showNothing();
  if (dialog.open && (news || !RUNS_BY_NAME.get(dialog.dataset.run)?.finished) && Date.now() - details.asked > AGAIN) showRun(dialog.dataset.run);
}

// The runs with what has changed of them; those that wait for a slot say so.
function merged(changed) {
  const runs = new Map([...RUNS, ...changed].map((run) => [run.name, run]));
  for (const run of runs.values()) {
    if (run.finished) continue;
    const place = live.waiting[run.name];
    if (run.status === "WAITING" || place) run.status = place ? "WAITING" : "RUNNING";
    run.place = place;
    derived(run, DATA.made_at);
  }
  return [...runs.values()].sort((one, other) => other.started - one.started);
}

function showNotes(notes) {
  const box = field("notes");
  box.hidden = !notes.length;
  const said = notes.join("\n");
  if (box.textContent !== said) box.textContent = said;
}

// What landed and waits, and dead letters.
function showNow() {
  const { queues, pending, slots, waiting, next_tick: tick, dead_letters: dead } = live;
  const least = (one) => (one.more ? "at least " : "");
  const inLine = Object.keys(waiting).length;
  const letters = dead && sum(Object.values(dead));
  const facts = [
    ["Landed, not started yet", queues && words.count(queues.landings.visible + queues.landings.in_flight, "event")],
    ["Waiting for the schedule", pending && `${least(pending)}${words.count(pending.count, "object")}${pending.oldest ? `, the oldest since ${words.time(Date.parse(pending.oldest))} UTC` : ""}`],
    ["Next tick", tick && (tick.at ? `${words.time(Date.parse(tick.at))} UTC` : tick.expression)],
    ["Concurrency slots", slots && `${words.whole(slots.in_use)} of ${words.whole(slots.limit)} in use, ${least(slots)}${words.count(inLine, "run")} waiting`],
    ["Dead letters", dead && element("span", { class: letters ? "bad" : "" }, letters ? Object.entries(dead).filter(([, many]) => many).map(([of, many]) => `${words.whole(many)} of ${of}`).join(", ") : "none")],
  ].filter(([, said]) => said);
  field("now").hidden = !facts.length;
  field("now").querySelector("dl").replaceWith(factsList(facts));
  field("letters").hidden = !letters;
}

async function showLetters() {
  const found = await ask("dead-letters");
  const rows = Object.entries(found.error ? {} : found).flatMap(([of, groups]) => groups.map((one) => [of, words.whole(one.count), one.reason || one.why, one.about.join(", ")]));
  plainTable(document.querySelector("#now .table"), "Dead letters", ["Kind", "Messages", "Why", "About"], rows);
  if (found.error) showNotes([found.error]);
}
