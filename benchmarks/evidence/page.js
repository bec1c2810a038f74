// The page: choices narrow a section's rows, which are drawn as a table and as a plot; a number's link shows raw rows.
import DataTable from "datatables";

const {sections, raw} = JSON.parse(document.getElementById("data").textContent);
const dark = matchMedia("(prefers-color-scheme: dark)");
const ANY = "any";
const MOST_MARKS = 60;
const MOST_LETTERS = 24;
const WIDE = 50; // ratio of the largest value to the least from which a scale of decades is logarithmic
const LAYOUT = {topStart: "search", topEnd: null, bottomStart: ["info", "pageLength"], bottomEnd: "paging"};

function element(tag, text, attributes = {}) {
  const made = Object.assign(document.createElement(tag), attributes);
  made.textContent = text;
  return made;
}

function short(value) {
  const rounded = Number(value.toPrecision(3)), size = Math.abs(rounded);
  return size && (size < 1e-4 || size >= 1e7) ? rounded.toExponential() : String(rounded);
}

// A number is [value, low, high, source, note]; null is one that is not there, text one that JSON cannot hold.
function written(number, column) {
  const one = (value) => {
    if (!Number.isFinite(value)) return {inf: "∞", "-inf": "-∞"}[value] ?? "not finite";
    const text = column.digits === null ? short(value) : value.toFixed(column.digits);
    return column.signed && value > 0 ? `+${text}` : text;
  };
  const [value, low, high, , note] = number;
  const said = low === null ? one(value) : `${one(value)} [${one(low)}, ${one(high)}]`;
  return note ? `${said}, ${note}` : said;
}

// What is absent says so in the plotted column, and sorts behind all that is there.
function shown(cell, kind, section, index) {
  const column = section.columns[index];
  const last = section.lower_is_better ? Infinity : -Infinity;
  if (Array.isArray(cell)) {
    if (kind === "sort" || kind === "type") return {inf: Infinity, "-inf": -Infinity, nan: last}[cell[0]] ?? cell[0];
    const text = written(cell, column);
    return kind === "display" ? element("a", text, {href: `#raw:${cell[3]}`, title: "the raw rows"}) : text;
  }
  if (kind === "sort" && !column.text) return last;
  const text = cell ?? (index === section.plotted ? section.absent : "-");
  return kind === "display" ? element("span", text, {className: cell === null ? "absent" : ""}) : text;
}

function tableOf(place, section) {
  const columns = section.columns.map((column, index) => ({
    data: index,
    type: column.text ? undefined : "num",
    className: column.text ? "" : "number",
    orderSequence: column.text ? ["asc", "desc"] : ["desc", "asc"],
    render: (cell, kind) => shown(cell, kind, section, index),
  }));
  return new DataTable(place, {
    columns, data: [], order: section.in_order ? [] : [[section.plotted, section.lower_is_better ? "asc" : "desc"]],
    deferRender: true, autoWidth: false, pageLength: 25, layout: LAYOUT,
    language: {emptyTable: section.absent, zeroRecords: "nothing found"},
  });
}

// Plotly reads tags in text, so they are written out.
const plain = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

const narrow = matchMedia("(max-width: 600px)");
// The end of a label tells it from its neighbours.
const cut = (text) => (narrow.matches && text.length > MOST_LETTERS ? `${text.slice(0, 8)}…${text.slice(9 - MOST_LETTERS)}` : text);
const lines = (text) => (narrow.matches ? text.replace(/(.{12,}?) /g, "$1<br>") : text);

function layoutOf(title, labels, type) {
  const style = getComputedStyle(document.documentElement);
  const ink = style.getPropertyValue("--ink"), line = style.getPropertyValue("--line");
  return {
    autosize: true, height: 80 + 22 * labels.length, margin: {l: 10, r: 10, t: 10, b: 50}, showlegend: false,
    paper_bgcolor: "transparent", plot_bgcolor: "transparent", font: {color: ink, size: 12},
    xaxis: {type, title: {text: lines(title)}, gridcolor: line, zerolinecolor: line, automargin: true, fixedrange: true},
    yaxis: {type: "category", autorange: "reversed", gridcolor: line, automargin: true, fixedrange: true,
      tickvals: labels.map(plain), ticktext: labels.map((label) => plain(cut(label)))},
  };
}

