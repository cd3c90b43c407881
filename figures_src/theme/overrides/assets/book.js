// Conveniences. Without script the pages keep their text, their language links, and each number's origin under the pointer.
"use strict";

const words = document.getElementById("kv-words"); // written by main.html, in the page's language

// A reader who changes the language stays at the place he reads.
function keepAnchorInLanguageLinks() {
  const carry = () => document.querySelectorAll(".kv-languages a").forEach((link) => (link.hash = location.hash));
  carry();
  addEventListener("hashchange", carry);
}

// The button that writes each number's origin beside it; the choice is remembered where the browser allows it.
function offerOrigins() {
  const button = document.querySelector(".kv-origins");
  if (!button) return;
  const show = (shown) => {
    document.documentElement.classList.toggle("kv-show-origins", shown);
    button.setAttribute("aria-pressed", shown);
  };
  show(recall("kvlab.origins") === "shown");
  button.addEventListener("click", () => {
    const shown = button.getAttribute("aria-pressed") !== "true";
    show(shown);
    remember("kvlab.origins", shown ? "shown" : "hidden");
    reachWideParts(); // origins make tables wider
  });
}

// What opens the drawer is a label, where the keyboard cannot stand; a button in its place does the same.
function openDrawerByButton() {
  const drawer = document.getElementById("__drawer");
  const label = document.querySelector(".md-header__button[for='__drawer']");
  const button = document.createElement("button");
  button.className = `${label.className} kv-menu`;
  button.innerHTML = label.innerHTML;
  button.ariaLabel = label.dataset.name;
  const tell = () => (button.ariaExpanded = drawer.checked);
  button.addEventListener("click", () => drawer.click());
  drawer.addEventListener("change", tell);
  tell();
  label.replaceWith(button);
}

// What is wider than the page can be reached, and so scrolled, by keyboard. (The theme's script does it for code.)
function reachWideParts() {
  for (const part of document.querySelectorAll(".md-typeset__scrollwrap, .kv-math")) {
    if (part.scrollWidth > part.clientWidth) part.setAttribute("tabindex", "0");
    else part.removeAttribute("tabindex");
  }
}

// A table's wrapper tells by its caption what is reached. (A group, for a region would be a landmark of the page.)
function nameTables() {
  for (const wrap of document.querySelectorAll(".md-typeset__scrollwrap")) {
    wrap.setAttribute("role", "group");
    const caption = wrap.closest(".kv-table")?.querySelector(".kv-caption");
    wrap.setAttribute("aria-label", caption?.textContent.trim() || words.dataset.table);
  }
}

// The theme wraps each copy button in a <nav>, which makes a landmark without a name of every piece of code.
function unmarkCopyButtons() {
  document.querySelectorAll(".md-code__nav").forEach((nav) => nav.setAttribute("role", "none"));
}

// Storage throws where the reader has forbidden it; the page works without.
function recall(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function remember(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Forgotten with the page, then.
  }
}

keepAnchorInLanguageLinks();
offerOrigins();
openDrawerByButton();
addEventListener("load", unmarkCopyButtons); // by then the theme's script has put its buttons and wrappers into the page
addEventListener("load", nameTables);
addEventListener("load", reachWideParts);
addEventListener("resize", reachWideParts);
