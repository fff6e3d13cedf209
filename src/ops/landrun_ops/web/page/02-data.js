// The runs, from the data that the file holds, or that the server of the live page sends.

// The data block holds JSON, compressed, in base64.
async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
}

const DATA = await unpacked(document.getElementById("data").textContent);
for (const name of ["made_at", "since"]) DATA[name] = Date.parse(DATA[name]);

// Adds what follows from the facts of a run.
function derived(run) {
  run.started = Date.parse(run.started_at);
  run.stopped = run.stopped_at == null ? null : Date.parse(run.stopped_at);
  run.failed = FAILED.has(run.status);
  run.finished = run.failed || run.status === "SUCCEEDED";
  const known = run.stopped ?? (run.duration_seconds == null ? null : run.started + run.duration_seconds * 1000);
  run.end = Math.max(run.started, known ?? (run.finished ? run.started : DATA.made_at));
  run.hours = run.instance_seconds == null ? null : run.instance_seconds / 3600;
  run.dropped = sum([run.duplicates, run.empty, run.rejected]);
  run.found = [run.name, run.what, run.cause, run.error, run.rerun_of, run.output_processed_message].filter(Boolean).join("\n").toLowerCase();
  return run;
}

// The sum of what is known; null where nothing is.
function sum(values) {
  let total = null;
  for (const value of values) if (value != null) total = (total ?? 0) + value;
  return total;
}

const total = (runs, field) => sum(runs.map((run) => run[field]));

// The value below which a share of sorted values lies (nearest rank).
const percentile = (sorted, share) =>
  sorted.length ? sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] : null;

const sortedNumbers = (values) => Float64Array.from(values.filter((value) => value != null)).sort();