function draw(place, section, rows) {
  const column = section.plotted;
  const marks = rows.filter((row) => Number.isFinite(row[column]?.[0]));
  if (!marks.length || marks.length > MOST_MARKS) {
    Plotly.purge(place);
    place.replaceChildren();
    return marks.length ? `${marks.length} rows; a plot is drawn for up to ${MOST_MARKS}: choose further.` : "";
  }
  const sign = section.lower_is_better ? 1 : -1;
  if (!section.in_order) marks.sort((a, b) => sign * (a[column][0] - b[column][0]));
  const free = section.choices.map((choice) => choice.column)
    .filter((index) => !section.label.includes(index) && new Set(rows.map((row) => row[index])).size > 1);
  const label = (row) => [...section.label, ...free].map((index) => row[index]).join(", ");
  const values = marks.map((row) => row[column]);
  const sizes = values.map(([value]) => value);
  const far = section.decades && Math.min(...sizes) > 0 && Math.max(...sizes) > WIDE * Math.min(...sizes);
  const spread = {
    type: "data", symmetric: false, thickness: 1.5,
    array: values.map(([value, , high]) => (Number.isFinite(high) ? high - value : 0)),
    arrayminus: values.map(([value, low]) => (Number.isFinite(low) ? value - low : 0)),
  };
  const mark = getComputedStyle(document.documentElement).getPropertyValue("--mark");
  const trace = {
    type: "scatter", mode: "markers", x: sizes, y: marks.map(label).map(plain), error_x: spread,
    marker: {color: mark, size: 8}, text: values.map((value) => written(value, section.columns[column])),
    hovertemplate: "%{y}: %{text}<extra></extra>", customdata: values.map((value) => value[3]),
  };
  const first = !place.classList.contains("js-plotly-plot");
  const layout = layoutOf(section.columns[column].title, [...new Set(marks.map(label))], far ? "log" : "linear");
  Plotly.react(place, [trace], layout, {responsive: true, displayModeBar: false});
  if (first) place.on("plotly_click", ({points}) => { location.hash = `raw:${points[0].customdata}`; });
  return "";
}

// Rows that every choice lets through, but for the one of a column.
function chosen(section, selects, butFor = null) {
  const wanted = selects.filter((select) => select !== butFor && select.value !== ANY)
    .map((select) => [Number(select.dataset.column), select.value]);
  return section.rows.filter((row) => wanted.every(([index, value]) => row[index] === value));
}

// An option that would leave no rows says so beforehand.
function annotate(section, selects) {
  for (const select of selects) {
    const there = new Set(chosen(section, selects, select).map((row) => row[select.dataset.column]));
    for (const option of select.options) {
      const absent = option.value !== ANY && !there.has(option.value);
      option.textContent = absent ? `${option.value} (${section.absent})` : option.value;
    }
  }
}

function build(section) {
  const place = document.getElementById(section.key);
  const table = tableOf(place.querySelector("table"), section);
  const selects = [...place.querySelectorAll("select[data-column]")];
  const update = () => {
    const rows = chosen(section, selects);
    for (const {dataset: {column}} of selects) {
      table.column(Number(column)).visible(new Set(rows.map((row) => row[column])).size > 1, false);
    }
    table.clear().rows.add(rows).draw();
    annotate(section, selects);
    const said = draw(place.querySelector(".plot"), section, rows);
    place.querySelector(".said").textContent = rows.length ? said : `These choices: ${section.absent}.`;
  };
  selects.forEach((select) => select.addEventListener("change", update));
  update();
  return update;
}

// Raw rows.
const rawPlace = document.getElementById("raw");
const rawSelect = rawPlace.querySelector("select");
const rawAll = rawPlace.querySelector("button");
let rawTable;

function showRaw(name, numbers) {
  const file = raw[name];
  rawTable?.destroy(true);
  const head = element("tr", "");
  head.append(...["row", ...file.columns].map((title) => element("th", title)));
  const made = element("table", "", {className: "display compact"});
  made.createTHead().append(head);
  rawPlace.querySelector(".table").replaceChildren(made);
  const chosen = numbers ?? file.rows.map((_, index) => index + 1);
  const columns = ["row", ...file.columns].map((_, index) => ({data: index, render: DataTable.render.text()}));
  rawTable = new DataTable(made, {
    columns, data: chosen.map((number) => [number, ...file.rows[number - 1]]), order: [], deferRender: true, autoWidth: false, layout: LAYOUT,
    createdRow: (row, [number]) => { row.id = `row-${name}-${number}`; },
  });
  const facts = Object.entries(file.facts).flatMap(([key, value]) => [element("dt", key), element("dd", value)]);
  rawPlace.querySelector("dl").replaceChildren(...facts);
  rawPlace.querySelector(".said").textContent =
    `${name}.csv: ${numbers ? `${numbers.length} of ${file.rows.length}` : file.rows.length} rows`;
  rawAll.hidden = !numbers;
  rawSelect.value = name;
}

function follow() {
  const [, name, rows] = decodeURIComponent(location.hash).match(/^#raw:(.+):([\d,]+)$/) ?? [];
  if (!Object.hasOwn(raw, name ?? "")) return;
  showRaw(name, rows.split(",").map(Number));
  rawPlace.scrollIntoView();
}

const updates = sections.map(build);
const shade = () => {
  document.documentElement.classList.toggle("dark", dark.matches);
  updates.forEach((update) => update());
};
document.documentElement.classList.toggle("dark", dark.matches);
dark.addEventListener("change", shade);
if (dark.matches) shade();
if (rawSelect.options.length) showRaw(rawSelect.value);
rawSelect.addEventListener("change", () => showRaw(rawSelect.value));
rawAll.addEventListener("click", () => {
  history.replaceState(null, "", "#raw");
  showRaw(rawSelect.value);
});
addEventListener("hashchange", follow);
follow();
document.body.dataset.ready = "";
