// What is on the screen: the table of the tab, what the filters leave of it, the counts, the row that keys act upon.

const TABLES = { nodes: "Nodes", relations: "Relations", facts: "Facts", questions: "Questions" };
const KIND = { nodes: "label", relations: "type", facts: "kind", questions: "category" };
const SHOWN_STATUSES = [...STATUSES, "merged"];
const LINE = 21; // pixels, and a first guess at the letters of a line: heights are measured once rows are drawn
const PER_LINE = 40;

const byId = (id) => document.getElementById(id);
const filters = byId("filters");
const message = byId("message");
const review = new Review((text) => {
  byId("warning").textContent = text;
  byId("warning").hidden = false;
});

let table = "nodes";
let shown = []; // the rows that the filters leave, in order
let cursor = 0; // index in `shown` of the row that keys act upon
let open = null; // { row, form }: the row that is being written anew

const tell = (text) => (message.value = text);
const rowsWord = (count) => `${count.toLocaleString("en")} row${count === 1 ? "" : "s"}`;
const estimate = ({ drafted }) => {
  const longest = Math.max(drafted.evidence.length, (drafted.text ?? drafted.reason ?? "").length);
  return LINE * (4 + Math.ceil(longest / PER_LINE));
};
const list = new VirtualList(
  byId("list"),
  (row) => buildRow(review, row, open?.row === row ? open.form : null),
  estimate,
);

// ---- filters ----

const levels = data.places.map((place) => place.map((_, depth) => JSON.stringify(place.slice(0, depth + 1))));
const searched = new Map(); // row -> its text as it is searched; forgotten when it is edited
const BETWEEN = "\u0000";

const textOf = (row) => {
  if (!searched.has(row)) {
    const ends = { relations: data.ends, facts: ["node"] }[row.table] ?? [];
    const nodes = ends.map((field) => review.nodeName(review.value(row, field)));
    const own = data.fields[row.table].map((field) => review.value(row, field));
    searched.set(
      row,
      [row.id, ...nodes, ...own, row.drafted.evidence, row.drafted.heading]
        .join(BETWEEN)
        .normalize("NFKC")
        .toLowerCase(),
    );
  }
  return searched.get(row);
};

const kindOf = (row) => review.value(row, KIND[row.table]);

const ORDERS = {
  drafted: (a, b) => a.order - b.order,
  place: (a, b) =>
    a.place - b.place || Number(a.drafted.span_start) - Number(b.drafted.span_start) || a.order - b.order,
  high: (a, b) => b.score - a.score || a.order - b.order,
  low: (a, b) => a.score - b.score || a.order - b.order,
};

const filtered = () => {
  const { text, place, status, kind, order } = Object.fromEntries(new FormData(filters));
  const words = text.normalize("NFKC").toLowerCase().split(/\s+/).filter(Boolean);
  const isShown = (row) =>
    (place === "" || levels[row.place].includes(place)) &&
    (status === "" || (status === "edited" ? review.edited(row).length > 0 : review.status(row) === status)) &&
    (kind === "" || kindOf(row) === kind) &&
    (words.length === 0 || words.every((word) => textOf(row).includes(word)));
  return review.rows[table].filter(isShown).sort(ORDERS[order]);
};

const fillPlaces = () => {
  const seen = new Set();
  for (const [number, place] of data.places.entries()) {
    for (const [depth, name] of place.entries()) {
      const value = levels[number][depth];
      if (!name || seen.has(value)) continue;
      seen.add(value);
      filters.elements.place.append(new Option("\u2003".repeat(depth) + name, value));
    }
  }
};

const fillKinds = () => {
  const kinds = [...new Set(review.rows[table].map(kindOf))];
  filters.elements.kind.replaceChildren(
    new Option("all", ""),
    ...kinds.map((kind) => new Option(data.types[kind] ? `${kind} ${data.types[kind]}` : kind, kind)),
  );
};

// ---- what is on the screen ----

const count = () => {
  for (const tab of byId("tabs").children) {
    const rows = review.rows[tab.dataset.table];
    const left = rows.filter((row) => review.status(row) === "draft").length;
    tab.querySelector("small").textContent = left ? `${left.toLocaleString("en")} to review` : "all reviewed";
    tab.setAttribute("aria-selected", tab.dataset.table === table);
  }
  const counts = Object.fromEntries(SHOWN_STATUSES.map((status) => [status, 0]));
  for (const row of review.rows[table]) counts[review.status(row)] += 1;
  byId("counts").value = SHOWN_STATUSES.map((status) => `${status} ${counts[status].toLocaleString("en")}`).join(" · ");
  filters.elements.shown.value = `${shown.length.toLocaleString("en")} of ${rowsWord(review.rows[table].length)} shown`;
  byId("undo").disabled = review.done.length === 0;
};

const point = () => {
  for (const element of document.querySelectorAll("[aria-current]")) element.removeAttribute("aria-current");
  const row = shown[cursor];
  if (row) list.elementOf(row)?.setAttribute("aria-current", "true");
};

const moveTo = (index) => {
  cursor = Math.max(0, Math.min(index, shown.length - 1));
  if (shown.length) list.reveal(cursor);
  point();
};

/** Show what the filters leave; the cursor stays at its row, or else goes where that row was. */
const update = ({ row = shown[cursor], otherwise = cursor } = {}) => {
  shown = filtered();
  list.show(shown);
  const index = shown.indexOf(row);
  moveTo(index < 0 ? otherwise : index);
  byId("nothing").hidden = shown.length > 0;
  count();
};

const show = (name) => {
  table = name;
  fillKinds();
  byId("list").scrollTop = 0;
  update({ otherwise: 0 });
};
