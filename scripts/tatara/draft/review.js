// Tabs, filters, keys and buttons.

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
const list = new VirtualList(
  byId("list"),
  (row) => buildRow(review, row, open?.row === row ? open.form : null),
  (row) => LINE * (4 + Math.ceil(Math.max(row.drafted.evidence.length, (row.drafted.text ?? row.drafted.reason ?? "").length) / PER_LINE)),
);

// ---- filters ----

const levels = data.places.map((place) => place.map((_, depth) => JSON.stringify(place.slice(0, depth + 1))));
const searched = new Map(); // row -> its text as it is searched; forgotten when it is edited
const BETWEEN = "\u0000";

const textOf = (row) => {
  if (!searched.has(row)) {
    const nodes = ["start", "end"].filter((field) => row.table === "relations").map((field) => review.nodeName(review.value(row, field)));
    if (row.table === "facts") nodes.push(review.nodeName(row.drafted.node));
    const own = data.fields[row.table].map((field) => review.value(row, field));
    searched.set(row, [row.id, ...nodes, ...own, row.drafted.evidence, row.drafted.heading].join(BETWEEN).normalize("NFKC").toLowerCase());
  }
  return searched.get(row);
};

const kindOf = (row) => review.value(row, KIND[row.table]);

const ORDERS = {
  drafted: (a, b) => a.order - b.order,
  place: (a, b) => a.place - b.place || Number(a.drafted.span_start) - Number(b.drafted.span_start) || a.order - b.order,
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
  filters.elements.kind.replaceChildren(new Option("all", ""), ...kinds.map((kind) => new Option(data.types[kind] ? `${kind} ${data.types[kind]}` : kind, kind)));
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

// ---- what the reviewer does ----

const change = (edits, told) => {
  if (edits.length === 0) return;
  review.set(edits);
  if (edits.some(([, field]) => field !== "status")) searched.clear();
  update();
  tell(told);
};

const WORDS = { accepted: "accepted", rejected: "rejected", draft: "back to draft" };

/** Set the status of rows; one that was merged is itself again. */
const setStatus = (rows, status) =>
  change(
    rows.flatMap((row) => [[row, "status", status], ...(review.status(row) === "merged" ? [[row, "merged_into", undefined]] : [])]),
    `${rowsWord(rows.length)} ${WORDS[status]}`,
  );

const close = () => {
  const row = open?.row;
  open = null;
  if (row) list.refresh(row);
  point();
};

const write = (row, fields) => {
  close();
  const nodeField = fields.find((field) => field === "merged_into" || data.ends.includes(field));
  if (nodeField) byId("names").replaceChildren(...[...namesFor(review, row, nodeField).keys()].map((name) => new Option(name, name)));
  open = { row, form: buildForm(review, row, fields) };
  list.refresh(row);
  moveTo(shown.indexOf(row));
  open.form.querySelector("input, textarea, select").focus();
};

const save = () => {
  const { row, form } = open;
  const { edits, problem } = editsOf(review, row, form);
  if (problem) {
    form.querySelector("output").value = problem;
    list.draw();
    return;
  }
  close();
  const into = edits.find(([, field]) => field === "merged_into");
  const named = into && `“${review.value(row, "name")}” is “${review.nodeName(into[2])}” from now on, and its relations and facts belong to that`;
  change(edits, named || `${edits.length} field${edits.length === 1 ? "" : "s"} of ${row.id} written anew`);
};

const turn = (row) =>
  change([[row, "start", review.value(row, "end")], [row, "end", review.value(row, "start")]], `${row.id} turned round`);

const ACTIONS = {
  accept: (row) => setStatus([row], "accepted"),
  reject: (row) => setStatus([row], "rejected"),
  draft: (row) => setStatus([row], "draft"),
  edit: (row) => write(row, data.fields[row.table]),
  merge: (row) => row.table === "nodes" && row.drafted.evidence && write(row, ["merged_into"]),
  turn: (row) => row.table === "relations" && turn(row),
};

const undo = () => {
  const row = review.undo();
  if (!row) return tell("There is nothing to undo");
  searched.clear();
  close();
  if (row.table !== table) show(row.table);
  update({ row });
  return tell("The last step was taken back");
};

const download = () => {
  const link = el("a", { href: URL.createObjectURL(new Blob([review.toCsv()], { type: "text/csv" })), download: "review.csv" });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  tell(`review.csv saved: ${rowsWord(review.changes.size)} changed`);
};

const openReview = async (input) => {
  const [file] = input.files;
  if (!file) return;
  const told = review.fromCsv(await file.text());
  input.value = "";
  searched.clear();
  close();
  update();
  tell(told);
};

// ---- keys and buttons ----

const KEYS = {
  j: () => moveTo(cursor + 1),
  k: () => moveTo(cursor - 1),
  u: undo,
  "/": () => filters.elements.text.focus(),
  ...Object.fromEntries(Object.keys(TABLES).map((name, number) => [String(number + 1), () => show(name)])),
};
const KEYS_OF_ROWS = { a: "accept", r: "reject", d: "draft", e: "edit", m: "merge", x: "turn" };

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select");
  if (event.isComposing) return;
  if (event.key === "Escape" && open) close();
  else if (event.key === "Escape" && typing) typing.blur();
  else if (event.key === "Enter" && event.ctrlKey && open) save();
  else if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  else if (KEYS[event.key]) KEYS[event.key]();
  else if (KEYS_OF_ROWS[event.key] && shown[cursor]) {
    const row = shown[cursor];
    ACTIONS[KEYS_OF_ROWS[event.key]](row);
    // Decided: on to the next, which has taken the row's place already where the filter no longer shows it.
    if ("ar".includes(event.key) && shown[cursor] === row) moveTo(cursor + 1);
  } else return;
  event.preventDefault();
});

