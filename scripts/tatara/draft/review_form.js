// Writing a row anew: the form of its fields, and what is wrong with what was written.

/** Name -> id of the nodes that a field may hold. */
const namesFor = (review, row, field) =>
  field === "merged_into"
    ? review.namesOfNodes((node) => node !== row && review.canMerge(row, node))
    : review.namesOfNodes();

const fieldOf = (review, row, field) => {
  const value = review.value(row, field);
  const choices = field === "type" ? data.choices.relations.type : data.choices[row.table][field];
  if (choices) {
    const offered = choices.includes(value) ? choices : [value, ...choices];
    return el(
      "select",
      { name: field },
      ...offered.map((choice) => new Option(choice, choice, false, choice === value)),
    );
  }
  if (data.ends.includes(field) || field === "merged_into") {
    const named = [...namesFor(review, row, field)].find(([, id]) => id === review.kept(value));
    const input = el("input", { name: field, value: named?.[0] ?? "", autocomplete: "off" });
    input.setAttribute("list", "names");
    return input;
  }
  return el("textarea", { name: field, value, rows: Math.max(1, Math.ceil(value.length / 70)) });
};

/** A form for fields of a row; its buttons have the values `save`, `reset` and `cancel`. */
const buildForm = (review, row, fields) =>
  el(
    "form",
    { className: "edit", data: { key: row.key } },
    ...fields.map((field) =>
      el("label", { lang: PAGE_LANGUAGE }, el("span", { lang: "en" }, LABELS[field]), fieldOf(review, row, field)),
    ),
    el(
      "div",
      { className: "foot" },
      el("button", { type: "submit", value: "save", title: "Ctrl+Enter" }, "Save"),
      el("button", { type: "button", value: "reset" }, "As drafted"),
      el("button", { type: "button", value: "cancel", title: "Escape" }, "Cancel"),
      el("output", { className: "problem", role: "alert" }),
    ),
  );

const squeezed = (text) => folded(text).plain.replace(/\s+/g, "");

/** The edits that a form asks for, as Review.set takes them, or what is wrong with it. */
const editsOf = (review, row, form) => {
  const edits = [];
  for (const [field, written] of new FormData(form)) {
    const isNode = data.ends.includes(field) || field === "merged_into";
    const value = isNode ? namesFor(review, row, field).get(oneLine(written)) : oneLine(written);
    if (isNode && value === undefined)
      return { problem: `${LABELS[field]}: there is no node of the name “${written}”` };
    if (!value && !data.mayBeEmpty.includes(field))
      return { problem: `${LABELS[field]} must not be empty; reject the row instead` };
    const before = review.value(row, field);
    if (value !== before && !(isNode && value === review.kept(before))) edits.push([row, field, value]);
  }
  const after = (field) => edits.find(([, name]) => name === field)?.[2] ?? review.value(row, field);
  if (after("merged_into")) {
    const into = (other) => (other === row ? after("merged_into") : review.value(other, "merged_into"));
    if (review.kept(row.id, into) === undefined) return { problem: "A name cannot be merged into itself" };
  }
  if (row.table === "facts") {
    const texts = ["text", "text_2", "text_3"].map(after).filter(Boolean).map(squeezed);
    const lacking = listed(after("terms")).find((term) => texts.some((text) => !text.includes(squeezed(term))));
    if (lacking)
      return { problem: `Every wording must hold the term “${lacking}”: write it in, or take it out of the terms` };
  }
  return { edits };
};
