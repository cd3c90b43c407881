// Binds the pages of one language into one document, in the order given. It runs in an empty page on the site's origin.
async function bind(book) {
  const texts = await Promise.all(book.chapters.map(async ({ file }) => (await fetch(file)).text()));
  const chapters = book.chapters.map((chapter, index) => read(chapter, index, texts[index])); // always in one order
  Object.assign(document.documentElement, { lang: book.language, dir: "ltr" });
  document.title = book.title;
  document.head.append(...stylesheets(chapters), element("style", {}, chapters.map(pageStyle).join("\n")));
  document.body.dataset.mdColorScheme = "default";
  const all = element("main", { class: "md-content" });
  all.append(titlePage(book), contents(book, chapters), ...chapters.map((chapter) => bound(chapter, chapters)));
  document.body.replaceChildren(all);
  await ready();
}

// A chapter: its place in the book, its address, its name in the document, its title and its text.
function read({ file, part }, index, text) {
  const page = new DOMParser().parseFromString(text, "text/html");
  const article = page.querySelector(".md-content__inner");
  article.querySelectorAll(".headerlink, .kv-twin, .kv-csv, img[src$='#only-dark'], template, script").forEach((e) => e.remove());
  article.querySelectorAll("h1, h2, h3, h4").forEach(tidy);
  const name = file.replace(/\.html$/, "").replace(/[^A-Za-z0-9]+/g, "-");
  const title = article.querySelector("h1").cloneNode(true);
  return { index, part, name, page, article, title, url: new URL(file, location.href) };
}

// A heading without the line breaks and indents of its source, since book.css keeps the spaces that are in headings.
function tidy(heading) {
  const texts = document.createTreeWalker(heading, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) texts.currentNode.data = texts.currentNode.data.replace(/[ \n]+/g, " ");
  if (heading.firstChild.data) heading.firstChild.data = heading.firstChild.data.trimStart();
  if (heading.lastChild.data) heading.lastChild.data = heading.lastChild.data.trimEnd();
}

function bound(chapter, chapters) {
  const { article, name, url } = chapter;
  article.querySelectorAll("[id]").forEach((e) => (e.id = placed(name, e.id)));
  for (const attribute of ["aria-labelledby", "aria-describedby", "for"])
    for (const e of article.querySelectorAll(`[${attribute}]`)) e.setAttribute(attribute, placed(name, e.getAttribute(attribute)));
  for (const image of article.querySelectorAll("img[src]")) {
    image.src = new URL(image.getAttribute("src"), url);
    image.removeAttribute("loading");
  }
  article.querySelectorAll("details").forEach((fold) => (fold.open = true));
  article.querySelectorAll("a[href]").forEach((link) => turn(link, url, chapters));
  article.id = name;
  article.style.page = pageName(chapter);
  return article;
}

// A link to a place in the book leads there within the document, and says on which page; one to another file leads nowhere.
function turn(link, from, chapters) {
  const to = new URL(link.getAttribute("href"), from);
  if (to.origin !== location.origin) return;
  const chapter = chapters.find((one) => one.url.pathname === to.pathname);
  if (!chapter) return link.removeAttribute("href");
  const place = to.hash ? placed(chapter.name, to.hash.slice(1)) : chapter.name;
  link.setAttribute("href", `#${place}`);
  if (to.pathname !== from.pathname) link.dataset.page = place;
}

function titlePage({ title, description, note, edition }) {
  const page = element("header", { class: "md-typeset pdf-title" });
  page.append(...[title, description, edition, note].map((text) => element("p", {}, text)));
  return page;
}

function contents(book, chapters) {
  const list = element("nav", { class: "md-content__inner md-typeset pdf-contents" });
  list.append(element("h1", {}, book.contents));
  for (const { index, part, name, title } of chapters) {
    if (part && part !== chapters[index - 1]?.part) list.append(element("p", { class: "pdf-part" }, part));
    const line = element("a", { href: `#${name}`, "data-page": name });
    line.append(...title.cloneNode(true).childNodes);
    list.append(line);
  }
  return list;
}

// The page numbers that were found in what was printed before.
function number(pages) {
  for (const link of document.querySelectorAll("[data-page]")) link.dataset.number = pages[link.dataset.page] ?? "000";
}

// Each chapter's pages have its title at their head.
function pageStyle(chapter) {
  const head = JSON.stringify(chapter.title.textContent.trim());
  return `@page ${pageName(chapter)} { @top-left { content: ${head} } @top-right { content: ${JSON.stringify(chapter.part)} } }`;
}

const pageName = ({ index }) => `chapter-${index}`;
const placed = (name, id) => `${name}--${id}`;

// Each sheet once, those of the first chapter first: a chapter may have one of its own.
function stylesheets(chapters) {
  const hrefs = chapters.flatMap(({ page, url }) =>
    [...page.querySelectorAll("link[rel=stylesheet]")].map((link) => new URL(link.getAttribute("href"), url).href)
  );
  return [...new Set(hrefs)].map((href) => element("link", { rel: "stylesheet", href }));
}

function element(tag, attributes, text = "") {
  const made = document.createElement(tag);
  Object.entries(attributes).forEach(([name, value]) => made.setAttribute(name, value));
  made.textContent = text;
  return made;
}

// Everything that is printed is there: style sheets, the font of mathematics, figures. What is missing is an error.
async function ready() {
  const loaded = (link) => link.sheet ?? new Promise((done, failed) => Object.assign(link, { onload: done, onerror: failed }));
  await Promise.all([...document.querySelectorAll("link[rel=stylesheet]")].map(loaded));
  await document.fonts.load('1em "STIX Two Math"', "x");
  await Promise.all([...document.images].map((image) => image.decode()));
}
