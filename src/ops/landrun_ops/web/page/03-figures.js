// What each chart shows of the runs that the filters leave: plain numbers, no drawing.

const SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR, WEEK = 7 * DAY;
const STEPS = [
  [SECOND, "second"], [10 * SECOND, "10 seconds"], [MINUTE, "minute"], [5 * MINUTE, "5 minutes"], [15 * MINUTE, "quarter of an hour"],
  [HOUR, "hour"], [6 * HOUR, "6 hours"], [DAY, "day"], [WEEK, "week"], [4 * WEEK, "4 weeks"], [52 * WEEK, "52 weeks"],
];
const MONDAY = 4 * DAY; // 1970-01-05, where weeks are counted from

const FEWEST_STEPS = 12; // so that a single bar is still seen as one

// Equal steps of time over a span, at most so many, whole minutes, hours, days or weeks.
function steps(from, to, most = 64, least = MINUTE) {
  const [size, word] = STEPS.find(([step]) => step >= least && (to - from) / step <= most) ?? STEPS.at(-1);
  const origin = size >= WEEK ? MONDAY : 0;
  const first = Math.floor((from - origin) / size) * size + origin;
  const needed = Math.floor((to - first) / size) + 1;
  const missing = Math.max(0, FEWEST_STEPS - needed);
  const start = first - Math.ceil(missing / 2) * size;
  return { size, word, start, count: needed + missing, place: (at) => Math.floor((at - start) / size), at: (place) => start + place * size };
}

// Runs by the step in which they began.
function byStep(runs, time) {
  const groups = Array.from({ length: time.count }, () => []);
  for (const run of runs) groups[time.place(run.started)]?.push(run);
  return groups;
}

const GAP = 0.1; // of a step, between its bars and the next one's

// The bars of each step, on one another or side by side: one value for each series.
function barsOf(time, series, value, { beside = false, gap = GAP } = {}) {
  const bars = [], width = ((1 - gap) * time.size) / (beside ? series.length : 1);
  for (let place = 0; place < time.count; place += 1) {
    const from = time.at(place);
    let y0 = 0;
    series.forEach((name, index) => {
      const much = value(place, name) ?? 0, a = from + (beside ? index * width : 0);
      if (much > 0 || !index) bars.push({ a, b: a + width, y0, y1: y0 + much, series: name, value: much, from, step: time.size });
      if (!beside) y0 += much;
    });
  }
  return bars;
}

// The most runs that waited, and that worked, at the same time in each step.
function atOnce(runs, time) {
  const changes = [];
  for (const run of runs) {
    const works = run.waited == null ? (run.finished ? run.started : null) : run.started + run.waited * 1000;
    changes.push([run.started, 1, 0]);
    if (works != null && works <= run.end) changes.push([works, -1, 1], [run.end, 0, -1]);
    else changes.push([run.end, -1, 0]);
  }
  changes.sort((one, other) => one[0] - other[0] || one[1] + one[2] - other[1] - other[2]);
  const most = Array.from({ length: time.count }, () => ({ waiting: 0, working: 0 }));
  let [waiting, working, next] = [0, 0, 0];
  for (let place = 0; place < time.count; place += 1) {
    const here = most[place];
    const until = time.at(place + 1);
    const look = () => { if (waiting + working > here.waiting + here.working) Object.assign(here, { waiting, working }); };
    look();
    for (; next < changes.length && changes[next][0] < until; next += 1) {
      waiting += changes[next][1];
      working += changes[next][2];
      look(); // of changes at the same time, what makes it more comes last
    }
  }
  return most;
}

const LANES = 24, LANE_RUNS = 260, FEWEST = 20;

// The newest runs of a list that are legible side by side, each in a lane that is free.
function lanes(newestFirst) {
  const lengths = sortedNumbers(newestFirst.slice(0, LANE_RUNS).map((run) => run.end - run.started));
  const legible = 200 * Math.max(percentile(lengths, 0.5) ?? 0, SECOND);
  let taken = [];
  for (const run of newestFirst) {
    if (taken.length >= LANE_RUNS) break;
    if (taken.length >= FEWEST && taken[0].started - run.started > legible) break;
    taken.push(run);
  }
  let placed = place(taken);
  while (placed.lanes > LANES && taken.length > 1) {
    taken = taken.slice(0, Math.max(1, Math.floor(taken.length * 0.8)));
    placed = place(taken);
  }
  return { ...placed, taken };
}

function place(runs) {
  if (!runs.length) return { bars: [], lanes: 0, from: 0, to: 0 };
  const from = Math.min(...runs.map((run) => run.started)), to = Math.max(...runs.map((run) => run.end), from + SECOND);
  const least = (to - from) / 320;
  const free = [];
  const bars = [];
  for (const run of runs.toReversed()) {
    const end = Math.max(run.end, run.started + least);
    let lane = free.findIndex((until) => until <= run.started);
    if (lane < 0) lane = free.length;
    free[lane] = end + least / 2;
    bars.push(...parts(run, lane, end));
  }
  return { bars, lanes: free.length, from, to };
}

// A bar's waiting and working parts; in a bar that was made longer to be seen, longer as well.
function parts(run, lane, end) {
  const longer = run.end > run.started ? (end - run.started) / (run.end - run.started) : 1;
  const after = (seconds) => Math.min(end, run.started + seconds * 1000 * longer);
  const works = run.waited == null ? (run.finished ? run.started : end) : after(run.waited);
  const stops = run.worked == null || run.waited == null ? end : after(run.waited + run.worked);
  const bar = (a, b, part) => ({ a, b, y0: lane + 0.12, y1: lane + 0.88, series: run.status, solid: part === "working" ? 1 : 0.38, name: run.name, run });
  return [bar(run.started, works, "waiting"), bar(works, stops, "working"), bar(stops, end, "waiting")].filter(({ a, b }) => b > a);
}

// Failed runs by what their reasons have in common, the most frequent first.
function causes(runs) {
  const groups = new Map();
  for (const run of runs) {
    if (!run.failed) continue;
    const key = `${run.status}\n${run.error}\n${run.alike}`;
    const group = groups.get(key) ?? { key, runs: [], status: run.status, error: run.error, alike: run.alike };
    group.runs.push(run);
    groups.set(key, group);
  }
  return [...groups.values()].sort((one, other) => other.runs.length - one.runs.length || other.runs[0].started - one.runs[0].started);
}
