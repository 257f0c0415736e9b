"""`hostfit lint`: checks what was written, converts it, and checks the configuration (IA3)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from hostfit.core.read import read_spec
from hostfit.oci.files import is_host_root

EXAMPLES = Path(__file__).parents[1] / "examples"
CLAUSES = "kernel.version.full >=5.15 <6.12; kernel.loadedmodule.gtp5g exists; pci.device vendor=10de || vendor=15b3"


@pytest.mark.parametrize("name", ["upf", "sriov", "mixed", "cuda12"])
def test_the_worked_examples_are_valid(hostfit, name):
    done = hostfit("lint", EXAMPLES / f"{name}.yaml")

    assert done.code == 0
    assert done.out == f"{EXAMPLES / name}.yaml: valid\n"


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_conversion_keeps_the_meaning(hostfit, tmp_path, form):
    done = hostfit("lint", "--require", CLAUSES, "--convert", form)
    target = tmp_path / "converted"
    target.write_text(done.out)

    back = hostfit("lint", target, "--convert", "flat")

    assert back.out == CLAUSES + "\n"
    assert read_spec(done.out, place="converted") == read_spec(target.read_bytes(), place="target")


def test_standard_input_is_read_and_called_so(hostfit, monkeypatch):
    import io
    import sys

    def given(data):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))

    given((EXAMPLES / "upf.yaml").read_bytes())
    assert hostfit("lint", "-").out == "standard input: valid\n"
    for command in (("lint", "-"), ("check", "--spec", "-")):
        given(b"x\n")
        assert hostfit(*command).err == 'hostfit: standard input: document: a mapping is required, found text "x"\n'


@pytest.mark.parametrize("command", ["lint", "check"])
def test_clauses_are_called_by_their_option(hostfit, command):
    assert hostfit(command, "--require", "kernel.version.full >=").err.startswith(
        "hostfit: option --require: clause 1 "
    )


def test_every_problem_is_reported_at_once_with_place_and_line(hostfit, tmp_path):
    bad = tmp_path / "bad.yaml"
    bad.write_text(
        "version: v1alpha1\ncompatibilities:\n- rules:\n  - name: a\n    matchFeatures:\n"
        "    - feature: kernel.loadedmodul\n      matchExpressions:\n        x: {op: Exists, value: [y]}\n"
        "    - feature: kernel.version\n      matchExpressions:\n        full: {op: Larger, value: [y]}\n"
    )

    done = hostfit("lint", bad)

    assert done.code == 5
    assert "line 6" in done.err
    assert 'did you mean "kernel.loadedmodule"' in done.err
    assert "Larger" in done.err


def test_warnings_are_errors_where_asked(hostfit, tmp_path):
    weak = tmp_path / "weak.yaml"
    rule = {"feature": "kernel.loadedmodule", "matchExpressions": {"vfio-pci": {"op": "Exists"}}}
    rules = [{"name": "vfio", "matchFeatures": [rule]}]
    weak.write_text(yaml.safe_dump({"version": "v1alpha1", "compatibilities": [{"rules": rules}]}))

    lenient, strict = hostfit("lint", weak), hostfit("lint", "--strict", weak)

    assert (lenient.code, strict.code) == (0, 5)
    assert "vfio_pci" in lenient.err


def test_the_schema_that_lint_uses_is_published(hostfit):
    schema = json.loads(hostfit("lint", "--schema").out)

    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_the_configuration_is_checked_and_compiled(hostfit, prefix):
    (prefix / "etc/hostfit/hostfit.toml").write_text('[policy]\non_unknown = "deny"\n')

    done = hostfit("lint")

    assert done.code == 0
    assert "on_unknown = deny" in done.out
    assert (prefix / "var/lib/hostfit/compiled/policy.json").exists()


def test_a_bad_configuration_is_refused_with_file_line_and_suggestion(hostfit, prefix):
    (prefix / "etc/hostfit/hostfit.toml").write_text('[policy]\n\non_unknwon = "deny"\n')

    done = hostfit("lint")

    assert done.code == 2
    assert "hostfit.toml" in done.err
    assert "on_unknown" in done.err
    assert not (prefix / "var/lib/hostfit/compiled/policy.json").exists()


def test_convert_takes_one_spec(hostfit):
    done = hostfit("lint", EXAMPLES / "upf.yaml", EXAMPLES / "mixed.yaml", "--convert", "json")

    assert (done.code, done.err) == (2, "hostfit: option --convert: exactly one spec expected, found 2\n")


def test_every_fault_of_the_configuration_is_shown_at_once(hostfit, prefix):
    (prefix / "etc/hostfit/hostfit.toml").write_text('[policy]\non_misift = "deny"\non_error = "maybe"\n')
    for name in ("images.d", "vocabulary.d"):
        (prefix / "etc/hostfit" / name).mkdir()
    (prefix / "etc/hostfit/vocabulary.d/x.yaml").write_text("colour: blue\n")
    (prefix / "etc/hostfit/images.d/upf.yaml").write_text(
        'images: ["*/upf:*"]\nspec:\n  version: v1alpha1\n  compatibilities:\n  - rules:\n    - name: a\n'
        "      matchFeatures:\n      - feature: kernel.loadedmodul\n        matchExpressions: {gtp5g: {op: Exist}}\n"
    )

    done = hostfit("lint")

    assert done.code == 5
    for expected in (
        "hostfit.toml:2: policy.on_misift: required a known key",
        'hostfit.toml:3: policy.on_error: required one of allow, warn, deny, found "maybe"',
        'vocabulary.d/x.yaml: colour (line 1): key "colour" is not known',
        '.feature (line 8): feature "kernel.loadedmodul" is not known; did you mean "kernel.loadedmodule"?',
        'found "Exist"; did you mean "Exists"?',
    ):
        assert expected in done.err, expected
    assert not (prefix / "var/lib/hostfit/compiled/policy.json").exists()


def test_what_the_flat_form_cannot_say_is_named_with_the_file(hostfit):
    done = hostfit("lint", "--convert", "flat", EXAMPLES / "mixed.yaml")

    assert done.code == 5
    assert done.err.startswith(f"hostfit: {EXAMPLES}/mixed.yaml: compatibilities[0]")
    assert "io.hostfit.spec" in done.err


def test_what_cannot_be_written_is_a_warning_without_the_operating_system_s_words(hostfit, prefix):
    (prefix / "etc/hostfit/hostfit.toml").write_text('[policy]\non_unknown = "deny"\n')
    (prefix / "var/lib/hostfit/compiled").write_text("")

    done = hostfit("lint")

    assert done.code == 0
    assert done.err == f"hostfit: warning: {prefix}/var/lib/hostfit/compiled/policy.json: cannot be written: EEXIST\n"


def test_root_compiles_the_absence_of_a_configuration_too_for_the_launcher_needs_a_table(hostfit, prefix):
    assert hostfit("lint").code == 0
    assert (prefix / "var/lib/hostfit/compiled/launcher").exists() == is_host_root()


def test_a_spec_must_not_ask_for_the_request(hostfit):
    """Which requests a runtime is for is the administrator's to say; of an image it would be unknown for ever."""
    done = hostfit("lint", "--require", "request.env.CUDA_VERSION exists")

    assert done.code == 5
    assert 'feature "request.env" is for the administrator\'s rules on runtimes alone' in done.err
