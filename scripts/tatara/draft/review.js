// What the reviewer does: decisions, edits, merges, undo, files, by keys and by buttons.

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
    rows.flatMap((row) => [
      [row, "status", status],
      ...(review.status(row) === "merged" ? [[row, "merged_into", undefined]] : []),
    ]),
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
  if (nodeField)
    byId("names").replaceChildren(
      ...[...namesFor(review, row, nodeField).keys()].map((name) => new Option(name, name)),
    );
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
  const named =
    into &&
    `“${review.value(row, "name")}” is “${review.nodeName(into[2])}” from now on, as are its relations and facts`;
  change(edits, named || `${edits.length} field${edits.length === 1 ? "" : "s"} of ${row.id} written anew`);
};

const turn = (row) =>
  change(
    [
      [row, "start", review.value(row, "end")],
      [row, "end", review.value(row, "start")],
    ],
    `${row.id} turned round`,
  );

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
  const link = el("a", {
    href: URL.createObjectURL(new Blob([review.toCsv()], { type: "text/csv" })),
    download: "review.csv",
  });
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
    const fields = [...new FormData(open.form).keys()].filter(
      (field) => review.value(row, field) !== (row.drafted[field] ?? ""),
    );
    close();
    change(
      fields.map((field) => [row, field, undefined]),
      `${row.id} is as it was drafted`,
    );
  }
});

byId("tabs").append(
  ...Object.entries(TABLES).map(([name, label], number) =>
    el(
      "button",
      { type: "button", role: "tab", title: `key ${number + 1}`, data: { table: name }, onclick: () => show(name) },
      label,
      " ",
      el("small"),
    ),
  ),
);
filters.elements.text.addEventListener("input", () => update({ otherwise: 0 }));
filters.addEventListener("change", ({ target }) =>
  update({ row: target.name === "order" ? null : shown[cursor], otherwise: 0 }),
);
filters.addEventListener("submit", (event) => event.preventDefault());
const setShown = (status) =>
  setStatus(
    shown.filter((row) => ![status, "merged"].includes(review.status(row))),
    status,
  );
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
// A row that comes back into the page is the one that keys act upon, if it was.
new MutationObserver(point).observe(list.holder, { childList: true });
