"""Patterns: what RE2 accepts and finds is the oracle, and time is linear on any of them."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hostfit.core import limits, regex

PIECES = [
    *"aAkKsSbz09_- .^$|()[]{}*+?\\,:\n", "\\d", "\\D", "\\w", "\\W", "\\s", "\\S", "\\b", "\\B", "\\A", "\\z", "\\Z",
    "\\Q", "\\E", "(?:", "(?i)", "(?s)", "(?m)", "(?-i:", "(?i:", "(?m-s:", "(?U)", "(?)", "(?-)", "(?P<n>", "(?<m>",
    "(?P<n", "(?=", "[[:alpha:]]", "[^a]", "[a-c]", "[c-a]", "[[:^space:]", "[[:nope:]]", "[:", "[]a]", "[a-", "[\\d",
    "[\\W", "{2}", "{1,3}", "{0}", "{,2}", "{2,}", "{01}", "{500}", "{1001}", "{2,1}", "\\x41", "\\x{e9}", "\\x{}",
    "\\x{110000}", "\\x4", "\\101", "\\0", "\\1", "\\12", "\\_", "\\a", "\\-", "\\/", "\\é", "é", "\u212a", "\u017f",
    "\\C", "\\pL", "a*", "b+?", "a??",
]  # fmt: skip
TEXTS = st.text(alphabet="aAbBkK\u212asS\u017f09_-. \n\té", max_size=12)
PATTERNS = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)
REFUSED_THOUGH_VALID = ("valid RE2", "RE2 takes")


def oracle(pattern):
    # Debian 12 has no such package; the same tests run with it from PyPI.
    re2 = pytest.importorskip("re2")
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error:
        return None


def ours(pattern):
    try:
        return regex.compile(pattern), ""
    except regex.RegexError as error:
        return None, error.message


@given(PATTERNS)
@settings(deadline=None, max_examples=1500)
@example("a**")
@example("a*(?i)*")
@example("[[:a]b:]")
@example("a{2}{3}")
@example("(?:a{100}){11}")
@example("((a{500}){0}){2}")
@example("[a-\\d]")
@example("\\Q\\E*")
@example("a{1000}{0}")
@example("(?P<a>)(?P<a>)")
def test_a_pattern_is_accepted_exactly_where_re2_accepts_it(pattern):
    program, message = ours(pattern)
    accepted = oracle(pattern) is not None

    if program is None and accepted:
        assert any(words in message for words in REFUSED_THOUGH_VALID), message
    else:
        assert (program is not None) == accepted


@given(PATTERNS, st.lists(TEXTS, min_size=1, max_size=6))
@settings(deadline=None, max_examples=1500)
@example("^5\\.15$", ["5.15", "5.15\n"])
@example("(?m)^b$", ["a\nb\nc", "b", "ab"])
@example("(?i)k", ["\u212a"])
@example("(?i)[^k]", ["\u212a", "a"])
@example("\\B", ["", "a", "aa"])
@example("(?i)\\W", ["\u212a", "\u017f"])
def test_a_pattern_finds_what_re2_finds(pattern, texts):
    program, _ = ours(pattern)
    if program is None:
        return
    expected = oracle(pattern)
    for text in texts:
        assert regex.search(program, text) == (expected.search(text) is not None), text


def test_short_patterns_over_a_small_alphabet_agree_one_and_all():
    for size in range(5):
        for letters in itertools.product("a(|)*^?[]"[: 9 - size], repeat=size):
            pattern = "".join(letters)
            program, _ = ours(pattern)
            expected = oracle(pattern)
            assert (program is None) == (expected is None), pattern
            if program is not None:
                for text in ("", "a", "aa", "b", "ba"):
                    assert regex.search(program, text) == (expected.search(text) is not None), (pattern, text)


@pytest.mark.parametrize(
    ("pattern", "message", "offset"),
    [
        ("a(b", "missing closing )", 1),
        ("a)", "unexpected )", 1),
        ("[ab", "missing closing ]", 0),
        ("*a", "missing argument to repetition operator *", 0),
        ("ab**", "invalid nested repetition operator **", 2),
        ("a{1001}", "invalid repeat count {1001}", 1),
        ("a{2,1}", "invalid repeat count {2,1}", 1),
        ("(?:a{100}){100}", "invalid repeat count {100}: nested too often", 10),
        ("(?=a)", "invalid or unsupported group syntax (?=", 0),
        ("(?<=a)", "invalid group name, or one beyond ASCII, which RE2 takes but hostfit does not", 0),
        ("(?P<n>a)(?P<n>b)", "group name n is used twice, which RE2 takes but Go's regexp does not", 8),
        ("(a)\\1", "invalid escape sequence \\1", 3),
        ("a\\", "trailing backslash", 1),
        ("[b-a]", "invalid character range b-a", 1),
        ("[[:nope:]]", "invalid character class [:nope:]", 1),
        ("\\pL", "Unicode classes (\\p) are valid RE2 but not supported", 0),
        ("[\\p{Greek}]", "Unicode classes (\\p) are valid RE2 but not supported", 1),
        ("\\C", "\\C is valid RE2 but not supported", 0),
        ("(?i)é", "(?i) beyond ASCII is valid RE2 but not supported", 4),
        ("(" * 101 + ")" * 101, "groups nested deeper than 100 are valid RE2 but not supported", 100),
        ("(?:.{1000}){1}" * 5, "valid RE2 but not supported: it needs 5001 instructions, at most 4096", 0),
        ("a" * (limits.REGEX + 1), "a pattern has at most 1024 bytes", 0),
        ("a\ud800", "not valid Unicode text", 1),
    ],
)
def test_a_refusal_says_what_and_where(pattern, message, offset):
    with pytest.raises(regex.RegexError) as raised:
        regex.compile(pattern)

    assert (raised.value.message, raised.value.offset) == (message, offset)


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+$", "^(a+)+$", "(a|aa)+$", "(a|a?)+$", "(.*)(.*)(.*)(.*)x", "(?:a?){30}a{30}b", "(x+x+)+y", "\\b(a*)*\\b!a",
     "(?:a|b)*a(?:a|b){12}$", "((((((((((a+)+)+)+)+)+)+)+)+)+)+$"],
)  # fmt: skip
def test_time_is_linear_in_the_text(pattern):
    """SEC2: counted in steps, not in seconds."""
    steps = []
    for size in (2000, 4000, 8000):
        program = regex.compile(pattern)
        regex.search(program, "a" * size + "!")
        steps.append(program.steps)

    assert steps[1] - steps[0] <= 2000
    assert steps[2] - steps[1] <= 2 * (steps[1] - steps[0]) + 10


def test_a_text_that_needs_ever_new_states_costs_at_most_the_program_for_each_character():
    program = regex.compile("(?:a|b)*a(?:a|b){200}$")
    bits = format(pow(7, 5000), "b")[:6000]
    text = bits.replace("0", "a").replace("1", "b")
    regex.search(program, text)

    assert program.steps <= (len(program.code) + 2) * (len(text) + 1)


def test_states_are_dropped_when_there_are_too_many_and_the_answer_stays():
    program = regex.compile("(?:a|b)*a(?:a|b){100}$")
    program._room = 8
    bits = format(pow(7, 2000), "b")[:3000]
    text = bits.replace("0", "a").replace("1", "b")

    assert regex.search(program, text) == (oracle(program.pattern).search(text) is not None)
    assert len(program._known) <= 8


def test_a_limit_of_steps_ends_a_search():
    program = regex.compile("(?:a|b)*a(?:a|b){500}$")
    with pytest.raises(regex.OutOfStepsError):
        regex.search(program, "abaab" * 1000, limit=10_000)

    assert program.steps < 20_000


def test_bytes_that_are_no_text_count_as_the_replacement_character():
    assert regex.search(regex.compile("^a.b$"), "a\udc80b")
    assert regex.search(regex.compile("\\x{FFFD}"), "\udc80")
    assert not regex.search(regex.compile("[\\x{D800}-\\x{DFFF}]"), "\udc80")
