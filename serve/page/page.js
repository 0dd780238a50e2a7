// The page: sends an article to /label, shows it as it was written with its labels, and lets one look closer.
import { WORDS } from "/page/words.js";

const $ = (id) => document.getElementById(id);
let language = localStorage.getItem("language") || (navigator.language.startsWith("en") ? "en" : "id");
let book = null; // the codebook
let shown = null; // {text, html, records, model, seconds}
let filter = ""; // "", "review", a topic's id, or claim/side
let chosen = -1; // index of the record that is looked at

const word = (name) => WORDS[language][name];
const stanceId = (entry) => `${entry.claim}/${entry.stance}`;
const sure = (entry) => entry.decision === "yes";
const entries = (record) => [...record.topics, ...record.stances];
const inReview = (record) => entries(record).some((entry) => entry.decision === "review");
const matches = (record) => !filter || (filter === "review" ? inReview(record) : entries(record).some((entry) => (entry.id || stanceId(entry)) === filter));

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) name in node && name !== "role" ? (node[name] = value) : node.setAttribute(name, value);
  node.append(...children);
  return node;
}

const topicName = (id) => book?.topics.find((topic) => topic.id === id)?.name[language] || id;
function colour(id) {
  const place = book ? book.topics.findIndex((topic) => topic.id === id) : 0;
  return `hsl(${Math.round((place * 360) / Math.max(1, book?.topics.length || 1))} 62% 48%)`;
}

async function call(path, content) {
  const ask = () => fetch(path, {
    method: content ? "POST" : "GET", body: content && JSON.stringify(content),
    headers: { "content-type": "application/json", ...(sessionStorage.getItem("key") ? { "x-api-key": sessionStorage.getItem("key") } : {}) },
  });
  let answer = await ask();
  if (answer.status === 401) {
    const key = prompt(word("key"));
    if (key) { sessionStorage.setItem("key", key); answer = await ask(); }
  }
  const body = await answer.json();
  if (!answer.ok) throw new Error(Array.isArray(body.detail) ? body.detail.map((wrong) => `${wrong.loc.slice(1).join(".")}: ${wrong.msg}`).join("; ") : body.detail);
  return body;
}

function speak() {
  document.documentElement.lang = language;
  for (const node of document.querySelectorAll("[data-word]")) node.textContent = word(node.dataset.word);
  for (const node of document.querySelectorAll("[data-word-label]")) node.setAttribute("aria-label", word(node.dataset.wordLabel));
  for (const node of document.querySelectorAll(".language")) node.setAttribute("aria-pressed", node.dataset.language === language);
  if (shown) draw();
}

function say(text, wrong = false) {
  $("status").textContent = text;
  $("status").classList.toggle("wrong", wrong);
}

async function label(text, html = false) {
  if (!text.trim()) return say(word("empty"), true);
  say(word("working"));
  const began = performance.now();
  try {
    book ||= await call("/codebook");
    const answer = await call("/label", { text, html });
    shown = { text, html, records: answer.records, model: answer.model, seconds: (performance.now() - began) / 1000 };
    filter = ""; chosen = -1;
    draw();
    $("result").hidden = false;
    $("result").scrollIntoView({ behavior: "smooth" });
  } catch (error) {
    say(word("failed") + error.message, true);
  }
}

function draw() {
  const review = shown.records.filter(inReview).length;
  say(word("sentences")(shown.records.length, shown.seconds.toFixed(1), review));
  $("made").textContent = word("made") + Object.values(shown.model).filter(Boolean).join(", ");
  drawSummary();
  drawArticle();
  drawDetail();
}

function drawSummary() {
  const topics = new Map(), stances = new Map();
  for (const record of shown.records) {
    for (const entry of record.topics.filter(sure)) topics.set(entry.id, (topics.get(entry.id) || 0) + 1);
    for (const entry of record.stances.filter(sure)) {
      const kept = stances.get(stanceId(entry)) || { tag: entry.tag, stance: entry.stance, count: 0 };
      kept.count += 1;
      stances.set(stanceId(entry), kept);
    }
  }
  const most = Math.max(1, ...topics.values(), ...[...stances.values()].map((entry) => entry.count));
  const line = (id, name, count, paint) => {
    const bar = make("i");
    bar.style.width = `${(100 * count) / most}%`;
    if (paint) bar.style.background = paint;
    const button = make("button", { type: "button" }, make("span", {}, name), make("span", {}, String(count)), bar);
    button.dataset.filter = id;
    button.setAttribute("aria-pressed", filter === id);
    return make("li", {}, button);
  };
  const order = (a, b) => b[1] - a[1];
  $("topics").replaceChildren(...[...topics].sort(order).map(([id, count]) => line(id, topicName(id), count, colour(id))));
  const claims = [...stances].sort((a, b) => b[1].count - a[1].count);
  $("stances").replaceChildren(...claims.map(([id, entry]) => line(id, entry.tag, entry.count, `var(--${entry.stance === "support" ? "for" : "against"})`)));
  for (const list of ["topics", "stances"]) if (!$(list).children.length) $(list).append(make("li", { className: "quiet" }, word("none")));
  for (const node of $("filters").children) node.setAttribute("aria-pressed", node.dataset.filter === filter);
}

