// The runs, from the columns in which the file holds them, or the server of the live page sends them.

const DATA = JSON.parse(document.getElementById("data").textContent);

function decoded({ columns, tables, made_at: madeAt }) {
  const names = Object.keys(columns);
  const values = names.map((name) => {
    const table = tables[name];
    return table ? columns[name].map((place) => (place == null ? null : table[place])) : columns[name];
  });
  return columns.name.map((_, row) => {
    const run = {};
    names.forEach((name, column) => { run[name] = values[column][row]; });
    run.output = run.output?.replaceAll("{run}", run.name);
    run.execution = run.execution?.replaceAll("{run}", run.name);
    return derived(run, madeAt);
  });
}

function derived(run, madeAt) {
  run.failed = FAILED.has(run.status);
  run.finished = run.failed || run.status === "SUCCEEDED";
  const known = run.stopped ?? (run.seconds == null ? null : run.started + run.seconds * 1000);
  run.end = Math.max(run.started, known ?? (run.finished ? run.started : madeAt));
  run.hours = run.instance_seconds == null ? null : run.instance_seconds / 3600;
  run.dropped = sum([run.duplicates, run.empty, run.rejected]);
  run.found = [run.name, run.what, run.cause, run.error, run.rerun_of, run.output].filter(Boolean).join("\n").toLowerCase();
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
