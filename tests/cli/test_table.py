"""Tables fit a terminal: no line is wider, and no text is lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hostfit.cli.table import render

WORDS = st.text(alphabet="abcdefgh.-_", min_size=0, max_size=60)
TEXT = st.lists(WORDS, max_size=8).map(" ".join)


def test_short_table_is_aligned():
    shown = render(("FEATURE", "VALUE"), [("cpu.model", "Intel"), ("a", "b")], 80)

    assert shown == "FEATURE    VALUE\ncpu.model  Intel\na          b"


def test_widest_column_gives_way_first():
    shown = render(("NAME", "MEANING"), [("kernel.version", "the version of the running kernel as it says")], 40)

    assert shown.splitlines()[1] == "kernel.version  the version of the"
    assert max(map(len, shown.splitlines())) <= 40


@given(rows=st.lists(st.tuples(TEXT, TEXT, TEXT), max_size=5), width=st.integers(40, 120))
def test_no_line_is_wider_than_the_terminal(rows, width):
    shown = render(("A", "B", "C"), rows, width)

    assert max(map(len, shown.splitlines())) <= width


@given(rows=st.lists(st.tuples(TEXT, TEXT), max_size=5), width=st.integers(40, 120))
def test_no_text_is_lost(rows, width):
    shown = render(("A", "B"), rows, width)

    expected = sorted("".join(["AB", *["".join(row) for row in rows]]).replace(" ", ""))
    assert sorted(shown.replace(" ", "").replace("\n", "")) == expected