// The article as pieces: sentences, and what stands between them. Offsets count code points, JavaScript's strings do not.
function pieces() {
  if (shown.html || shown.records.some((record) => record.start === null)) return shown.records.map((record, i) => [{ text: record.text, record: i }]);
  const letters = Array.from(shown.text);
  const paragraphs = [[]];
  let here = 0;
  const between = (text) => text.split(/(\n\s*\n|\n)/).forEach((part) => {
    if (/^\n/.test(part)) { if (paragraphs.at(-1).length) paragraphs.push([]); } else if (part) paragraphs.at(-1).push({ text: part });
  });
  shown.records.forEach((record, i) => {
    between(letters.slice(here, record.start).join(""));
    paragraphs.at(-1).push({ text: letters.slice(record.start, record.end).join(""), record: i });
    here = record.end;
  });
  between(letters.slice(here).join(""));
  return paragraphs.filter((paragraph) => paragraph.some((piece) => piece.text.trim()));
}

function drawArticle() {
  const all = document.createDocumentFragment();
  for (const paragraph of pieces()) {
    const body = make("p"), tags = make("div", { className: "tags" });
    for (const piece of paragraph) {
      if (piece.record === undefined) { body.append(make("span", { className: "quiet" }, piece.text)); continue; }
      const record = shown.records[piece.record], off = matches(record) ? "" : " aside";
      const given = [...record.topics].sort((a, b) => b.probability - a.probability), first = given.find(sure) || given[0];
      const node = make("span", { className: `sentence${off}${first && !sure(first) ? " review" : ""}`, tabIndex: 0, role: "button" }, piece.text);
      node.dataset.record = piece.record;
      if (first) node.style.borderBottomColor = colour(first.id);
      if (piece.record === chosen) node.classList.add("chosen");
      node.setAttribute("aria-describedby", "detail");
      body.append(node);
      for (const entry of record.stances) {
        const mark = entry.stance === "support" ? "+ " : "− ";
        const tag = make("button", { type: "button", className: `tag ${entry.stance} ${entry.decision}${off}` }, mark + entry.tag + (sure(entry) ? "" : "?"));
        tag.dataset.record = piece.record;
        tags.append(tag);
      }
    }
    all.append(make("div", { className: "paragraph" }, body, tags));
  }
  $("article").replaceChildren(all);
}

function drawDetail() {
  if (chosen < 0) return $("detail").replaceChildren(make("p", { className: "quiet" }, word("choose")));
  const record = shown.records[chosen];
  const rows = [...record.topics.map((entry) => [entry.id, topicName(entry.id), entry, colour(entry.id)]),
    ...record.stances.map((entry) => [stanceId(entry), entry.tag, entry, `var(--${entry.stance === "support" ? "for" : "against"})`])];
  rows.sort((a, b) => b[2].probability - a[2].probability);
  const nodes = rows.map(([id, name, entry, paint]) => {
    const bar = make("i");
    bar.style.width = `${100 * entry.probability}%`;
    bar.style.background = paint;
    const row = make("button", { type: "button", className: `row ${entry.decision}` }, make("span", {}, name),
      make("span", {}, `${entry.probability.toFixed(2)} ${word(sure(entry) ? "yes" : "maybe")}`), bar);
    row.dataset.explain = id;
    return row;
  });
  $("detail").replaceChildren(make("blockquote", {}, record.text), ...(nodes.length ? [...nodes, make("p", { className: "quiet" }, word("explain"))] : [make("p", {}, word("none"))]));
}

function choose(record) {
  if (record === chosen) return;
  chosen = record;
  for (const node of document.querySelectorAll(".sentence")) {
    const here = Number(node.dataset.record) === record;
    node.classList.toggle("chosen", here);
    if (node.querySelector("mark")) node.replaceChildren(node.textContent);
  }
  drawDetail();
}

