"""R4, R8: what is judged is what the runtime reads, whatever way the command line names it."""

from __future__ import annotations

import subprocess

import pytest


def call(launcher, *words, **options):
    return subprocess.run([launcher, *words], capture_output=True, check=False, stdin=subprocess.DEVNULL, **options)


@pytest.mark.parametrize("name", ["other.json", "./config.json"])
def test_another_configuration_is_looked_for_where_crun_does_in_the_working_directory(name, place, probe, bundle):
    launcher = place.launcher(runtime=probe.path)
    (bundle / "other.json").write_text("{")
    (place.top / name).write_text((bundle / "config.json").read_text())

    assert call(launcher, "create", "-b", bundle, f"--config={name}", "c1", cwd=place.top).returncode == 37

    (place.top / name).write_text("{")
    done = call(launcher, "create", "-b", bundle, f"--config={name}", "c2", cwd=place.top)

    assert f"{place.top / name}: not valid JSON" in done.stderr.decode()


def test_the_usual_configuration_given_by_its_name_is_the_one_of_the_bundle(place, probe, bundle):
    done = call(place.launcher(runtime=probe.path), "create", "-b", bundle, "--config=config.json", "c", cwd="/")

    assert done.returncode == 37


@pytest.mark.parametrize("words", [["--bundle", "way/../bundle"], ["--bundle=bundle", "--config=way/../bundle/c.json"]])
def test_a_path_back_out_of_a_link_is_the_one_that_the_kernel_takes(words, place, probe, bundle):
    other = place.top / "other"
    (other / "way").mkdir(parents=True)
    (other / "bundle").mkdir()
    (place.top / "way").symlink_to(other / "way")
    for name in ("config.json", "c.json"):
        (bundle / name).write_text("{}")
        (other / "bundle" / name).write_text("{")

    done = call(place.launcher(runtime=probe.path), "create", *words, "c1", cwd=place.top)

    assert (done.returncode, "not valid JSON" in done.stderr.decode()) == (1, True)


@pytest.mark.parametrize("word", ["-b={}", "-db={}"])
def test_a_bundle_that_runc_and_crun_would_take_for_different_ones_is_refused(word, place, probe, bundle):
    """runc takes -b=DIR for DIR, crun for a directory called =DIR."""
    done = call(place.launcher(runtime=probe.path), "run", word.format(bundle), "c1")

    assert done.returncode == 1
    assert "bundle: required as --bundle DIR, found -" in done.stderr.decode()
