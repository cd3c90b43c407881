// What one page says of itself, as data: each page is read once, and many tests hold it to account.
async () => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const told = (link) => ({ href: link.href, lang: link.lang, hreflang: link.hreflang, name: link.ariaLabel, current: link.ariaCurrent });

  // Go to the last section, as a reader would from the table of contents.
  const anchor = all(".md-content :is(h1, h2)[id]").at(-1).id;
  await new Promise((arrived) => {
    addEventListener("hashchange", arrived, { once: true });
    location.hash = anchor;
  });

  // Figures come lazily and the font of mathematics late: wait for what is seen. What fails is noted by the browser.
  await Promise.allSettled(all("img").filter((image) => image.checkVisibility()).map((image) => image.decode()));
  await document.fonts.ready;

  return {
    anchor,
    lang: document.documentElement.lang,
    alternates: all("link[rel~=alternate]").map(told),
    languages: all(".kv-languages a").map(told),
    twin: all(".kv-twin a").map(told),
    footer: all(".md-footer a").map(told),
    ids: all("[id]").map((element) => element.id),
    links: [...document.links].map((link) => link.href),
    // Not those in a fold that is shut.
    figures: all(".kv-figure:not(details:not([open]) *)").map((figure) =>
      [...figure.querySelectorAll("img")].filter((image) => image.checkVisibility()).map((image) => new URL(image.src).hash)
    ),
    origins: all("data.kv").map((number) => [number.dataset.from, number.tabIndex]),
  };
}
