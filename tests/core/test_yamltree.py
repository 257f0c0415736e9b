"""YAML without its dangers: nothing but plain data gets through, and every bomb is refused before it goes off."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hostfit.core import limits, yamltree
from hostfit.core.scalar import Coerced
from hostfit.core.yaml11 import plain

ALIASES = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join(['*' + before] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
MERGES = "a: &a {x: 1}\n" + "".join(
    f"{name}: &{name} {{<<: [{','.join(['*' + before] * 9)}]}}\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


def refusal(text):
    with pytest.raises(yamltree.YamlError) as caught:
        yamltree.load(text)
    return str(caught.value)


@pytest.mark.parametrize(
    ("bomb", "message"),
    [
        ("[" * 50_000, "line 1: at most 32 levels of nesting are allowed, found more"),
        ("{a: " * 20_000, "line 1: at most 32 levels of nesting are allowed, found more"),
        ("".join([" " * depth + "a:\n" for depth in range(1000)]), None),
        ("- " * 20_000, "line 1: at most 32 levels of nesting are allowed, found more"),
        (ALIASES, "line 1: anchors are not allowed, found &a"),
        (MERGES, "line 1: anchors are not allowed, found &a"),
        ("&x [*x]", "line 1: anchors are not allowed, found &x"),
        ("a: *x", "line 1: aliases are not allowed, found *x"),
        ("x\n" * 400_000, None),
        ("[" + "a," * 400_000 + "]", f"line 1: at most {limits.NODES} values are allowed, found more"),
        ("- a\n" * 200_000, f"line {limits.NODES}: at most {limits.NODES} values are allowed, found more"),
        ("a" * (limits.DOCUMENT + 1), f"at most {limits.DOCUMENT} bytes are allowed, found more"),
        ("\u00fc" * (limits.DOCUMENT // 2 + 1), f"at most {limits.DOCUMENT} bytes are allowed, found more"),
        (
            "!!python/object/apply:os.system [id]",
            "line 1: tags are not allowed, found tag:yaml.org,2002:python/object/apply:os...",
        ),
    ],
    ids=range(14),
)
def test_a_bomb_is_refused_at_once(bomb, message):
    yamltree.load("warm: up")
    start = time.process_time()
    if message is None:
        with contextlib.suppress(yamltree.YamlError):
            yamltree.load(bomb)
    else:
        assert refusal(bomb) == message
    assert time.process_time() - start < 0.5


@pytest.mark.parametrize("python", [sys.executable, "/usr/bin/python3"])
def test_deep_nesting_does_not_crash_the_interpreter(python):
    program = (
        "import sys; sys.path[:0] = sys.argv[1:]\n"
        "from hostfit.core import yamltree\n"
        "for text in ('[' * 50000, '{a: ' * 50000, '- ' * 50000):\n"
        "    try:\n        yamltree.load(text)\n    except yamltree.YamlError as error:\n        print(error)\n"
    )
    have = subprocess.run([python, "-c", "import yaml"], check=False, capture_output=True)
    if have.returncode != 0:
        pytest.skip(f"{python} has no PyYAML")
    source = yamltree.__file__.rsplit("/hostfit/", 1)[0]
    done = subprocess.run([python, "-c", program, source], check=False, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "line 1: at most 32 levels of nesting are allowed, found more\n" * 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\na: 2", 'line 2: key "a" is there twice'),
        ('5: 1\n"5": 2', 'line 2: key "5" is there twice'),
        ("<<: {a: 1}", "line 1: merge keys are not allowed, found <<"),
        ("a: 1\n---\nb: 2", "line 2: one document is allowed, found a second one"),
        ("%TAG ! tag:x,2000:\n---\na: 1", None),
        ("a: !!str 5", "line 1: tags are not allowed, found tag:yaml.org,2002:str"),
        ("a: ! 5", "line 1: tags are not allowed, found !"),
        ("!!map {}", "line 1: tags are not allowed, found tag:yaml.org,2002:map"),
        ("? [a]\n: 1", "line 1: a key must be text, found a list or mapping"),
        ("a: &x 1", "line 1: anchors are not allowed, found &x"),
        ("a: b: c", None),
        ("\tx: 1", None),
        ("a: \x07", None),
        ('a: "\ud800"', "not YAML: text is not valid Unicode"),
    ],
)
def test_what_is_no_plain_data_is_refused(text, message):
    found = refusal(text)
    assert message is None or found == message
    assert found.isprintable()


def test_escapes_in_a_refusal_cannot_reach_a_terminal():
    assert "\x1b" not in refusal('"\x1b[2J')
    assert "\u202e" not in refusal("a: &\u202e x")


def test_a_yaml_directive_and_an_end_marker_are_fine():
    assert yamltree.load("%YAML 1.1\n---\na: b\n...\n")[0] == {"a": "b"}


def test_lines_are_known_for_every_path():
    tree, lines = yamltree.load("a:\n  b c:\n  - x\n  - {d: e}\nf: g\n")
    assert tree == {"a": {"b c": ["x", {"d": "e"}]}, "f": "g"}
    assert lines == {"a": 1, 'a["b c"]': 2, 'a["b c"][0]': 3, 'a["b c"][1]': 4, 'a["b c"][1].d': 4, "f": 5}
    assert yamltree.below(lines, "a") == {"": 1, '["b c"]': 2, '["b c"][0]': 3, '["b c"][1]': 4, '["b c"][1].d': 4}


@pytest.mark.parametrize("written", ["5", "0", "-12", "9223372036854775807"])
def test_an_integer_that_reads_the_same_stays_an_integer(written):
    assert plain(written) == int(written)
    assert not isinstance(plain(written), str)


@pytest.mark.parametrize("written", ["5.15", "0.5", "-1.25", "550.54", "22.04"])
def test_a_fraction_that_reads_the_same_stays_text(written):
    assert plain(written) == written
    assert not isinstance(plain(written), Coerced)


@pytest.mark.parametrize(
    "written",
    ["Intel", "5.15.0", "v1alpha1", "0eee", "10de", "1.2.3.4", "a: b", "6.1-rc1", "12:30:45:x", "0x", "0xfg", "-", ".",
     "+", "2024-01-01x", "nope", "yEs", "nULL", "=x", "<", "1__x", "e3", "1e", "sha256:00"],
)  # fmt: skip
def test_text_stays_text(written):
    assert plain(written) == written
    assert not isinstance(plain(written), Coerced)


@pytest.mark.parametrize(
    ("written", "becomes"),
    [
        ("0200", "the number 128"),
        ("-017", "the number -15"),
        ("0o17", "the number 15"),
        ("0x1F", "the number 31"),
        ("0b101", "the number 5"),
        ("089", "the number 89"),
        ("00", "the number 0"),
        ("6.10", "the number 6.1"),
        ("5.0", "the number 5"),
        (".5", "the number 0.5"),
        ("5.", "the number 5"),
        ("+5", "the number 5"),
        ("-0", "the number 0"),
        ("1e3", "the number 1000"),
        ("1.5E-7", "the number 1.5e-07"),
        ("1000000.5", "the number 1000000.5"),
        ("0.00001", "the number 1e-05"),
        ("1_000", "the number 1000"),
        ("12:30:45", "the number 45045 (base 60)"),
        ("9223372036854775808", "a rounded number"),
        ("1" * 100, "a number"),
        (".inf", "no finite number"),
        ("-.INF", "no finite number"),
        (".NaN", "no finite number"),
        ("2024-01-01", "a date"),
        ("2024-01-01T10:00:00Z", "a date"),
        ("no", "false"),
        ("No", "false"),
        ("n", "false"),
        ("OFF", "false"),
        ("Yes", "true"),
        ("y", "true"),
        ("on", "true"),
        ("True", "true"),
        ("~", "null"),
        ("Null", "null"),
        ("", "null"),
        ("<<", "a merge key"),
        ("=", "a default value key"),
    ],
)
def test_a_scalar_that_yaml_changes_says_what_it_becomes(written, becomes):
    value = plain(written)
    assert isinstance(value, Coerced)
    assert (value, value.becomes) == (written, becomes)


def test_true_and_false_are_booleans():
    assert plain("true") is True
    assert plain("false") is False


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from("0123456789.+-_eExXobBa:TZ nyNULltrue~<="), max_size=8))
@example("0x0")
@example("0b0")
def test_no_scalar_is_taken_for_text_that_pyyaml_reads_as_anything_else(written):
    yaml = pytest.importorskip("yaml")
    value = plain(written)
    if isinstance(value, str) and not isinstance(value, Coerced):
        tag = yaml.resolver.Resolver().resolve(yaml.ScalarNode, written, (True, False))
        same = tag == "tag:yaml.org,2002:str" or (
            tag == "tag:yaml.org,2002:float" and repr(float(written.replace("_", ""))) == written
        )
        assert same


@settings(max_examples=150, deadline=None)
@given(st.text(st.sampled_from("[]{}:,- \n\"'#&*!|>%@`?a1~<=\\\t\x00\u202e"), max_size=40))
def test_any_text_gives_a_tree_or_a_refusal(text):
    shown = ""
    try:
        tree, _ = yamltree.load(text)
    except yamltree.YamlError as error:
        shown, tree = error.message, {}
    assert shown == "" or shown.isprintable()
    assert isinstance(tree, dict | list | str | int)


@pytest.mark.parametrize("quotes", ["'0200'", '"0200"', "|-\n  0200"])
def test_quoted_scalars_are_text(quotes):
    assert yamltree.load(f"a: {quotes}") == ({"a": "0200"}, {"a": 1})
    assert not isinstance(yamltree.load(f"a: {quotes}")[0]["a"], Coerced)
