"""The `nfd` column of the vectors is what Node Feature Discovery itself answers.

NFD's own packages evaluate every vector, in a program built from `nfd_oracle` into a cache outside the tree.
"""

from __future__ import annotations

import json
import random
import subprocess
from pathlib import Path

import pytest
from hostfit_bed import gotools

from hostfit.core import regex

HERE = Path(__file__).parent
SOURCE = HERE / "nfd_oracle"
VECTORS = HERE.parent / "core" / "vectors"

pytestmark = pytest.mark.engines


@pytest.fixture(scope="module")
def oracle():
    return gotools.compiled(SOURCE)


@pytest.mark.parametrize("place", sorted(VECTORS.glob("*.json")), ids=lambda place: place.stem)
def test_nfd_answers_what_the_vectors_say(oracle, place):
    text = place.read_text(encoding="utf-8")
    done = subprocess.run([oracle], input=text, capture_output=True, text=True, check=True)

    assert json.loads(done.stdout) == {vector["id"]: vector["nfd"]["result"] for vector in json.loads(text)}


PIECES = [
    *"aAkKsSb09_- .^$|()[]{}*+?\\\n", "\\d", "\\W", "\\s", "\\b", "\\B", "\\A", "\\z", "\\Z", "\\Q", "\\E",
    "(?:", "(?i)", "(?s)", "(?m)", "(?-i:", "(?U)", "(?P<n>", "(?<m>", "(?=", "[[:alpha:]]", "[^a]", "[a-c]", "[c-a]",
    "[[:^space:]", "[[:no:]]",
    "{2}", "{1,3}", "{0}", "{,2}", "{01}", "{500}", "{1001}", "{9999999999}", "\\x41", "\\x{e9}", "\\101", "\\1",
    "\\_", "é",
    "\u212a", "\\pL",
]  # fmt: skip


def test_go_reads_and_finds_a_pattern_as_hostfit_does(oracle):
    """NFD's patterns are Go's; google-re2 is asked in tests/core/test_regex.py."""
    chance = random.Random(5)
    vectors, ours = [], {}
    for number in range(5000):
        pattern = "".join(chance.choices(PIECES, k=chance.randint(0, 10)))
        value = "".join(chance.choices("aAkKsS\u212a\u017f09_- .\né", k=chance.randint(0, 6)))
        try:
            ours[str(number)] = (pattern, value, str(regex.search(regex.compile(pattern), value)).lower())
        except regex.RegexError as error:
            if "valid RE2" in error.message or "RE2 takes" in error.message:
                continue
            ours[str(number)] = (pattern, value, "error")
        expression = {"op": "InRegexp", "value": [pattern]}
        given = {"present": True, "value": value}
        vectors.append({"id": str(number), "level": "expression", "expr": expression, "input": given})
    done = subprocess.run([oracle], input=json.dumps(vectors), capture_output=True, text=True, check=True)
    answers = json.loads(done.stdout)

    assert {number: (*ours[number][:2], answer) for number, answer in answers.items()} == ours
