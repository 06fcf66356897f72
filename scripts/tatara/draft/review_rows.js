// How a row looks. What documents say is only ever put in as text: `el` takes strings for text, never for markup.

const el = (tag, properties = {}, ...content) => {
  const element = document.createElement(tag);
  const { data: dataset = {}, ...rest } = properties;
  Object.assign(element, rest);
  Object.assign(element.dataset, dataset);
  element.append(...content.filter((part) => part !== "" && part !== undefined));
  return element;
};

const LABELS = {
  name: "Name",
  description: "Description",
  start: "From",
  type: "Type",
  end: "To",
  reason: "Reason",
  kind: "Kind",
  topic: "Topic",
  text: "Text",
  text_2: "Second wording",
  text_3: "Third wording",
  terms: "Terms (;)",
  category: "Category",
  difficulty: "Difficulty",
  question: "Question",
  reference: "Reference answer",
  facts: "Facts that an answer must hold (;)",
  merged_into: "Merge into",
};

/** Text as it is compared: width and case do not count; with the position in the text of each of its characters. */
const folded = (text) => {
  let [plain, at] = ["", []];
  let position = 0;
  for (const letter of text) {
    const same = letter.normalize("NFKC").toLowerCase();
    plain += same;
    for (let number = 0; number < same.length; number += 1) at.push(position);
    position += letter.length;
  }
  return { plain, at: [...at, position] };
};

/** Where words stand in a text: [start, end, class], in order, none over another; longer words come first. */
const places = (text, words) => {
  const { plain, at } = folded(text);
  const found = [];
  const free = (start, end) => found.every(([from, to]) => end <= from || start >= to);
  for (const [word, name] of words.toSorted(([a], [b]) => b.length - a.length)) {
    const sought = folded(word).plain;
    for (
      let from = sought ? plain.indexOf(sought) : -1;
      from >= 0;
      from = plain.indexOf(sought, from + sought.length)
    ) {
      const [start, end] = [at[from], at[from + sought.length]];
      if (free(start, end)) found.push([start, end, name]);
    }
  }
  return found.sort(([a], [b]) => a - b);
};

const marked = (text, words) => {
  const parts = [];
  let end = 0;
  for (const [start, stop, name] of places(text, words)) {
    parts.push(text.slice(end, start), el("mark", { className: name }, text.slice(start, stop)));
    end = stop;
  }
  return [...parts, text.slice(end)];
};

const listed = (text) =>
  text
    .split(/[;|]/)
    .map((part) => part.trim())
    .filter(Boolean);

/** The words of a row that its evidence has to hold, each with the class that they are marked by. */
const wordsOf = (review, row) => {
  const { drafted } = row;
  const value = (field) => review.value(row, field);
  switch (row.table) {
    case "nodes":
      return [[drafted.name, "first"]];
    case "relations":
      return [
        [drafted.start_name, "first"],
        [drafted.end_name, "second"],
      ];
    case "facts":
      return [[value("topic"), "first"], ...listed(value("terms")).map((term) => [term, "second"])];
    default:
      return listed(value("facts")).map((fact) => [fact, "first"]);
  }
};

/** The sentence with its words marked; of a fact, what was left out of the sentence is pale. */
const evidenceOf = (review, row) => {
  const { evidence, text = "" } = row.drafted;
  if (!evidence) return [el("p", { className: "quiet" }, "From the table of contents: no sentence is its evidence.")];
  const kept = text.replace(/[。.]$/, "");
  const start = row.table === "facts" ? evidence.indexOf(kept) : -1;
  const end = start < 0 ? evidence.length : start + kept.length;
  const words = wordsOf(review, row);
  const cut = (part) => (part.length > 1 ? el("span", { className: "cut" }, ...marked(part, words)) : part);
  const from = Math.max(0, start);
  return [
    el(
      "p",
      { lang: PAGE_LANGUAGE },
      cut(evidence.slice(0, from)),
      ...marked(evidence.slice(from, end), words),
      cut(evidence.slice(end)),
    ),
  ];
};

const PAGE_LANGUAGE = document.documentElement.dataset.language;
const chip = (text, name = "") => el("span", { className: `chip ${name}` }, text);
const paragraphs = (...texts) => texts.filter(Boolean).map((text) => el("p", {}, text));

/** What would be taught, or asked: a line in bold, and what follows it. */
const saidBy = (review, row) => {
  const value = (field) => review.value(row, field);
  switch (row.table) {
    case "nodes":
      return [
        el("p", {}, el("b", {}, value("name")), " ", chip(row.drafted.label)),
        ...paragraphs(value("description")),
      ];
    case "relations": {
      const type = value("type");
      const arrow = el("span", { className: "type", title: type }, ` —${data.types[type] ?? type}→ `);
      return [
        el("p", {}, el("b", {}, review.nodeName(value("start"))), arrow, el("b", {}, review.nodeName(value("end")))),
        ...paragraphs(value("reason")),
      ];
    }
    case "facts":
      return [
        el(
          "p",
          { className: "quiet" },
          el("b", {}, review.nodeName(row.drafted.node)),
          " ",
          chip(value("kind")),
          " ",
          value("topic"),
        ),
        ...paragraphs(value("text"), value("text_2"), value("text_3")),
        el("p", { className: "quiet" }, ...listed(value("terms")).flatMap((term) => [chip(term), " "])),
      ];
    default:
      return [
        el("p", {}, el("b", {}, value("question"))),
        ...paragraphs(value("reference")),
        el(
          "p",
          { className: "quiet" },
          ...listed(value("facts")).flatMap((fact) => [chip(fact), " "]),
          `${value("difficulty")} · ${value("category")}`,
        ),
      ];
  }
};

const button = (action, text, key) => el("button", { type: "button", data: { action }, title: `key ${key}` }, text);

const buttonsOf = (row) => [
  button("accept", "Accept", "a"),
  button("reject", "Reject", "r"),
  button("draft", "Back to draft", "d"),
  button("edit", "Edit", "e"),
  ...(row.table === "nodes" && row.drafted.evidence ? [button("merge", "Merge", "m")] : []),
  ...(row.table === "relations" ? [button("turn", "Turn round", "x")] : []),
];

const buildRow = (review, row, form) => {
  const { file, heading, span_start: start, span_end: end } = row.drafted;
  const status = review.status(row);
  const merged = status === "merged" ? `merged into ${review.nodeName(row.id)}` : status;
  const edited = review.edited(row);
  const place = data.places[row.place].filter(Boolean).join(" › ");
  const foot = el(
    "div",
    { className: "foot" },
    chip(merged, status),
    el("span", { className: "quiet" }, `score ${row.drafted.score} · ${row.id}`),
    edited.length ? chip(`edited: ${edited.map((field) => LABELS[field]).join(", ")}`, "edited") : "",
    el("span", { className: "buttons" }, ...buttonsOf(row)),
  );
  const source = el(
    "p",
    { className: "quiet source" },
    place,
    file ? el("br") : "",
    file ? `${file} ${start}–${end}` : "",
  );
  if (heading) source.title = heading;
  return el(
    "article",
    { className: `row ${status}`, tabIndex: -1, data: { key: row.key, id: row.id } },
    el("div", { className: "said", lang: PAGE_LANGUAGE }, ...saidBy(review, row)),
    el("div", { className: "evidence" }, ...evidenceOf(review, row), source),
    foot,
    ...(form ? [form] : []),
  );
};
