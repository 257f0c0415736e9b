"""NVIDIA_REQUIRE_*: strict reading, and the same answer as the readers of these variables on real values."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hostfit.core import nvidia
from hostfit.core.check import check
from hostfit.core.facts import Feature
from hostfit.core.match import evaluate
from hostfit.core.write import to_tree

CUDA_12 = (
    "NVIDIA_REQUIRE_CUDA=cuda>=12.4 brand=tesla,driver>=470,driver<471 brand=unknown,driver>=470,driver<471 "
    "brand=nvidia,driver>=470,driver<471 brand=tesla,driver>=535,driver<536"
)


def host(cuda="12.4", driver="550.54.15", low="8.0", high="8.0", brand="nvidia"):
    return {
        "nvidia.driver": Feature(attributes={"version": driver, "cuda": cuda}),
        "nvidia.gpu": Feature(attributes={"arch_min": low, "arch_max": high, "brand": brand}, instances=()),
    }


def verdict(env, **facts):
    spec, problems = nvidia.parse(env)
    assert problems == ()
    return evaluate(spec, host(**facts)).verdict


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, "fit"),
        ({"cuda": "12.2", "driver": "535.104.05", "brand": "tesla"}, "fit"),
        ({"cuda": "12.2", "driver": "535.104.05", "brand": "geforce"}, "misfit"),
        ({"cuda": "11.4", "driver": "470.256.02", "brand": "tesla"}, "fit"),
        ({"cuda": "11.4", "driver": "471.0", "brand": "tesla"}, "misfit"),
        ({"cuda": "12.3", "driver": "545.23.08"}, "misfit"),
        ({"cuda": "13.0", "driver": "580.65.06"}, "fit"),
    ],
)
def test_the_requirement_of_a_cuda_12_image(facts, expected):
    """CH6: GPU and driver versions."""
    assert verdict([CUDA_12, "PATH=/bin"], **facts) == expected


@pytest.mark.parametrize(
    ("term", "low", "high", "expected"),
    [
        ("arch>=8.0", "8.0", "9.0", "fit"),
        ("arch>=8.0", "7.5", "9.0", "misfit"),
        ("arch>8.0", "8.0", "9.0", "misfit"),
        ("arch<9.0", "7.5", "8.9", "fit"),
        ("arch<9.0", "7.5", "9.0", "misfit"),
        ("arch<=9.0", "7.5", "9.0", "fit"),
        ("arch=8.6", "8.6", "8.6", "fit"),
        ("arch=8.6", "8.0", "8.6", "misfit"),
        ("arch!=7.5", "8.0", "8.6", "fit"),
        ("arch!=7.5", "6.1", "7.0", "fit"),
        ("arch!=7.5", "7.5", "8.6", "misfit"),
        ("ARCH>=8", "8.0", "8.0", "fit"),
    ],
)
def test_a_term_on_the_architecture_must_hold_on_every_gpu(term, low, high, expected):
    assert verdict([f"NVIDIA_REQUIRE_ARCH={term}"], low=low, high=high) == expected


@pytest.mark.parametrize(
    ("term", "brand", "expected"),
    [
        ("brand=Tesla", "tesla", "fit"),
        ("brand=tesla", "mixed", "misfit"),
        ("brand!=tesla", "geforce", "fit"),
        ("brand!=Tesla", "tesla", "misfit"),
        ("brand!=tesla", "mixed", "misfit"),
    ],
)
def test_the_brand_is_compared_without_case_on_every_gpu(term, brand, expected):
    assert verdict([f"NVIDIA_REQUIRE_BRAND={term}"], brand=brand) == expected


@pytest.mark.parametrize(
    ("term", "driver", "expected"),
    [
        ("driver=535", "535.0.0", "fit"),
        ("driver=535.0.0.0.0", "535", "fit"),
        ("driver!=535.104.05", "535.104.5", "misfit"),
        ("driver!=535.104.05", "535.104.06", "fit"),
        ("driver>470", "470.1", "fit"),
        ("driver>470.0", "470", "misfit"),
        ("driver<=470", "470.1", "misfit"),
        ("driver>=9", "10", "fit"),
    ],
)
def test_versions_are_numbers_between_dots_and_trailing_zeros_mean_nothing(term, driver, expected):
    assert verdict([f"NVIDIA_REQUIRE_DRIVER={term}"], driver=driver) == expected


def test_variables_and_spaces_or_commas():
    both = ["NVIDIA_REQUIRE_A=cuda>=12", "NVIDIA_REQUIRE_B=driver>=600"]
    assert verdict(both) == "misfit"
    assert verdict(both[:1]) == "fit"
    assert verdict(["NVIDIA_REQUIRE_A=cuda>=99  driver>=550"]) == "fit"
    assert verdict(["NVIDIA_REQUIRE_A=cuda>=99,driver>=550"]) == "misfit"


def test_a_value_that_the_host_does_not_tell_is_unknown():
    spec, _ = nvidia.parse(["NVIDIA_REQUIRE_CUDA=cuda>=12"])
    assert evaluate(spec, {}).verdict == "unknown"


@pytest.mark.parametrize(
    ("env", "message"),
    [
        (
            ["NVIDIA_REQUIRE_CUDA=cuda>=12 foo=1"],
            'NVIDIA_REQUIRE_CUDA: one of cuda, driver, arch, brand is required, found "foo=1"',
        ),
        (
            ["NVIDIA_REQUIRE_X=drivers>=470"],
            (
                "NVIDIA_REQUIRE_X: one of cuda, driver, arch, brand is "
                'required, found "drivers>=470"; did you mean driver?'
            ),
        ),
        (
            ["NVIDIA_REQUIRE_X=cuda=>12"],
            (
                "NVIDIA_REQUIRE_X: PROPERTY OP VALUE with one of = != < "
                '<= > >= is required, found "cuda=>12" in "cuda=>12"'
            ),
        ),
        (
            ["NVIDIA_REQUIRE_X=cuda>=12,,driver>1"],
            (
                "NVIDIA_REQUIRE_X: PROPERTY OP VALUE with one of = != < "
                '<= > >= is required, found "" in "cuda>=12,,driver>1"'
            ),
        ),
        (
            ["NVIDIA_REQUIRE_X=cuda >= 12"],
            'NVIDIA_REQUIRE_X: PROPERTY OP VALUE with one of = != < <= > >= is required, found "cuda" in "cuda"',
        ),
        (
            ["NVIDIA_REQUIRE_X=cuda>="],
            'NVIDIA_REQUIRE_X: PROPERTY OP VALUE with one of = != < <= > >= is required, found "cuda>=" in "cuda>="',
        ),
        (
            ["NVIDIA_REQUIRE_X=cuda>=12.x"],
            'NVIDIA_REQUIRE_X: a version of one to three numbers is required, found "12.x"',
        ),
        (
            ["NVIDIA_REQUIRE_X=driver>=1.2.3.4"],
            'NVIDIA_REQUIRE_X: a version of one to three numbers is required, found "1.2.3.4"',
        ),
        (["NVIDIA_REQUIRE_X=brand>=t"], 'NVIDIA_REQUIRE_X: brand has no order: = or != is required, found "brand>=t"'),
        (["NVIDIA_REQUIRE_X=\x1b[2J=1"], None),
        (["CUDA_VERSION=latest"], 'CUDA_VERSION: a version of one to three numbers is required, found "latest"'),
        (["NVIDIA_REQUIRE_X=" + "a" * 70_000], "NVIDIA_REQUIRE_X: at most 65536 characters are allowed, found 70000"),
        (
            ["NVIDIA_REQUIRE_X=" + ",".join(["cuda=1"] * 65)],
            "NVIDIA_REQUIRE_X: at most 64 terms are allowed in an alternative, found more",
        ),
        (
            ["NVIDIA_REQUIRE_X=" + ",".join(["cuda!=1"] * 40)],
            "NVIDIA_REQUIRE_X: at most 256 alternatives are allowed, found more",
        ),
    ],
)
def test_what_is_not_understood_is_said(env, message):
    spec, problems = nvidia.parse([*env, "NVIDIA_REQUIRE_OK=cuda>=1"])
    assert spec is None
    (problem,) = [str(one) for one in problems]
    assert problem.isprintable()
    assert message is None or problem == message


@pytest.mark.parametrize(
    "env",
    [
        [],
        ["PATH=/bin", "NVIDIA_VISIBLE_DEVICES=all", "junk"],
        ["NVIDIA_REQUIRE_JETPACK=csv-mounts=all", "NVIDIA_REQUIRE_JETPACK_HOST_MOUNTS=x"],
        ["NVIDIA_REQUIRE_CUDA=", "NVIDIA_REQUIRE_X= "],
    ],
)
def test_where_nothing_is_required_there_is_no_spec(env):
    assert nvidia.parse(env) == (None, ())


def test_the_image_cannot_switch_its_requirement_off():
    """SEC1: only the administrator lifts a requirement."""
    env = ["NVIDIA_DISABLE_REQUIRE=true", "NVIDIA_REQUIRE_CUDA=cuda>=99"]
    assert verdict(env) == "misfit"


def test_an_old_image_without_a_requirement_asks_for_the_cuda_it_names():
    spec, _ = nvidia.parse(["CUDA_VERSION=11.0.3"])
    assert spec.sets[0].rules[0].name == "CUDA_VERSION"
    assert verdict(["CUDA_VERSION=11.0.3"], cuda="11.0") == "fit"
    assert verdict(["CUDA_VERSION=v10.2.89-1"], cuda="10.1") == "misfit"
    assert verdict(["CUDA_VERSION=99.0", "NVIDIA_REQUIRE_CUDA=cuda>=12"]) == "fit"


@settings(max_examples=150, deadline=None)
@given(st.lists(st.text(st.sampled_from("cudariveb=!<>,. 0123\x00~"), max_size=20), max_size=3))
def test_any_value_gives_a_valid_spec_or_problems(values):
    spec, problems = nvidia.parse([f"NVIDIA_REQUIRE_{at}={value}" for at, value in enumerate(values)])
    assert spec is None or not problems
    if spec is not None:
        assert check(to_tree(spec)) == (spec, ())


def test_every_generated_element_is_in_the_vocabulary():
    from hostfit.facts.vocabulary import lookup

    spec, _ = nvidia.parse(["NVIDIA_REQUIRE_X=cuda!=1,driver=2,arch=3,arch!=4,brand!=b"])
    assert check(to_tree(spec), lookup=lookup)[1] == ()
