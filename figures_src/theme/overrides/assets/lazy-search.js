// The theme asks for the search index whenever a page is opened. It can wait until somebody goes to search.
// (Should the theme ask in another way one day, the index comes at once again, and nothing breaks.)
"use strict";

{
  const { open, send } = XMLHttpRequest.prototype;

  XMLHttpRequest.prototype.open = function (method, url, ...rest) {
    this.isIndex = String(url).endsWith("search/search_index.json");
    open.call(this, method, url, ...rest);
  };

  XMLHttpRequest.prototype.send = function (...body) {
    if (!this.isIndex) return send.apply(this, body);
    const searched = ({ target }) => {
      if (!target.matches(".md-search__input")) return;
      removeEventListener("focusin", searched);
      send.apply(this, body);
    };
    addEventListener("focusin", searched);
  };
}
