// How numbers, times and texts are spelled.

const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const SHORT = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });
const PERCENT = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 1, roundingMode: "floor" }); // never 100 % of what is not all
const UNKNOWN = "–";

const words = {
  whole: (value) => (value == null ? UNKNOWN : WHOLE.format(value)),
  short: (value) => (value == null ? UNKNOWN : Math.abs(value) < 10000 ? WHOLE.format(value) : SHORT.format(value)),

  share: (part, of) => (of ? PERCENT.format(part / of) : UNKNOWN),

  bytes(value) {
    if (value == null) return UNKNOWN;
    const units = ["B", "kB", "MB", "GB", "TB", "PB"];
    let unit = 0;
    while (value >= 999.5 && unit < units.length - 1) { value /= 1000; unit += 1; }
    return `${unit && value < 99.95 ? Number(value.toFixed(value < 9.995 ? 2 : 1)) : WHOLE.format(value)} ${units[unit]}`;
  },

  hours: (value) => (value == null ? UNKNOWN : SHORT.format(value)),

  span(seconds) {
    if (seconds == null) return UNKNOWN;
    if (seconds < 59.95) return `${Number(seconds.toFixed(seconds < 0.1 ? 2 : 1))} s`;
    const whole = Math.round(seconds);
    for (const [large, small, a, b] of [[86400, 3600, "d", "h"], [3600, 60, "h", "min"], [60, 1, "min", "s"]]) {
      if (whole >= large) {
        const rest = Math.floor((whole % large) / small);
        return `${Math.floor(whole / large)} ${a}${rest ? ` ${String(rest).padStart(2, "0")} ${b}` : ""}`;
      }
    }
    return `${whole} s`;
  },

  // 2026-11-22 03:00, in UTC.
  time: (at) => (at == null ? UNKNOWN : new Date(at).toISOString().slice(0, 16).replace("T", " ")),
  exactly: (at) => (at == null ? UNKNOWN : `${new Date(at).toISOString().slice(0, 19).replace("T", " ")} UTC`),

  // From one time to another, without saying the day twice.
  between(from, to) {
    const [a, b] = [words.time(from), words.time(to)];
    return a.slice(0, 10) === b.slice(0, 10) ? `${a} – ${b.slice(11)}` : `${a} – ${b}`;
  },

  // A step of time: a whole day by its date alone.
  step: (from, long) => `${long === 86400000 ? words.time(from).slice(0, 10) : words.between(from, from + long)} UTC`,

  count: (many, one, several = `${one}s`) => `${words.whole(many)} ${many === 1 ? one : several}`,

  // landrun-55ea21e7 of landrun-55ea21e7b46057f4a32078eff858d2a4
  run: (name) => name.replace(/-([0-9a-f]{8})[0-9a-f]{24}$/, "-$1"),
};

const STATUSES = {
  SUCCEEDED: ["succeeded", "--succeeded"],
  FAILED: ["failed", "--failed"],
  TIMED_OUT: ["timed out", "--timed-out"],
  ABORTED: ["aborted", "--aborted"],
  RUNNING: ["running", "--running"],
  PENDING_REDRIVE: ["pending redrive", "--running"],
  WAITING: ["waiting for a slot", "--waiting"],
};
const KINDS = { "object-created": "object landed", schedule: "schedule", manual: "by hand", other: "unknown" };
const FAILED = new Set(["FAILED", "TIMED_OUT", "ABORTED"]);

const statusWord = (status) => STATUSES[status][0];
const statusColour = (status) => STATUSES[status][1];
const kindWord = (kind) => KINDS[kind];
const colour = (variable) => getComputedStyle(document.documentElement).getPropertyValue(variable).trim();

// Makes an element; texts become text, never markup.
function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "class") made.className = value;
    else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value != null) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child != null));
  return made;
}

function dot(variable) {
  const made = element("span", { class: "dot", "aria-hidden": "true" });
  made.style.background = `var(${variable})`;
  return made;
}
