"""Each computed number tells where it comes from: under the pointer, and beside it for who asks."""

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Locator, Page

FORBIDDEN_STORAGE = """Object.defineProperty(window, "localStorage", {
  get() { throw new DOMException("storage is forbidden here", "SecurityError"); }
});"""
SHOWN_BESIDE = """numbers => numbers.map(number =>
  getComputedStyle(number, "::after").content.replaceAll('\\\\"', '"').includes(number.dataset.from))"""
BAR = """number => {
  const style = getComputedStyle(number, "::before");
  return [style.position, ...["left", "width", "bottom"].map(side => parseFloat(style[side]))];
}"""


def written(number: Locator, place: str) -> str:
    """Return what the style sheet writes ::before or ::after a number."""
    content: str = number.evaluate("(number, place) => getComputedStyle(number, place).content", place)
    return content.replace('\\"', '"')


def origin(number: Locator) -> str:
    return number.get_attribute("data-from") or "a number without an origin"


def test_the_pointer_over_a_number_shows_its_formula_and_its_origin(
    page: Page, server: str, numbered: list[str]
) -> None:
    for path in numbered:
        page.goto(f"{server}/{path}")
        for number in page.locator("data.kv:visible").all()[:4]:
            assert written(number, "::before") == "none"
            number.hover()
            assert (number.get_attribute("data-formula") or "") in written(number, "::before")
            assert origin(number) in written(number, "::before")
            page.mouse.move(1, 1)


@pytest.mark.parametrize("width", [1280, 360])
def test_the_bar_with_the_origin_lies_along_the_foot_of_the_window(
    tab: Callable[..., Page], server: str, numbered: list[str], width: int
) -> None:
    page = tab(width)
    page.goto(f"{server}/{numbered[0]}")
    number = page.locator("data.kv:visible").first
    number.hover()
    assert number.evaluate(BAR) == ["fixed", 0, width, 0]


def test_the_button_shows_every_origin_and_hides_it_again(page: Page, root: str, numbered: list[str]) -> None:
    for path in numbered:
        page.goto(f"{root}/{path}")
        numbers = page.locator("data.kv")
        button = page.locator(".kv-origins")
        for pressed in ("true", "false"):
            button.click()
            assert button.get_attribute("aria-pressed") == pressed
            assert set(numbers.evaluate_all(SHOWN_BESIDE)) == {pressed == "true"}


def test_the_choice_to_see_the_origins_is_kept_from_page_to_page(page: Page, server: str, numbered: list[str]) -> None:
    page.goto(f"{server}/{numbered[0]}")
    page.locator(".kv-origins").click()
    for path in numbered:
        page.goto(f"{server}/{path}")
        number = page.locator("data.kv").first
        assert origin(number) in written(number, "::after")
        assert page.locator(".kv-origins").get_attribute("aria-pressed") == "true"


def test_the_button_works_where_storage_is_forbidden(
    reader: Callable[..., BrowserContext], server: str, numbered: list[str]
) -> None:
    context = reader()
    context.add_init_script(FORBIDDEN_STORAGE)
    page = context.new_page()
    page.goto(f"{server}/{numbered[0]}")
    page.locator(".kv-origins").click()
    number = page.locator("data.kv").first
    assert origin(number) in written(number, "::after")


def test_the_button_speaks_the_language_of_its_page(page: Page, server: str, numbered: list[str]) -> None:
    assert [path.startswith("es/") for path in numbered] == [True, False]
    words = []
    for path in numbered:
        page.goto(f"{server}/{path}")
        words.append(page.locator(".kv-origins").inner_text())
    assert words == ["Mostrar de dónde salen los números", "Show where the numbers come from"]
