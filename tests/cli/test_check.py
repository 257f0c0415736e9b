"""`hostfit check`: every verdict has its exit code, the JSON report keeps to its schema (SA1, SA4, SA5)."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import jsonschema
import pytest

from hostfit.cli.schemas import report_schema_text
from hostfit.policy.model import Policy

TESTS = Path(__file__).parents[1]
HOSTS = TESTS / "hosts"
EXAMPLES = TESTS / "examples"
WITH_GTP5G = HOSTS / "free5gc-gtp5g-loaded-on-5.4" / "root"
WITHOUT_GTP5G = HOSTS / "ubuntu-20.04-5.4-without-gtp5g" / "root"
UPF = EXAMPLES / "upf.yaml"


def test_fit_ends_with_0(hostfit):
    done = hostfit("check", "--spec", UPF, "--root", WITH_GTP5G)

    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[0] == "hostfit: this spec fits this host"


def test_misfit_ends_with_1_and_says_what_is_missing(hostfit):
    done = hostfit("check", "--spec", UPF, "--root", WITHOUT_GTP5G)

    assert done.code == 1
    assert done.out.splitlines()[0] == (
        "hostfit: this spec does not fit this host: kernel.module gtp5g: "
        "required one of loaded, builtin, loadable, found absent"
    )
    assert "https://github.com/free5gc/gtp5g" in done.out
    assert "modprobe gtp5g" in done.out


def test_unknown_ends_with_3_and_names_what_could_not_be_read(hostfit, tmp_path):
    done = hostfit("check", "--require", "kernel.cmdline.quiet exists", "--root", tmp_path)

    assert done.code == 3
    assert "/proc/cmdline: ENOENT" in done.out.splitlines()[0]


def test_an_invalid_spec_ends_with_5_and_names_every_problem(hostfit, tmp_path):
    bad = tmp_path / "bad.yaml"
    bad.write_text("version: v1alpha1\ncompatibilities:\n- rules:\n  - name: a\n    matchFeature: []\n  - name: b\n")

    done = hostfit("check", "--spec", bad)

    assert done.code == 5
    assert 'did you mean "matchFeatures"' in done.err
    assert "rules[1]" in done.err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((), "nothing to check: IMAGE, --bundle, --spec, --require or --platform expected, found none"),
        (("alpine", "--bundle", "/b"), "IMAGE and --bundle: at most one expected, found both"),
        (("--platform", "linux"), "option --platform: OS/ARCH or OS/ARCH/VARIANT expected, found linux"),
        (("--spec", "/no/such.yaml"), "file /no/such.yaml: cannot be read: ENOENT"),
        (("--require", "a.b exists", "--facts", "f", "--root", "/"), "options --facts and --root: at most one"),
        (("--format", "xml"), "invalid choice: 'xml'"),
    ],
)
def test_bad_usage_ends_with_2_and_says_what_was_expected(hostfit, arguments, complaint):
    done = hostfit("check", *arguments)

    assert done.code == 2
    assert complaint in done.err


def test_a_bad_policy_ends_with_2(hostfit, prefix):
    (prefix / "etc/hostfit/hostfit.toml").write_text('[policy]\non_misfits = "deny"\n')

    done = hostfit("check", "--require", "kernel.version.major >=1")

    assert done.code == 2
    assert "on_misfits" in done.out
    assert "on_misfit" in done.out


def test_a_crash_ends_with_4_and_no_traceback(hostfit, monkeypatch):
    monkeypatch.setattr("hostfit.cli.check._request", lambda _options: 1 // 0)

    done = hostfit("check", "--require", "kernel.version.major >=1")

    assert done.code == 4
    assert done.err.startswith("hostfit: internal error: ZeroDivisionError")
    assert "Traceback" not in done.err


@pytest.mark.parametrize("root", [WITH_GTP5G, WITHOUT_GTP5G])
def test_the_json_report_keeps_to_its_schema(hostfit, root):
    done = hostfit("check", "--spec", UPF, "--root", root, "--format", "json")

    report = json.loads(done.out)
    jsonschema.Draft202012Validator(json.loads(report_schema_text())).validate(report)
    leaf = report["documents"][0]["sets"][0]["rules"][1]["expressions"][0]
    assert leaf["required"] == "gtp5g"
    assert leaf["observed"]


def test_a_recorded_host_answers_as_the_host_does(hostfit, tmp_path):
    recording = tmp_path / "host.json"
    hostfit("facts", "--root", WITHOUT_GTP5G, "--output", recording)

    recorded = hostfit("check", "--spec", UPF, "--facts", recording)
    live = hostfit("check", "--spec", UPF, "--root", WITHOUT_GTP5G)

    assert (recorded.code, recorded.out.splitlines()[0]) == (live.code, live.out.splitlines()[0])


@pytest.mark.parametrize(
    ("platform", "code"), [("linux/amd64/v2", 0), ("linux/amd64/v3", 1), ("linux/arm64", 1), ("windows/amd64", 1)]
)
def test_platform_down_to_the_level_of_the_processor(hostfit, platform, code):
    """IA2c: an old Xeon runs v2 and nothing newer."""
    done = hostfit("check", "--platform", platform, "--root", HOSTS / "intel-westmere-x86-64-v2-no-avx" / "root")

    assert done.code == code


def test_schema_is_printed_on_request(hostfit):
    assert json.loads(hostfit("check", "--schema").out) == json.loads(report_schema_text())


def test_an_image_in_an_oci_layout_is_judged(hostfit, tmp_path):
    """SA1: an image made with umoci, without an engine."""
    layout = tmp_path / "layout"
    if shutil.which("umoci") is None:
        pytest.skip("umoci is not installed")
    for words in (
        ("init", "--layout", layout),
        ("new", "--image", f"{layout}:upf"),
        (
            "config",
            "--image",
            f"{layout}:upf",
            "--manifest.annotation",
            "io.hostfit.require=kernel.loadedmodule.gtp5g exists",
        ),
    ):
        subprocess.run(["umoci", *map(str, words)], check=True, capture_output=True)

    fit, misfit = [hostfit("check", f"oci:{layout}:upf", "--root", root) for root in (WITH_GTP5G, WITHOUT_GTP5G)]

    assert (fit.code, fit.out.splitlines()[0]) == (0, "hostfit: upf fits this host")
    assert (misfit.code, misfit.out.splitlines()[0]) == (
        1,
        "hostfit: upf does not fit this host: kernel.loadedmodule gtp5g: required present, found absent",
    )
    assert hostfit("check", f"oci:{layout}:other").code == 2
    assert (
        'has no platform "linux/s390x", found' in hostfit("check", f"oci:{layout}:upf", "--platform", "linux/s390x").err
    )


def test_a_bundle_is_judged_by_its_annotations(hostfit, tmp_path, monkeypatch):
    annotations = {"io.hostfit.require": "kernel.loadedmodule.gtp5g exists"}
    (tmp_path / "config.json").write_text(json.dumps({"ociVersion": "1.0.2", "annotations": annotations}))
    monkeypatch.chdir(tmp_path)

    done = hostfit("check", "--bundle", ".", "--root", WITHOUT_GTP5G)

    assert done.code == 1
    assert "kernel.loadedmodule gtp5g: required present, found absent" in done.out.splitlines()[0]


def test_another_host_than_this_one_is_named(hostfit):
    done = hostfit("check", "--spec", UPF, "--root", WITHOUT_GTP5G)

    assert f"host:         the tree below {WITHOUT_GTP5G}" in done.out.splitlines()


def test_the_first_line_stays_whole(hostfit):
    """People search journals for it."""
    done = hostfit("check", "--require", "kernel.nothing.atall exists", "--root", WITHOUT_GTP5G)

    assert done.out.splitlines()[0].endswith("(kernel.nothing: not a feature that this version of hostfit knows)")
    assert done.out.splitlines()[1] == ""


def test_a_slip_in_a_requirement_is_warned_about(hostfit):
    done = hostfit("check", "--require", "kernel.vershion.full >=5", "--root", WITH_GTP5G)

    assert done.code == 3
    assert done.err == (
        "hostfit: warning: option --require: feature kernel.vershion.full is not in the vocabulary; "
        "did you mean kernel.version?\n"
    )


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--root", "/no/such"), "option --root: required a directory, found none at /no/such"),
        (
            ("--runtime", "rnuc"),
            f"option --runtime: required one of {', '.join(sorted(Policy().runtimes))}, found rnuc",
        ),
        (("--bundle", "/no/such"), "/no/such/config.json: must be a readable bundle configuration, found ENOENT"),
    ],
)
def test_what_is_not_there_is_bad_usage(hostfit, arguments, complaint):
    done = hostfit("check", "--require", "kernel.version.major >=1", *arguments)

    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines()[0] == f"hostfit: {complaint}"


@pytest.mark.parametrize("form", ["--spec", "--require"])
def test_an_invalid_spec_is_a_report_too_where_json_is_asked_for(hostfit, tmp_path, form):
    (tmp_path / "bad.yaml").write_text(
        "version: v1alpha1\ncompatibilities:\n- rules:\n  - name: a\n    matchFeature: []\n"
    )

    done = hostfit(
        "check", form, tmp_path / "bad.yaml" if form == "--spec" else "cpu.count.cpus >=>= 4", "--format", "json"
    )

    report = json.loads(done.out)
    jsonschema.Draft202012Validator(json.loads(report_schema_text())).validate(report)
    assert (done.code, report["verdict"], bool(report["documents"][0]["problems"])) == (5, "invalid", True)