byId("list").addEventListener("click", (event) => {
  const row = review.byKey.get(event.target.closest(".row")?.dataset.key);
  if (!row || event.target.closest("form.edit")) return;
  cursor = shown.indexOf(row);
  point();
  const { action } = event.target.closest("button")?.dataset ?? {};
  if (action) ACTIONS[action](row);
});

byId("list").addEventListener("submit", (event) => {
  event.preventDefault();
  save();
});

byId("list").addEventListener("click", (event) => {
  if (!event.target.closest("form.edit")) return;
  if (event.target.value === "cancel") close();
  if (event.target.value === "reset") {
    const { row } = open;
    const fields = [...new FormData(open.form).keys()].filter((field) => review.value(row, field) !== (row.drafted[field] ?? ""));
    close();
    change(fields.map((field) => [row, field, undefined]), `${row.id} is as it was drafted`);
  }
});

byId("tabs").append(
  ...Object.entries(TABLES).map(([name, label], number) =>
    el("button", { type: "button", role: "tab", title: `key ${number + 1}`, data: { table: name }, onclick: () => show(name) }, label, " ", el("small"))),
);
filters.elements.text.addEventListener("input", () => update({ otherwise: 0 }));
filters.addEventListener("change", ({ target }) => update({ row: target.name === "order" ? null : shown[cursor], otherwise: 0 }));
filters.addEventListener("submit", (event) => event.preventDefault());
const setShown = (status) => setStatus(shown.filter((row) => ![status, "merged"].includes(review.status(row))), status);
byId("accept-shown").onclick = () => setShown("accepted");
byId("reject-shown").onclick = () => setShown("rejected");
byId("undo").onclick = undo;
byId("save").onclick = download;
byId("open").onchange = (event) => openReview(event.target);
// Another tab of the same draft: its work is this one's too, or the tab that saves last would lose the other's.
window.addEventListener("storage", ({ key }) => {
  if (key !== review.storageKey) return;
  review.load();
  searched.clear();
  update();
});

filters.elements.status.append(...[...SHOWN_STATUSES, "edited"].map((status) => new Option(status, status)));
filters.elements.status.value = "draft"; // what is left to do; a decided row makes room for the next
fillPlaces();
show("nodes");
// Keys also work when the list was clicked; rows are not in the page once they are scrolled away, so focus stays outside.
new MutationObserver(point).observe(list.holder, { childList: true });
