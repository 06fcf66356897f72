"use strict";
// What the reviewer says: changes laid over the drafted rows, with undo, kept in this browser and saved as review.csv.
// scripts/tatara/draft/review.py reads that file; names of tables, fields and statuses are the same there.

const data = JSON.parse(document.getElementById("draft").textContent);
const HEADER = ["table", "id", "field", "value"];
const STATUSES = ["draft", "accepted", "rejected"];

/** The rows of one table: what was drafted, where it stands, and a key that no other row has. */
const readRows = (table) => {
  const { columns, rows } = data.tables[table];
  return rows.map((values, order) => {
    const drafted = Object.fromEntries(columns.map((column, number) => [column, values[number]]));
    return {
      table,
      order,
      id: drafted.id,
      key: `${table} ${drafted.id}`,
      place: drafted.place,
      score: Number(drafted.score),
      drafted,
    };
  });
};

const quoted = (value) => (/[",;\t\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);
const oneLine = (value) => value.replace(/\s+/g, " ").trim();

/** The fields of each line of a CSV file. */
const parseCsv = (text) => {
  const lines = [];
  let line = [];
  for (const [, quotes, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g)) {
    line.push(quotes === undefined ? plain : quotes.replaceAll('""', '"'));
    if (end === ",") continue;
    if (line.some(Boolean)) lines.push(line);
    line = [];
  }
  return lines;
};

class Review {
  constructor(warn) {
    this.warn = warn;
    this.storageKey = `tatara-review-${data.digest}`;
    this.rows = Object.fromEntries(Object.keys(data.tables).map((table) => [table, readRows(table)]));
    this.byKey = new Map(
      Object.values(this.rows)
        .flat()
        .map((row) => [row.key, row]),
    );
    this.changes = new Map(); // key of a row -> field -> value
    this.done = []; // what undo takes back: for each step [key, field, value before]
    this.load();
  }

  value(row, field) {
    return this.changes.get(row.key)?.[field] ?? row.drafted[field] ?? "";
  }

  /** One of STATUSES, or `merged`. */
  status(row) {
    return this.value(row, "merged_into") ? "merged" : this.value(row, "status");
  }

  edited(row) {
    return data.fields[row.table].filter((field) => this.value(row, field) !== row.drafted[field]);
  }

  node(id) {
    return this.byKey.get(`nodes ${id}`);
  }

  /** The id of the node that a node was merged into in the end, its own where it was not; undefined in a circle. */
  kept(id, into = (row) => this.value(row, "merged_into")) {
    const seen = new Set();
    const after = () => this.node(id) && into(this.node(id));
    for (let next = after(); next; next = after()) {
      if (seen.has(id)) return undefined;
      seen.add(id);
      id = next;
    }
    return id;
  }

  nodeName(id) {
    const row = this.node(id) && this.node(this.kept(id));
    return row ? this.value(row, "name") : id;
  }

  /** Whether a node may be merged into another: both are terms, not places, and have one label. */
  canMerge(row, into) {
    return Boolean(row.drafted.evidence && into?.drafted.evidence) && row.drafted.label === into.drafted.label;
  }

  /** Name as it is offered for choosing -> id of the node; names that stand twice are told apart by their ids. */
  namesOfNodes(suits = () => true) {
    const nodes = this.rows.nodes.filter((row) => !this.value(row, "merged_into") && suits(row));
    const count = new Map();
    for (const row of nodes) count.set(this.value(row, "name"), (count.get(this.value(row, "name")) ?? 0) + 1);
    const offered = (name, id) => (count.get(name) > 1 ? `${name} (${id})` : name);
    return new Map(nodes.map((row) => [offered(this.value(row, "name"), row.id), row.id]));
  }

  /** Set fields of rows, as one step of undo; a value of undefined, or as drafted, takes the change back. */
  set(edits) {
    const before = edits.map(([row, field]) => [row.key, field, this.changes.get(row.key)?.[field]]);
    for (const [row, field, value] of edits) this.put(row, field, value);
    this.done.push(before);
    this.keep();
  }

  put(row, field, value) {
    const fields = { ...this.changes.get(row.key), [field]: value };
    if (value === undefined || value === row.drafted[field]) delete fields[field];
    if (Object.keys(fields).length) this.changes.set(row.key, fields);
    else this.changes.delete(row.key);
  }

  /** Take back the last step; returns its first row, or undefined where there is none. */
  undo() {
    const step = this.done.pop();
    if (!step) return undefined;
    for (const [key, field, value] of step.toReversed()) this.put(this.byKey.get(key), field, value);
    this.keep();
    return step.length ? this.byKey.get(step[0][0]) : undefined;
  }

  // ---- kept in this browser ----

  keep() {
    try {
      localStorage.setItem(this.storageKey, JSON.stringify([...this.changes]));
    } catch (error) {
      this.warn(`This browser does not keep your work (${error.message}): save review.csv before you close the page.`);
    }
  }

  load() {
    try {
      const stored = JSON.parse(localStorage.getItem(this.storageKey) ?? "[]");
      this.changes = new Map(stored.filter(([key]) => this.byKey.has(key)));
    } catch (error) {
      this.warn(`What this browser kept of an earlier visit cannot be read (${error.message}); open what you saved.`);
    }
  }

  // ---- review.csv ----

  toCsv() {
    const lines = [HEADER, ["draft", "", "digest", data.digest]];
    for (const row of this.byKey.values()) {
      for (const [field, value] of Object.entries(this.changes.get(row.key) ?? {}))
        lines.push([row.table, row.id, field, value]);
    }
    // By the mark at its head Excel takes it for UTF-8.
    return `\ufeff${lines.map((line) => line.map(quoted).join(",")).join("\n")}\n`;
  }

  fits([table, id, field, value]) {
    const row = this.byKey.get(`${table} ${id}`);
    if (!row) return false;
    if (field === "status") return STATUSES.includes(value);
    if (field === "merged_into") return table === "nodes" && this.canMerge(row, this.node(value));
    if (!data.fields[table].includes(field)) return false;
    if (data.ends.includes(field)) return this.node(value) !== undefined;
    return data.choices[table][field]?.includes(value) ?? (value !== "" || data.mayBeEmpty.includes(field));
  }

  /** Take a saved review in place of what is there, as one step of undo; returns what to tell the reviewer. */
  fromCsv(text) {
    const [header, ...lines] = parseCsv(text.replace(/^\ufeff/, ""));
    if (header?.join() !== HEADER.join()) return `This is no review: expected the columns ${HEADER.join(", ")}.`;
    const digest = lines.find(([table, , field]) => table === "draft" && field === "digest")?.[3];
    const said = lines.filter(([table]) => table !== "draft");
    const fitting = said.filter((line) => this.fits(line));
    const cleared = [...this.changes].flatMap(([key, fields]) =>
      Object.keys(fields).map((field) => [this.byKey.get(key), field, undefined]),
    );
    this.set([
      ...cleared,
      ...fitting.map(([table, id, field, value]) => [this.byKey.get(`${table} ${id}`), field, value]),
    ]);
    const other =
      digest === data.digest ? "" : " It was of another draft: look whether what was taken over still holds.";
    return `${fitting.length} of ${said.length} changes taken from the review.${other}`;
  }
}