async function explain(id) {
  const record = shown.records[chosen], node = document.querySelector(`.sentence[data-record="${chosen}"]`);
  const found = await call("/explain", { sentence: record.text, label: id }).catch((error) => say(word("failed") + error.message, true));
  if (!found || shown.records[chosen] !== record) return;
  const letters = Array.from(record.text), parts = [];
  let here = 0;
  for (const piece of found.words.filter((piece) => Math.abs(piece.weight) > 0.25)) {
    parts.push(letters.slice(here, piece.start).join(""));
    parts.push(make("mark", { className: piece.weight > 0 ? "" : "against", title: piece.weight.toFixed(2) }, letters.slice(piece.start, piece.end).join("")));
    here = piece.end;
  }
  parts.push(letters.slice(here).join(""));
  node.replaceChildren(...parts);
}

async function openCodebook() {
  book ||= await call("/codebook");
  const list = make("dl");
  for (const topic of book.topics) list.append(make("dt", {}, topic.name[language] || topic.id), make("dd", {}, topic.definition));
  list.append(make("h2", {}, word("stances")));
  for (const claim of book.claims) {
    list.append(make("dt", {}, claim.statement[language] || Object.values(claim.statement)[0]));
    for (const side of ["support", "oppose"]) list.append(make("dd", {}, make("span", { className: `tag ${side}` }, claim[side].tag), ` ${word(side)}: ${claim[side].note}`));
  }
  $("codebook-content").replaceChildren(list);
  $("codebook").showModal();
}

function download(name, type, content) {
  const link = make("a", { href: URL.createObjectURL(new Blob([content], { type })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function asCsv() {
  const cell = (value) => `"${String(value ?? "").replaceAll('"', '""')}"`;
  const names = (list, decision, name) => list.filter((entry) => entry.decision === decision).map(name).join("; ");
  const columns = ["id", "index", "start", "end", "text", "lang", "topics", "topics_review", "stances", "stances_review"];
  const rows = shown.records.map((r) => [r.id, r.index, r.start, r.end, r.text, r.lang, names(r.topics, "yes", (e) => e.id), names(r.topics, "review", (e) => e.id), names(r.stances, "yes", (e) => e.tag), names(r.stances, "review", (e) => e.tag)]);
  return [columns, ...rows].map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
}

async function take(file) {
  const bytes = await file.arrayBuffer();
  let text = new TextDecoder("utf-8").decode(bytes);
  if (text.includes("\ufffd")) text = new TextDecoder("windows-1252").decode(bytes);
  const html = /\.html?$/i.test(file.name) || file.type === "text/html";
  if (!html) $("text").value = text;
  label(text, html);
}

$("ask").addEventListener("submit", (event) => { event.preventDefault(); label($("text").value); });
$("text").addEventListener("keydown", (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) label($("text").value); });
$("file").addEventListener("change", (event) => { if (event.target.files[0]) take(event.target.files[0]); event.target.value = ""; });
$("example").addEventListener("click", () => { $("text").value = word("sample"); label(word("sample")); });
$("again").addEventListener("click", () => { $("text").value = ""; $("text").focus(); scrollTo({ top: 0, behavior: "smooth" }); });
for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    $("text").classList.toggle("over", kind === "dragover");
    if (kind === "drop" && event.dataTransfer.files[0]) take(event.dataTransfer.files[0]);
  });
}
for (const kind of ["click", "mouseover", "focusin"]) {
  $("article").addEventListener(kind, (event) => {
    const node = event.target.closest("[data-record]");
    if (node) choose(Number(node.dataset.record));
  });
}
$("article").addEventListener("keydown", (event) => {
  if (!["ArrowDown", "ArrowUp"].includes(event.key) || !event.target.closest(".sentence")) return;
  const all = [...document.querySelectorAll(".sentence:not(.aside)")], next = all[all.indexOf(event.target.closest(".sentence")) + (event.key === "ArrowDown" ? 1 : -1)];
  if (next) { event.preventDefault(); next.focus(); }
});
$("detail").addEventListener("click", (event) => { const row = event.target.closest("[data-explain]"); if (row) explain(row.dataset.explain); });
for (const part of ["summary", "filters"]) {
  $(part).addEventListener("click", (event) => {
    const button = event.target.closest("[data-filter]");
    if (!button) return;
    filter = button.dataset.filter === filter ? "" : button.dataset.filter;
    drawSummary();
    drawArticle();
  });
}
$("csv").addEventListener("click", () => download("sikap.csv", "text/csv", asCsv()));
$("jsonl").addEventListener("click", () => download("sikap.jsonl", "application/x-ndjson", shown.records.map((record) => JSON.stringify(record)).join("\n") + "\n"));
$("open-codebook").addEventListener("click", openCodebook);
for (const node of document.querySelectorAll(".language")) {
  node.addEventListener("click", () => { language = node.dataset.language; localStorage.setItem("language", language); speak(); });
}
speak();
