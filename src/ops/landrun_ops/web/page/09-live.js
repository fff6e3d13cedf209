// The live page: asks its server what has changed, and shows it.

const POLL = 2000, AGAIN = 5000, GROWING = 10000; // milliseconds
const live = { version: 0, waiting: {}, drawn: 0 };

// Asks the server; what goes wrong is an answer with a trouble.
async function ask(path, more = "") {
  try {
    const answer = await fetch(`${path}${location.search}${more}`, { cache: "no-store" });
    const found = await answer.json();
    return answer.ok ? found : { trouble: found.error };
  } catch {
    return { trouble: "the server does not answer: does landrun still run in the terminal?" };
  }
}

async function poll() {
  try {
    const found = await ask("data", `&after=${live.version}`);
    if (found.trouble) showNotes([found.trouble]);
    else await take(found);
    if (document.hidden) await new Promise((seen) => { document.addEventListener("visibilitychange", seen, { once: true }); });
  } finally {
    setTimeout(poll, POLL);
  }
}

async function take(found) {
  const long = Number(field("span").value);
  const at = Date.parse(found.at);
  if (long && filters.to == null) filters.from = at - long; // the last hour moves on
  DATA.made_at = at;
  DATA.more = found.more;
  found.waiting = Object.fromEntries((found.slots?.waiting ?? []).map(({ name }, place) => [name, place + 1]));
  const waited = JSON.stringify(live.waiting) !== JSON.stringify(found.waiting);
  const news = found.version !== live.version || waited;
  Object.assign(live, found);
  if (news) setRuns(merged(found.runs));
  const ignored = JSON.stringify(found.ignored) !== JSON.stringify(DATA.ignored);
  DATA.ignored = found.ignored;
  showNotes(found.notes);
  showNow();
  const growing = at - live.drawn > GROWING && RUNS.some((run) => !run.finished);
  showAbout();
  if (!live.shown && RUNS.length) await setUp();
  else if (live.shown && (news || ignored || growing)) {
    live.drawn = at;
    refresh();
  } else if (!RUNS.length) showNothing();
  if (dialog.open && (news || !RUNS_BY_NAME.get(dialog.dataset.run)?.finished) && Date.now() - details.asked > AGAIN) showRun(dialog.dataset.run);
}

// The runs with what has changed of them; those that wait for a slot say so.
function merged(changed) {
  const runs = new Map([...RUNS, ...changed.map(derived)].map((run) => [run.name, run]));
  for (const run of runs.values()) {
    if (run.finished) continue;
    const place = live.waiting[run.name];
    if (run.status === "WAITING" || place) run.status = place ? "WAITING" : "RUNNING";
    run.place = place;
    derived(run);
  }
  return [...runs.values()].sort((one, other) => other.started - one.started);
}

function showNotes(notes) {
  const box = field("notes");
  box.hidden = !notes.length;
  const said = notes.join("\n");
  if (box.textContent !== said) box.textContent = said;
}

// What landed and waits, and dead letters; nothing of what the stack does without.
function showNow() {
  const { queues, pending_landings: pending, slots, next_tick: tick, dead_letters: dead } = live;
  const least = (one) => (one.more ? "at least " : "");
  const deadCount = dead && sum(Object.values(dead));
  const why = element("button", { type: "button", class: "link", onclick: showDeadLetters }, "show why");
  const tiles = [
    queues && ["Landed, not started", words.whole(queues.landings), "events in the queue"],
    pending && ["Wait for the schedule", least(pending) + words.whole(pending.count), pending.oldest ? `since ${words.time(Date.parse(pending.oldest))}` : "objects"],
    tick && ["Next tick (UTC)", tick.at ? words.time(Date.parse(tick.at)).slice(5) : UNKNOWN, tick.expression],
    slots && ["Slots in use", `${words.whole(slots.in_use)} of ${words.whole(slots.limit)}`, `${least(slots)}${words.count(slots.waiting.length, "run")} waiting`],
    dead && ["Dead letters", element("span", { class: deadCount ? "bad" : "" }, words.whole(deadCount)), deadCount ? why : "none"],
  ].filter(Boolean);
  field("now").hidden = !tiles.length;
  if (!field("now").contains(document.activeElement)) field("now").replaceChildren(...tiles.map(tile));
  if (!deadCount) field("dead-letters").hidden = true;
}

async function showDeadLetters() {
  field("dead-letters").hidden = false;
  document.querySelector("#dead-letters .table").replaceChildren("Reading…");
  const found = await ask("dead-letters");
  if (found.trouble) showNotes([found.trouble]);
  const rows = Object.entries(found.trouble ? {} : found).flatMap(([of, groups]) => groups.map((one) => [of, words.whole(one.count), one.about.join(", "), one.reason]));
  plainTable(document.querySelector("#dead-letters .table"), "Dead letters", ["Of", "Messages", "About", "Why"], rows, "words");
  field("dead-letters").hidden = !rows.length;
}
