// The fields of a lab: checked, kept in this browser, written out as Markdown. What is right, and what usual mistakes
// give, stands in the page; how a figure is read and judged is kvlab/written.py, and tests hold the two to each other.
"use strict";

const lab = {
  says: document.getElementById("kv-lab").dataset,
  file: location.pathname.split("/").pop().replace(/\.html$/, "") || "lab",
  fields: [...document.querySelectorAll(".kv-field")],
};

// ---- A figure: how it is read.

function readFigure(written, counted) {
  const form = /^\s*[≈~]?\s*([.,]?[0-9](?:[0-9.,'’_\s]*[0-9])?)\s*([A-Za-z]*)\s*$/;
  const found = written.length <= 60 && form.exec(written);
  const readings = found ? readingsOf(found[1]) : [];
  if (!readings.length) return { fault: "unreadable" };
  const unit = found[2].toLowerCase();
  if (counted) return /^(tokens?)?$/.test(unit) ? { readings, base: 1n, power: 0n } : { fault: "plain" };
  if (/^(b|bytes?)?$/.test(unit)) return { readings, base: 1000n, power: 0n };
  const prefixed = /^([kmgt])(i?)(b?)$/.exec(unit);
  if (!prefixed) return { fault: "unit" };
  const [, letter, binary, byte] = prefixed;
  if (!binary && !byte) return { fault: "two_units" };
  return { readings, base: binary ? 1024n : 1000n, power: BigInt("kmgt".indexOf(letter) + 1) };
}

// A mark before three digits may be the decimal one, or may separate groups: then there are two readings.
function readingsOf(number) {
  const decimal = /^([0-9]*)(?:[.,]([0-9]+))?$/.exec(number);
  const grouped = /^([1-9][0-9]{0,2}([.,'’_\s])[0-9]{3}(?:\2[0-9]{3})*)(?:(?!\2)[.,]([0-9]+))?$/.exec(number);
  return [decimal && reading(decimal[1], decimal[2]), grouped && reading(grouped[1].replace(/[^0-9]/g, ""), grouped[3])]
    .filter((one) => one && one.mantissa);
}

function reading(whole, fraction = "") {
  const digits = whole + fraction;
  return { mantissa: BigInt(digits), decimals: BigInt(fraction.length), digits: digits.replace(/^0+/, "").length };
}

// ---- A figure: how it is judged, in whole numbers.

function judge(figure, expected, mistaken) {
  const judged = figure.readings.map((one) => judgeReading(one, figure, expected, mistaken));
  const kind = ["right", "few", "inexact", "wrong"].find((kind) => judged.some((one) => one.kind === kind));
  const names = new Set(kind === "right" ? [] : [...Object.keys(mistaken), "units"]);
  return { kind, mistakes: [...names].filter((name) => judged.some((one) => one.mistakes.includes(name))) };
}

function judgeReading(one, figure, expected, mistaken) {
  const [scale, isPlain, tens] = [figure.base ** figure.power, figure.power === 0n, 10n ** one.decimals];
  const zeros = /0*$/.exec(String(one.mantissa))[0].length;
  const last = isPlain && one.decimals === 0n ? 10n ** BigInt(zeros) : 1n;
  const fits = (scale, value) => {
    const apart = value * tens - one.mantissa * scale;
    return 2n * (apart < 0n ? -apart : apart) <= last * scale;
  };
  if (one.mantissa * scale === expected * tens) return { kind: "right", mistakes: [] };
  const mistakes = Object.keys(mistaken).filter((name) => fits(scale, mistaken[name]));
  if (exchanged(figure, expected).some(([up, down]) => fits(scale * up, expected * down))) mistakes.push("units");
  if (!fits(scale, expected)) return { kind: "wrong", mistakes };
  if (isPlain) return { kind: "inexact", mistakes };
  return one.digits >= 3 ? { kind: "right", mistakes: [] } : { kind: "few", mistakes };
}

function exchanged({ base, power }, expected) {
  if (base === 1n) return [];
  if (power) return base === 1000n ? [[1024n ** power, 1000n ** power]] : [[1000n ** power, 1024n ** power]];
  while (power < 4n && 1024n ** (power + 1n) <= expected) power++;
  const both = [1024n ** power, 1000n ** power];
  return power ? [both, both.toReversed()] : [];
}

// ---- What the reader is told.

function verdictOf(field) {
  const { expected, mistaken, counted, beyond } = field.dataset;
  const written = entryOf(field).value;
  if (!written.trim()) return {};
  const figure = readFigure(written, counted);
  if (figure.fault) return { state: "wrong", says: lab.says[figure.fault] };
  const values = JSON.parse(mistaken, (name, value) => (name ? BigInt(value) : value));
  const { kind, mistakes } = judge(figure, BigInt(expected), values);
  const isMarked = beyond && field.querySelector("[type=checkbox]").checked;
  if (kind === "right" && beyond === "yes" && !isMarked) return { state: "nearly", says: lab.says.mark_it };
  if (kind === "right" && beyond === "no" && isMarked) return { state: "nearly", says: lab.says.unmark_it };
  if (kind === "right") return { state: "right", says: lab.says.right };
  const causes = mistakes.map((name) => lab.says[`mistake_${name}`]).join(lab.says.or);
  const head = kind === "inexact" && counted ? "uncounted" : kind === "wrong" && !causes ? "unexplained" : kind;
  return { state: kind === "wrong" ? "wrong" : "nearly", says: lab.says[head] + (causes && lab.says.if + causes + ".") };
}

function check(field) {
  const told = field.querySelector("output");
  if (!told) return;
  const { state = "", says = "" } = verdictOf(field);
  field.dataset.state = state;
  told.textContent = says;
}

function entryOf(field) {
  return field.querySelector("[name]");
}

function count() {
  const asked = lab.fields.filter((field) => field.dataset.expected);
  const right = asked.filter((field) => field.dataset.state === "right").length;
  const texts = lab.fields.filter((field) => !field.dataset.expected);
  const said = lab.says.progress
    .replace("{right}", right).replace("{asked}", asked.length)
    .replace("{written}", texts.filter((field) => entryOf(field).value.trim()).length).replace("{texts}", texts.length);
  document.querySelector(".kv-work output").textContent = said + (lab.isKept ? "" : ` ${lab.says.not_kept}`);
}

// ---- What is kept. Storage throws where the reader has forbidden it; then all goes with the page.

function answers() {
  const every = lab.fields.map((field) => {
    const isMarked = field.querySelector("[type=checkbox]")?.checked ?? false;
    return [field.dataset.name, [entryOf(field).value, isMarked]];
  });
  return Object.fromEntries(every.filter(([, [text, isMarked]]) => text || isMarked));
}

function keep() {
  try {
    localStorage.setItem(`kvlab.lab.${lab.file}`, JSON.stringify(answers()));
    lab.isKept = true;
  } catch {
    lab.isKept = false;
  }
}

function kept() {
  try {
    return JSON.parse(localStorage.getItem(`kvlab.lab.${lab.file}`)) ?? {};
  } catch {
    return {};
  }
}

function fillIn(found) {
  for (const field of lab.fields) {
    const [text, isMarked] = found[field.dataset.name] ?? ["", false];
    entryOf(field).value = text;
    const tick = field.querySelector("[type=checkbox]");
    if (tick) tick.checked = isMarked;
    check(field);
  }
  keep();
  count();
}

// ---- Markdown: the headings, and below each what was answered.

function markdown() {
  const lines = [];
  for (const part of document.querySelectorAll(".md-content :is(h1, h2), .kv-field")) {
    if (part.matches(".kv-field")) lines.push(...answerLines(part));
    else if (part.matches("h1") || part.id) lines.push("", `${part.matches("h1") ? "#" : "##"} ${part.firstChild.textContent.trim()}`, "");
  }
  return `${lines.join("\n").replace(/\n{3,}/g, "\n\n").replace(/(\n## [^\n]*\n)+(?=\n## |\s*$)/g, "").trim()}\n`;
}

function answerLines(field) {
  const entry = entryOf(field);
  const label = entry.ariaLabel ?? entry.labels[0].textContent;
  if (!field.dataset.expected) return ["", `**${label}**`, "", entry.value.trim() || "…", ""];
  const mark = field.querySelector(":checked") ? ` (${lab.says.hypothetical})` : "";
  const told = field.querySelector("output").textContent;
  return [`- ${label}: **${entry.value.trim() || "…"}**${mark}${told && ` – ${told}`}`];
}

function save() {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([markdown()], { type: "text/markdown" }));
  link.download = `${lab.file}.md`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

for (const field of lab.fields) {
  field.addEventListener("change", () => (check(field), keep(), count()));
  field.addEventListener("input", () => {
    field.dataset.state = "";
    keep();
  });
}
document.querySelector(".kv-work").hidden = false;
document.querySelector("[data-does=save]").addEventListener("click", save);
document.querySelector("[data-does=clear]").addEventListener("click", () => confirm(lab.says.sure) && fillIn({}));
fillIn(kept());
