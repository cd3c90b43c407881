import inspect
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvlab import formula
from kvlab.accounting import flops, memory, parameters, traffic
from kvlab.errors import KvlabError

ALL = [
    function
    for module in (memory, parameters, flops, traffic)
    for function in vars(module).values()
    if inspect.isfunction(function) and function.__module__ == module.__name__
]


def nested(n_layers, head_dim, context):
    return -(-n_layers // head_dim) + (n_layers - (head_dim - context)) * min(context, 2 * head_dim) ** 2


def rounded(n_layers, context, head_dim):
    return n_layers * -(-(context + 1) // head_dim)


def difference(n_layers, head_dim, context):
    return n_layers - (head_dim + context) - max(n_layers // 3, context)


def grouped(n_layers, head_dim, context):
    return (-(n_layers + head_dim) + (-context) ** 2) * (n_layers * head_dim) ** 2 + (n_layers**2) ** 3


def divided(n_layers, head_dim, context):
    return (n_layers + context) // (head_dim * 2) - n_layers * context // head_dim


def as_python(text):
    """Turn a line with numbers back into Python, by a route that shares nothing with the writer."""
    text = re.sub(r"[⁰¹²³⁴⁵⁶⁷⁸⁹]+", lambda m: "**" + "".join(str("⁰¹²³⁴⁵⁶⁷⁸⁹".index(c)) for c in m[0]), text)
    text = text.replace(",", "") if "min" not in text and "max" not in text else re.sub(r"(?<=\d),(?=\d{3})", "", text)
    text = text.replace("·", "*").replace("−", "-")
    text = re.sub(r"⌈(.*?) / (.*?)⌉", r"-(-\1 // \2)", text)
    # No parentheses are added inside: the line must have its own.
    return re.sub(r"⌊(.*?) / (.*?)⌋", r"(\1 // \2)", text)


@pytest.mark.parametrize("function", [*ALL, nested, rounded, difference, grouped, divided], ids=lambda f: f.__name__)
@given(data=st.data())
def test_the_line_with_the_numbers_put_in_gives_the_result_of_the_function(function, data):
    values = {name: data.draw(st.integers(1, 999), name) for name in inspect.signature(function).parameters}
    line = formula.with_numbers(function, values)
    assert eval(as_python(line)) == function(**values)


def test_the_size_formula_stands_in_written_order_with_the_books_symbols():
    assert formula.text(memory.kv_cache_bytes) == "2 · L · H_kv · d_h · S · B · s"
    assert formula.latex(memory.kv_cache_bytes) == (
        r"2 \cdot L \cdot H_{\mathrm{kv}} \cdot d_{h} \cdot S \cdot B \cdot s"
    )


def test_the_line_with_numbers_shows_every_factor_even_a_one():
    values = {"n_layers": 2, "n_kv_heads": 4, "head_dim": 16, "context": 128, "batch": 1, "bytes_per_element": 4}
    assert formula.with_numbers(memory.kv_cache_bytes, values) == "2 · 2 · 4 · 16 · 128 · 1 · 4"


def test_some_numbers_can_be_put_in_while_the_rest_stay_symbols():
    given_ = {"n_layers": 2, "n_kv_heads": 4, "head_dim": 16}
    assert formula.write(memory.kv_cache_bytes, formula.TEXT, given_) == "2 · 2 · 4 · 16 · S · B · s"


def test_a_missing_number_is_named():
    with pytest.raises(KvlabError, match="batch, bytes_per_element"):
        formula.with_numbers(memory.kv_cache_bytes, {"n_layers": 2, "n_kv_heads": 4, "head_dim": 16, "context": 128})


def test_a_called_formula_is_written_out_and_keeps_its_parentheses():
    assert formula.text(flops.gpt2_matrix_elements) == "L · (4 · d² + 2 · d · d_ff) + V · d"


def test_ceiling_and_floor_have_signs_of_their_own():
    assert formula.text(nested).startswith("⌈L / d_h⌉ + ")
    assert formula.latex(flops.causal_pairs) == r"\left\lfloor \frac{n \cdot \left(n + 1\right)}{2} \right\rfloor"


def a_loop(n_layers):
    for _ in range(n_layers):
        pass
    return 1


def a_true_division(n_layers):
    return n_layers / 2


def a_float(n_layers):
    return 1.5 * n_layers


def an_unknown_call(n_layers):
    return len(n_layers)


def an_unknown_name(n_layers):
    return n_layers * ALL


def a_wrong_call(n_layers):
    return flops_alias(n_layers, 1)


flops_alias = flops.causal_pairs


@pytest.mark.parametrize(
    "function",
    [a_loop, a_true_division, a_float, an_unknown_call, an_unknown_name, a_wrong_call],
    ids=lambda f: f.__name__,
)
def test_what_is_no_formula_is_refused_with_file_and_line(function):
    with pytest.raises(KvlabError, match=r"^test_formula\.py:\d+: ") as error:
        formula.text(function)
    line = int(re.findall(r":(\d+):", str(error.value))[0])
    # What is wrong in each of them stands on the line below its `def`.
    assert line == inspect.getsourcelines(function)[1] + 1


def an_unnamed_quantity(wheels):
    return 4 * wheels


def test_an_argument_without_a_symbol_is_refused_by_name():
    with pytest.raises(KvlabError, match="'wheels'"):
        formula.text(an_unnamed_quantity)


def test_no_two_quantities_share_a_symbol():
    assert len(set(formula.SYMBOLS.values())) == len(formula.SYMBOLS)
