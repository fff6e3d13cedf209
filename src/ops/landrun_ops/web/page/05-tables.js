// Tables: plain ones, and ones that sort and page.

function plainTable(where, caption, heading, rows, kind = "num") {
  const kinds = heading.map((_, place) => (!place || (kind === "words" && place < heading.length - 1) ? "when" : kind));
  const head = element("tr", {}, ...heading.map((title, place) => element("th", { scope: "col", class: kinds[place] }, title)));
  const body = rows.map((row) => element("tr", {}, ...row.map((text, place) => element("td", { class: kinds[place] }, text))));
  where.replaceChildren(table(caption, head, element("tbody", {}, ...body)));
}

const table = (caption, head, body) =>
  element("table", {}, element("caption", { class: "hidden" }, caption), element("thead", {}, head), body);

// A table whose columns sort when their heading is pressed, a page of rows at a time.
class SortedTable {
  // columns: { title, name: what is read out for it, text: row -> text or node, sort: row -> value, kind: class, first: "descending" }
  constructor(id, columns, size) {
    const where = element("div", { class: "table", tabindex: "0", role: "group", "aria-labelledby": `${id}-title` });
    Object.assign(this, { where, columns, size, sorted: 0, direction: "descending", page: 0, rows: [] });
    this.headings = columns.map((column, place) => this.heading(column, place));
    this.body = element("tbody");
    [this.before, this.after] = [["Previous", -1], ["Next", 1]].map(([said, by]) => element("button", { type: "button", onclick: () => this.turn(by) }, said));
    this.which = element("span", { role: "status" });
    this.pages = element("div", { class: "pages" }, this.before, this.after, this.which);
    where.append(table(document.getElementById(`${id}-title`).textContent, element("tr", {}, ...this.headings), this.body));
    document.getElementById(id).append(where, this.pages);
  }

  heading(column, place) {
    const title = column.sort
      ? element("button", { type: "button", "aria-label": column.name, onclick: () => this.sortBy(place) }, column.title)
      : column.title;
    return element("th", { scope: "col", class: column.kind }, title);
  }

  sortBy(place) {
    const first = this.columns[place].first ?? "ascending";
    const other = { ascending: "descending", descending: "ascending" };
    this.direction = this.sorted === place ? other[this.direction] : first;
    this.sorted = place;
    this.show(this.rows);
  }

  turn(by) {
    this.page += by;
    this.draw();
    this.where.scrollTop = 0;
  }

  show(rows, same = false) {
    const { sort } = this.columns[this.sorted];
    const sign = this.direction === "ascending" ? 1 : -1;
    const keyed = rows.map((row, place) => [sort(row), place, row]);
    // What is not known comes last, whichever way.
    keyed.sort(([one, a], [other, b]) =>
      one == null || other == null ? (one == null) - (other == null) || a - b : (one < other ? -sign : one > other ? sign : a - b));
    this.rows = keyed.map(([, , row]) => row);
    this.page = same ? Math.min(this.page, Math.max(0, Math.ceil(rows.length / this.size) - 1)) : 0;
    this.headings.forEach((heading, place) => {
      if (place === this.sorted) heading.setAttribute("aria-sort", this.direction);
      else heading.removeAttribute("aria-sort");
    });
    this.draw();
  }

  draw() {
    const from = this.page * this.size;
    const shown = this.rows.slice(from, from + this.size);
    const held = this.body.contains(document.activeElement) ? document.activeElement.ariaLabel : null; // keeps the focus
    this.body.replaceChildren(...shown.map((row) => element("tr", {}, ...this.columns.map((column) => element("td", { class: column.kind }, column.text(row))))));
    if (!shown.length) this.body.append(element("tr", {}, element("td", { colspan: this.columns.length, class: "soft" }, "None.")));
    if (held) [...this.body.querySelectorAll("button")].find((one) => one.ariaLabel === held)?.focus();
    this.pages.hidden = this.rows.length <= this.size;
    this.before.disabled = !this.page;
    this.after.disabled = from + this.size >= this.rows.length;
    this.which.textContent = `${words.whole(from + 1)}–${words.whole(from + shown.length)} of ${words.whole(this.rows.length)}`;
  }
}

function stateCell(status) {
  return element("span", { class: "state" }, dot(statusColour(status)), statusWord(status));
}

function runLink(run, text = words.run(run.name)) {
  const [, before, digits] = text.match(/^(.*-)([0-9a-f]{8})$/) ?? [null, "", text];
  return element("button", { type: "button", class: "link code", "aria-label": `Show run ${text}`, onclick: () => showRun(run.name) },
    element("span", { class: "roomy" }, before), digits);
}

function whatCell(run) {
  const of = RUNS_BY_NAME.get(run.rerun_of)?.what;
  const said = of ? `rerun of ${of}` : run.what ?? kindWord(run.kind);
  return element("span", { class: "key", title: said.length > 60 ? said : null }, said.length > 60 ? `…${said.slice(-58)}` : said);
}

const RUN_COLUMNS = [
  { title: "Started (UTC)", kind: "when", text: (run) => words.time(run.started), sort: (run) => run.started, first: "descending" },
  { title: "Run", kind: "when", text: (run) => runLink(run), sort: (run) => run.name },
  { title: "Status", kind: "state", text: (run) => stateCell(run.status), sort: (run) => statusWord(run.status) },
  { title: "What started it", kind: "key", text: whatCell, sort: (run) => run.what },
  { title: "Took", kind: "num", text: (run) => (DATA.live && !run.finished ? `${words.span((DATA.made_at - run.started) / 1000)} so far` : words.span(run.duration_seconds)), sort: (run) => run.duration_seconds, first: "descending" },
  { title: "Waited", kind: "num", text: (run) => words.span(run.waited), sort: (run) => run.waited, first: "descending" },
  { title: "Rows in", kind: "num", text: (run) => words.whole(run.rows_in), sort: (run) => run.rows_in, first: "descending" },
  { title: "out", name: "Rows out", kind: "num", text: (run) => words.whole(run.rows_out), sort: (run) => run.rows_out, first: "descending" },
  { title: "dropped", name: "Rows dropped", kind: "num", text: (run) => words.whole(run.dropped), sort: (run) => run.dropped, first: "descending" },
  { title: "Data in", kind: "num", text: (run) => words.bytes(run.bytes_in), sort: (run) => run.bytes_in, first: "descending" },
  { title: "out", name: "Data out", kind: "num", text: (run) => words.bytes(run.output_bytes), sort: (run) => run.output_bytes, first: "descending" },
];
