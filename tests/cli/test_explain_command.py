"""`hostfit explain`: every feature says what it means, where it is read and how to ask for it (SA2)."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from hostfit.cli.explain import example
from hostfit.core import flat
from hostfit.core.spec import REQUEST
from hostfit.facts import vocabulary

EXAMPLES = Path(__file__).parents[1] / "examples"


def test_without_a_name_all_features_are_listed(hostfit):
    out = hostfit("explain").out

    assert [info.name for info in vocabulary.features() if info.name not in out] == []


def test_a_feature_says_where_it_is_read_and_what_to_read(hostfit):
    out = hostfit("explain", "kernel.loadedmodule").out

    assert "/proc/modules" in out
    assert "https://" in out
    assert "while the host runs" in out


def test_an_element_shows_its_value_here(hostfit):
    out = hostfit("explain", "kernel.version.major").out

    assert out.splitlines()[-1] == f"on this host: {__import__('os').uname().release.split('.')[0]}"


OF_IMAGES = [info for info in vocabulary.features() if not info.name.startswith(REQUEST)]


@pytest.mark.parametrize("info", OF_IMAGES, ids=lambda info: info.name)
def test_what_it_suggests_to_write_is_valid_whatever_the_host_has(info):
    for here in ("", "4", "-4", "4\u0664", "6.1.0-18-amd64", "..", "v2", "10de", "/a b", "true", "x;y", '"', "ü"):
        clause = example(info, "", here)
        spec = flat.parse(clause, level="required", lookup=vocabulary.lookup, place="example", strict=True)

        assert spec.wanted().elements.keys() == {info.name}


def test_what_it_suggests_holds_here(hostfit):
    """A version that the kernel had would be none of glibc's."""
    said = hostfit("explain", "os.glibc").out.partition("io.hostfit.require='")[2].partition("'")[0]

    assert re.fullmatch(r"os\.glibc\.version >=[0-9.]+", said)
    assert hostfit("check", "--require", said).code == 0


def test_what_an_image_cannot_ask_for_is_not_suggested(hostfit):
    out = hostfit("explain", "request.image").out

    assert out.splitlines()[-1] == (
        "ask for it: in the administrator's rules alone, as `when` of a runtime in hostfit.toml(5)"
    )


def test_a_spec_is_explained_with_documentation_and_values(hostfit):
    out = hostfit("explain", "--spec", EXAMPLES / "upf.yaml").out

    assert "see https://github.com/free5gc/gtp5g" in out
    assert "kernel.module.name" in out


def test_json_for_tools(hostfit):
    tree = json.loads(hostfit("explain", "cpu.cpuid", "--format", "json").out)

    assert tree["kinds"] == ["flag", "attribute"]
    assert {"name": "AVX10_VERSION", "kind": "attribute"}.items() <= next(
        one for one in tree["elements"] if one["name"] == "AVX10_VERSION"
    ).items()


def test_a_typing_error_gets_a_suggestion(hostfit):
    done = hostfit("explain", "cpu.cpiud")

    assert (done.code, "did you mean cpu.cpuid?" in done.err) == (2, True)


def test_a_domain_lists_its_features(hostfit):
    lines = hostfit("explain", "pci").out.splitlines()

    assert [line.split()[0] for line in lines] == ["FEATURE", "pci.device"]


def test_what_is_asked_elsewhere_is_explained_too(hostfit):
    """IA2a: the branch for the other vendor is shown although nothing of it is compared here."""
    out = hostfit("explain", "--spec", EXAMPLES / "mixed.yaml").out

    assert "cpu.cpuid.AVX512F" in out
    assert "cpu.model.family" in out
    assert out.count("only where (which") == 2


@pytest.mark.parametrize("more", [("kernel.module",), ("--format", "json")])
def test_a_spec_is_explained_alone(hostfit, more):
    done = hostfit("explain", "--spec", EXAMPLES / "upf.yaml", *more)

    assert (done.code, done.err) == (
        2,
        "hostfit: option --spec: required alone, found it with FEATURE or --format json\n",
    )


def test_a_name_with_control_characters_is_escaped_once(hostfit):
    assert hostfit("explain", "a\x1b[2J").err.splitlines()[0] == "hostfit: feature a\\x1b[2J is not in the vocabulary"
