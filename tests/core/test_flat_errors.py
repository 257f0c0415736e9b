"""Errors in the flat form: each says what and where, caps are kept, and hostile text costs no more than its size."""

from __future__ import annotations

import contextlib
import time

import pytest

from hostfit.core import limits
from hostfit.core.errors import SpecError


def test_lint_is_strict_about_the_vocabulary(parse):
    with pytest.raises(SpecError) as caught:
        parse("kernel.verson.full exists; kernel.version.ful exists; kernel.sysctl.x =1", strict=True)
    assert [str(one) for one in caught.value.problems] == [
        'clause 1 (column 1): feature "kernel.verson" is not known; did you mean "kernel.version"?',
        'clause 2 (column 28): element "ful" of feature "kernel.version" is not known; did you mean "full"?',
    ]


@pytest.mark.parametrize(
    ("text", "at", "message"),
    [
        ("", "", "document: at least one clause is required, found none"),
        (" ; ;", "", "document: at least one clause is required, found none"),
        (
            "kernel.version.full >= 5.15",
            " 5.15",
            'clause 1 (column 23): a value is required right after the operator; write "" for an empty one',
        ),
        (
            "kernel.version.full ==5.15",
            "=5.15",
            "clause 1 (column 22): no such operator; put a value that begins with = in double quotes",
        ),
        ("=5", "=5", 'clause 1 (column 1): a clause begins with a feature, found "=5"'),
        ("|| a.b exists", "||", 'clause 1 (column 1): a clause begins with a feature, found "||"'),
        ("kernel exists", "kernel", 'clause 1 (column 1): a feature DOMAIN.NAME is required, found "kernel"'),
        (
            "os.glibc.version; pci.device exists",
            ";",
            "clause 1 (column 17): a term is required, one of = != < <= > >= in: !in: ~ exists !exists true false",
        ),
        (
            "os.glibc.version >2 ||",
            "",
            "clause 1 (column 23): a term is required, one of = != < <= > >= in: !in: ~ exists !exists true false",
        ),
        (
            "pci.device =1",
            "=1",
            "clause 1 (column 12): an element is required, as in pci.device.ELEMENT, or one word exists",
        ),
        (
            "\x1b.a =1",
            "=1",
            "clause 1 (column 5): an element is required, as in \\x1b.a.ELEMENT, or one word exists",
        ),
        (
            "pci.device !exists",
            "!exists",
            "clause 1 (column 12): an element is required, as in pci.device.ELEMENT, or one word exists",
        ),
        (
            "os.glibc exists",
            "exists",
            "clause 1 (column 10): an element is required, as in os.glibc.version: exists alone asks for a device",
        ),
        (
            "cpu.cpuid exists",
            "exists",
            "clause 1 (column 11): an element is required, as in cpu.cpuid.AVX2: exists alone asks for a device",
        ),
        (
            "kernel.config exists",
            "exists",
            "clause 1 (column 15): an element is required, as in kernel.config.ELEMENT: exists alone asks for a device",
        ),
        (
            "nvidia.gpu count>=2 model exists",
            "count",
            'clause 1 (column 12): "count" is of the host and "model" of each device: two clauses are required',
        ),
        (
            "nvidia.gpu.model exists count>=2",
            "exists",
            'clause 1 (column 18): "count" is of the host and "model" of each device: two clauses are required',
        ),
        (
            "os.glibc.version >2 maybe",
            "maybe",
            (
                'clause 1 (column 21): "maybe" is no term: one of = != < <= '
                "> >= in: !in: ~ exists !exists true false is required"
            ),
        ),
        (
            "cpu.cpuid.AVX2 =1",
            "=1",
            'clause 1 (column 16): "AVX2" is a flag of cpu.cpuid: one of exists, !exists, true, false is required',
        ),
        (
            "pci.device sriov_totalvfs>=1 <8",
            "<8",
            (
                "clause 1 (column 30): one term, or a range >=A <=B or >A <B with A below B, is required for "
                '"sriov_totalvfs" of one instance'
            ),
        ),
        (
            "pci.device vendor=1 vendor=2",
            "vendor=2",
            'clause 1 (column 21): attribute "vendor" is named twice or empty',
        ),
        ("kernel.version.major >x", ">x", 'clause 1 (column 22): value must be a whole number: found "x"'),
        ("pci.device vendor>1", ">1", 'clause 1 (column 18): "vendor" of pci.device is hex and has no order'),
        ('os.glibc.version ="2', '"2', "document (column 19): a quote is opened here and not closed"),
        (
            "os.glibc.version ~a(b",
            "~a(b",
            'clause 1 (column 18): value "a(b" is not a usable pattern at offset 1: missing closing )',
        ),
    ],
)
def test_an_error_says_what_and_where(parse, text, at, message):
    with pytest.raises(SpecError) as caught:
        parse(text)
    (problem,) = caught.value.problems
    assert str(problem) == message
    assert caught.value.message == f"annotation: {message}"
    if problem.column:
        source, caret = problem.excerpt().split("\n")
        assert source[caret.index("^") :].startswith(at)


def test_every_wrong_clause_is_reported(parse):
    with pytest.raises(SpecError) as caught:
        parse("kernel exists; os.glibc.version >=2.31; =1")
    assert [one.path for one in caught.value.problems] == ["clause 1", "clause 3"]


@pytest.mark.parametrize(
    "text",
    [
        "x" * (limits.ANNOTATION + 1),
        "a.b exists;" * (limits.RULES_PER_SET + 1),
        "a.b.c in:" + "x," * limits.VALUES + "x",
        "a.b.c ~" + "a" * (limits.REGEX + 1),
        "a.b.c =" + "a" * (limits.STRING + 1),
        "a.b.c" + " >1" * (limits.EXPRESSIONS + 1),
        "a.b.c" + " ~a" * (limits.REGEXES + 1),
        "a.b.c in:" + ",".join(["a" * 1000] * 100),
    ],
    ids=["text", "clauses", "values", "pattern", "string", "expressions", "patterns", "clause"],
)
def test_every_cap_is_kept(parse, text):
    with pytest.raises(SpecError, match=r"at most \d+ "):
        parse(text)


@pytest.mark.parametrize(
    "unit",
    ["a.", "a.b ", 'a.b.c in:"",', '"",', "a.b.c =1;", "a.b.c >1 ", "x=1 ", "x ", "||", " || ", '"', "\\", "=", "!in:"],
)
def test_a_hostile_text_takes_no_longer_than_its_size(parse, unit):
    text = "a.b.c " + unit * (limits.ANNOTATION // len(unit) - 8)
    start = time.process_time()
    with contextlib.suppress(SpecError):
        parse(text)
    assert time.process_time() - start < 1.0
