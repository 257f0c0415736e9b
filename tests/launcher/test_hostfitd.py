"""IS launcher: with hostfitd there, and with it gone in mid-start, every verdict is the one that Python gives alone."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time

import pytest

from hostfit.runtime import record

from .conftest import HOOK, ROOT, run

REQUIRE = {"fits": "kernel.version.full >=3.0; kernel.sysctl.kernel.ostype =Linux",
           "misfits": "kernel.version.full <3.0"}  # fmt: skip
SECONDS = 120


def start(place):
    """Start hostfitd for an installation and wait until it listens."""
    places = (str(place.etc), str(place.run), str(place.var))
    code = f"import sys; sys.path.insert(0, '{ROOT}/src'); from hostfit.service.main import main;"
    code += f"sys.exit(main('hostfitd', {places!r}, []))"
    service = subprocess.Popen([sys.executable, "-I", "-c", code], env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
    wait(lambda: (place.run / "service/decide").exists() or service.poll() is not None)
    assert service.poll() is None
    return service


def wait(condition):
    end = time.monotonic() + SECONDS
    while not (found := condition()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


@pytest.fixture
def hostfitd(place):
    service = start(place)
    yield service
    service.kill()
    service.wait()


def require(bundle, text):
    tree = json.loads((bundle / "config.json").read_text())
    tree["annotations"] = {"io.hostfit.require": text}
    (bundle / "config.json").write_text(json.dumps(tree))


def without_python(place, entry, *words, **options):
    """Run an entry point until the service answers in time: where much else runs, it hands a late decision back."""

    def once():
        done = run(entry, *words, **options)
        return None if b"hostfit-fallback" in done.stderr else done

    script = place.top / "hostfit-fallback"
    kept = script.rename(place.top / "kept")
    done = wait(once)
    kept.rename(script)
    return done


@pytest.mark.parametrize("case", REQUIRE)
def test_the_service_answers_as_python_does(case, place, probe, bundle, hostfitd):
    launcher, hook = place.launcher(gate=False), place.launcher(HOOK, gate=False)
    require(bundle, REQUIRE[case])
    words = ("--root", "/r", "create", "-b", bundle, "c1")
    state = json.dumps({"id": "c1", "bundle": str(bundle)}, separators=(",", ":")).encode()
    answered = [without_python(place, launcher, *words), without_python(place, hook, input=state)]
    recorded = record.load(place.paths, "/r", "c1")
    hostfitd.kill()
    hostfitd.wait()
    alone = [run(launcher, *words), run(hook, input=state)]

    for one, other in zip(answered, alone, strict=True):
        assert (one.returncode, one.stdout, one.stderr) == (other.returncode, other.stdout, other.stderr)
    assert [one.returncode for one in alone] == ([37, 0] if case == "fits" else [1, 1])
    assert (recorded is not None) == (case == "fits")


def test_a_service_that_dies_again_and_again_changes_no_verdict(hasty, probe, tmp_path):
    """Each start falls somewhere into the life of a service: before, while and after it answers."""
    launcher = hasty.launcher(gate=False)
    bundles = {}
    for case, text in REQUIRE.items():
        bundles[case] = tmp_path / case
        bundles[case].mkdir()
        (bundles[case] / "config.json").write_text('{"ociVersion": "1.0.2", "process": {}, "root": {"path": "rootfs"}}')
        require(bundles[case], text)
    seen = []

    def engine(number):
        case = "fits" if number % 2 else "misfits"
        for turn in range(6):
            done = run(launcher, "create", "-b", bundles[case], f"c{number}.{turn}")
            seen.append((case, done.returncode))

    engines = [threading.Thread(target=engine, args=(number,)) for number in range(4)]
    for one in engines:
        one.start()
    for pause in (0, 0.002, 0.005, 0.01, 0.02, 0.05):
        service = start(hasty)
        time.sleep(pause)
        service.kill()
        service.wait()
        (hasty.run / "service/decide").unlink(missing_ok=True)
    for one in engines:
        one.join()

    assert len(seen) == 24
    assert set(seen) == {("fits", 37), ("misfits", 1)}
