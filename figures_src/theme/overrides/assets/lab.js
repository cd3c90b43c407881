// The fields of a lab: checked, kept, written out. What is right, and what mistakes give, comes with the page; how a
// figure is read and judged is kvlab/units/quantity.py, and a test holds both to one.
"use strict";

const lab = {
  says: document.getElementById("kv-lab").dataset,
  file: location.pathname.split("/").pop().replace(/\.html$/, ""), // in both languages
  fields: [...document.querySelectorAll(".kv-field")].map((place) => ({
    place,
    ...place.dataset,
    entry: place.querySelector("[name]"),
    tick: place.querySelector("[type=checkbox]"),
    told: place.querySelector("output"),
  })),
};

// ---- A figure: how it is read.

function readFigure(written, counted) {
  const form = /^\s*[≈~]?\s*([.,]?[0-9](?:[0-9.,'’_\s]*[0-9])?)\s*([A-Za-z]*)\s*$/;
  const found = written.length <= 60 && form.exec(written);
  const readings = found ? readingsOf(found[1]) : [];
  if (!readings.length) return { fault: "unreadable" };
  const unit = found[2].toLowerCase();
  if (counted) return /^(tokens?)?$/.test(unit) ? { readings, base: 1n, power: 0n } : { fault: "plain" };
  const known = /^(?:b|bytes?|([kmgt])(i?)(b?))?$/.exec(unit);
  if (!known) return { fault: "unit" };
  const [, letter, binary, byte] = known;
  if (letter && !binary && !byte) return { fault: "two_units" };
  return { readings, base: binary ? 1024n : 1000n, power: BigInt(letter ? " kmgt".indexOf(letter) : 0) };
}

// A mark before three digits may be the decimal one or separate groups: two readings.
function readingsOf(number) {
  const decimal = /^([0-9]*)(?:[.,]([0-9]+))?$/.exec(number);
  const grouped = /^([1-9][0-9]{0,2}([.,'’_\s])[0-9]{3}(?:\2[0-9]{3})*)(?:(?!\2)[.,]([0-9]+))?$/.exec(number);
  const parts = [decimal?.slice(1), grouped && [grouped[1].replace(/[^0-9]/g, ""), grouped[3]]];
  return parts.filter((part) => part).map(([whole, fraction = ""]) => ({
    mantissa: BigInt(whole + fraction),
    decimals: BigInt(fraction.length),
    digits: (whole + fraction).replace(/^0+/, "").length,
  })).filter((one) => one.mantissa);
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
  const zeros = isPlain && !one.decimals ? /0*$/.exec(String(one.mantissa))[0].length : 0;
  const last = 10n ** BigInt(zeros);
  const fits = (scale, value) => {
    const apart = value * tens - one.mantissa * scale;
    return 2n * (apart < 0n ? -apart : apart) <= last * scale;
  };
  const isExact = one.mantissa * scale === expected * tens;
  const mistakes = Object.keys(mistaken).filter((name) => fits(scale, mistaken[name]));
  if (exchanged(figure, expected).some(([up, down]) => fits(scale * up, expected * down))) mistakes.push("units");
  if (isExact || !fits(scale, expected)) return { kind: isExact ? "right" : "wrong", mistakes };
  return { kind: isPlain ? "inexact" : one.digits < 3 ? "few" : "right", mistakes };
}

function exchanged({ base, power }, expected) {
  const isPlain = !power;
  while (isPlain && power < 4n && 1024n ** (power + 1n) <= expected) power++;
  const [kibis, thousands] = [1024n ** power, 1000n ** power];
  if (base === 1n || !power) return [];
  const pairs = [[kibis, thousands], [thousands, kibis]];
  return isPlain ? pairs : [pairs[base === 1000n ? 0 : 1]];
}

// ---- What the reader is told.

function verdictOf({ entry, expected, mistaken, counted, beyond, tick }) {
  if (!entry.value.trim()) return {};
  const figure = readFigure(entry.value, counted);
  if (figure.fault) return { state: "wrong", says: lab.says[figure.fault] };
  const gives = JSON.parse(mistaken, (name, value) => (name ? BigInt(value) : value));
  const { kind, mistakes } = judge(figure, BigInt(expected), gives);
  if (kind === "right" && tick && tick.checked !== (beyond === "yes")) {
    return { state: "nearly", says: tick.checked ? lab.says.unmark_it : lab.says.mark_it };
  }
  const causes = mistakes.map((name) => lab.says[`mistake_${name}`]).join(lab.says.or);
  const head = kind === "inexact" && counted ? "uncounted" : kind === "wrong" && !causes ? "unexplained" : kind;
  const state = /right|wrong/.test(kind) ? kind : "nearly";
  return { state, says: lab.says[head] + (causes && `${lab.says[state === "wrong" ? "if" : "also"]}${causes}.`) };
}

function check(field) {
  if (!field.told) return;
  const { state = "", says = "" } = verdictOf(field);
  field.place.dataset.state = state;
  field.told.textContent = says;
}

function count() {
  const numbers = { right: 0, asked: 0, written: 0, texts: 0 };
  for (const { place, told, entry } of lab.fields) {
    numbers[told ? "asked" : "texts"]++;
    if (told ? place.dataset.state === "right" : entry.value.trim()) numbers[told ? "right" : "written"]++;
  }
  const said = lab.says.progress.replace(/{(\w+)}/g, (_, name) => numbers[name]);
  document.querySelector(".kv-work output").textContent = said + (lab.isKept ? "" : ` ${lab.says.not_kept}`);
}

// ---- What is kept. Storage throws where it is forbidden.

function keep() {
  const all = lab.fields.map(({ name, entry, tick }) => [name, [entry.value, tick?.checked ?? false]]);
  const begun = all.filter(([, [text, isMarked]]) => text || isMarked);
  try {
    localStorage.setItem(`kvlab.lab.${lab.file}`, JSON.stringify(Object.fromEntries(begun)));
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
    const [text, isMarked] = found[field.name] ?? ["", false];
    field.entry.value = text;
    if (field.tick) field.tick.checked = isMarked;
    check(field);
  }
  keep();
  count();
}

// ---- What is saved: headings and answers.

function markdown() {
  const titleOf = (heading) => heading.firstChild.textContent.trim();
  const lines = [`# ${titleOf(document.querySelector(".md-content h1"))}`];
  let heading; // written once something stands below it
  for (const part of document.querySelectorAll(".md-content h2, .kv-field")) {
    if (part.matches("h2")) heading = part;
    else {
      if (heading) lines.push("", `## ${titleOf(heading)}`, "");
      heading = null;
      lines.push(...answerLines(lab.fields.find(({ place }) => place === part)));
    }
  }
  return `${lines.join("\n").replace(/\n{3,}/g, "\n\n").trim()}\n`;
}

function answerLines({ entry, tick, told }) {
  const written = entry.value.trim() || "…";
  if (!told) return ["", `**${entry.labels[0].textContent}**`, "", written, ""];
  const mark = tick?.checked ? ` (${lab.says.hypothetical})` : "";
  return [`- ${entry.ariaLabel}: **${written}**${mark} ${told.textContent}`.trim()];
}

function save() {
  const href = URL.createObjectURL(new Blob([markdown()], { type: "text/markdown" }));
  Object.assign(document.createElement("a"), { href, download: `${lab.file}.md` }).click();
  setTimeout(() => URL.revokeObjectURL(href), 1000);
}

for (const field of lab.fields) {
  field.place.addEventListener("change", () => (check(field), keep(), count()));
  field.place.addEventListener("input", () => {
    field.place.dataset.state = "";
    keep();
  });
}
document.querySelector(".kv-work").hidden = false;
document.querySelector("[data-does=save]").addEventListener("click", save);
document.querySelector("[data-does=clear]").addEventListener("click", () => confirm(lab.says.sure) && fillIn({}));
fillIn(kept());
