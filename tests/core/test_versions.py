"""Numbers as Go reads them, versions as Masterminds semver reads them, and what hosts call a version."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hostfit.core import versions


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0), ("-0", 0), ("+7", 7), ("0010", 10), ("0" * 5000 + "7", 7), ("-9223372036854775808", -(1 << 63))],
)
def test_a_number_is_base_ten_with_an_optional_sign(text, number):
    assert versions.integer(text) == number


@pytest.mark.parametrize(
    "text", ["", "+", "-", "1.0", "0x1", " 1", "1 ", "1_0", "\u0661", "1e3", "9223372036854775808", "9" * 10_000]
)
def test_anything_else_is_no_number(text):
    assert versions.integer(text) is None


@given(st.integers(min_value=-(1 << 63), max_value=(1 << 63) - 1))
@settings(deadline=None, max_examples=50)
def test_every_64_bit_integer_is_read_back(number):
    assert versions.integer(str(number)) == number


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("5", (5, 0, 0)), ("5.15", (5, 15, 0)), ("v5.15.1", (5, 15, 1)), ("22.04", (22, 4, 0)), ("007.08", (7, 8, 0)),
        ("1.2.3-rc.1+b.01", (1, 2, 3)), ("5-91-generic", (5, 0, 0)), ("18446744073709551615", ((1 << 64) - 1, 0, 0)),
    ],
)  # fmt: skip
def test_a_version_is_one_to_three_numbers(text, numbers):
    assert versions.parse(text) == numbers
    assert versions.parse_host(text) == numbers


@pytest.mark.parametrize(
    "text",
    ["", "v", "V1", "1.2.3.4", "1.", ".1", "1..2", "1-", "1-01", "1-a..b", "1+", "1+a_b", "1_2", "1 ", "x", "1.x",
     "18446744073709551616", "1" * 257, "1-" + "a" * 256, "\u0661", "1\n"],
)  # fmt: skip
def test_a_version_in_a_spec_is_refused_where_nfd_refuses_it(text):
    with pytest.raises(ValueError, match="not a version"):
        versions.parse(text)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("5.14.0-362.el9.x86_64", (5, 14, 0)), ("5.15.167.4-microsoft-standard-WSL2", (5, 15, 167)),
        ("6.1.12_1", (6, 1, 12)), ("6.1.0+", (6, 1, 0)), ("9.8p1", (9, 8, 0)), ("1.x", (1, 0, 0)), ("2~rc1", (2, 0, 0)),
    ],
)  # fmt: skip
def test_a_version_of_a_host_is_its_leading_numbers(text, numbers):
    assert versions.parse_host(text) == numbers


@pytest.mark.parametrize(
    "text", ["", "v", "x5", "1:2.3", "1,2", "1.", "1..2", " 1", "1 2", "1/2", "-1", "9" * 300, "\u0661"]
)
def test_what_does_not_read_as_a_version_is_none(text):
    assert versions.parse_host(text) is None


@given(st.text(alphabet="v0123456789.-+_aZ ~:", max_size=20))
@settings(deadline=None, max_examples=300)
def test_hosts_are_read_at_least_as_widely_as_specs_and_alike(text):
    try:
        strict = versions.parse(text)
    except ValueError:
        return
    assert versions.parse_host(text) == strict
