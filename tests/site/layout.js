// What of one page sticks out of the window, what in it scrolls sideways, and how wide its drawings are.
() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const scrolls = (element) => getComputedStyle(element).overflowX !== "visible";
  // The root hides what sticks out of it, so it cannot be asked; what lies in a scrolled box may be as wide as it likes.
  const boxed = (element) => element !== document.body && (scrolls(element) || boxed(element.parentElement));
  return {
    sticksOut: all(".md-header *, .md-content *, .md-footer *")
      .filter((element) => element.checkVisibility() && element.getBoundingClientRect().right > innerWidth + 1)
      .filter((element) => !boxed(element.parentElement))
      .map((element) => element.outerHTML.slice(0, 120)),
    scrolling: all(".md-typeset__scrollwrap, .kv-math, .md-typeset pre > code")
      .filter((element) => element.scrollWidth > element.clientWidth)
      .map((element) => ({ tag: element.tagName, tab: element.tabIndex, role: element.role, name: element.ariaLabel })),
    drawings: all("figure.kv-figure img")
      .filter((image) => image.checkVisibility())
      .map((image) => [new URL(image.src).pathname, image.clientWidth]),
  };
}
