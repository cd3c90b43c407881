// What one page says of itself, as data: each page is visited once, and many tests hold it to account.
async () => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const told = (link) => ({ href: link.href, lang: link.lang, hreflang: link.hreflang, name: link.ariaLabel, current: link.ariaCurrent });

  // Go to the last section, as a reader would from the table of contents.
  const anchor = all(".md-content :is(h1, h2)[id]").at(-1).id;
  await new Promise((arrived) => {
    addEventListener("hashchange", arrived, { once: true });
    location.hash = anchor;
  });

  // Figures come when a reader comes near, and the font of mathematics late: ask for what is seen, and wait for it. What
  // fails is noted by the browser.
  const seen = all("img").filter((image) => image.checkVisibility());
  seen.forEach((image) => (image.loading = "eager"));
  await Promise.allSettled(seen.map((image) => image.decode()));
  await document.fonts.ready;

  return {
    anchor,
    summary: document.querySelector(".kv-summary").innerText,
    languages: all(".kv-languages a").map(told),
    twin: all(".kv-twin a").map(told),
    footer: all(".md-footer a").map(told),
    ids: all("[id]").map((element) => element.id),
    // Not those in a fold that is shut.
    figures: all(".kv-figure:not(details:not([open]) *)").map((figure) =>
      [...figure.querySelectorAll("img")].filter((image) => image.checkVisibility()).map((image) => new URL(image.src).hash)
    ),
    origins: all("data.kv").map((number) => [number.dataset.from, number.tabIndex]),
  };
}
