"""Launchers find the package wherever they were installed and run isolated, whatever an installer did to line one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

import pytest

from .conftest import FALLBACK, HOOK, ROOT, WRAPPER


@pytest.mark.parametrize("launcher", [WRAPPER, HOOK, FALLBACK])
def test_a_launcher_is_eight_lines_beside_its_docstring_and_runs_isolated(launcher):
    lines = [line for line in launcher.read_text().splitlines() if line]

    assert lines[0] == "#!/usr/bin/python3 -IS"
    assert lines[1].startswith('"""')
    assert lines[1].endswith('"""')
    assert len(lines) - 2 <= 8
    assert launcher.stat().st_mode & 0o777 == 0o755


LAYOUTS = {
    "checkout": ("src/launcher", "src"),
    "checkout's hooks": ("hooks", "src"),
    "Debian": ("usr/bin", "usr/lib/python3/dist-packages"),
    "virtual environment": ("venv/bin", "venv/lib/python{0}.{1}/site-packages"),
    "pip as root": ("usr/local/bin", "usr/local/lib/python{0}.{1}/dist-packages"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_package_is_found_from_the_launchers_own_place(layout, tmp_path):
    version = subprocess.run(
        ["/usr/bin/python3", "-c", "import sys; print(*sys.version_info[:2])"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    bin_dir, lib = (tmp_path / one.format(*version) for one in LAYOUTS[layout])
    bin_dir.mkdir(parents=True)
    lib.mkdir(parents=True, exist_ok=True)
    (lib / "hostfit").symlink_to(ROOT / "src/hostfit")
    launcher = bin_dir / "hostfit-runtime"
    text = WRAPPER.read_text().replace("from hostfit", "os.write(1, sys.path[-1].encode() + b'\\n')\nfrom hostfit")
    launcher.write_text(re.sub('"(/(?:etc|run|var/lib)/hostfit)"', rf'"{tmp_path}\1"', text))
    launcher.chmod(0o755)
    link = tmp_path / "hostfit-runtime-link"
    link.symlink_to(launcher)

    done = subprocess.run([link, "--version"], capture_output=True, text=True, check=False, cwd=tmp_path)

    assert done.stdout.splitlines()[0] == str(lib), done.stderr


@pytest.mark.parametrize("environ", [{}, {"LC_CTYPE": "C", "PYTHONWARNINGS": "error"}, {"LD_LIBRARY_PATH": "/opt/lib"}])
def test_a_launcher_whose_first_line_lost_its_flags_restores_them_and_the_environment(environ, place, probe, bundle):
    """pip writes `#!/path/of/python` there."""
    launcher = place.launcher(
        runtime=probe.path, extra="os.write(1, b'%d %d\\n' % (sys.flags.isolated, sys.flags.no_site))"
    )
    script = place.python(launcher)
    lines = script.read_text().split("\n")
    script.write_text("\n".join(["#!/usr/bin/python3", *lines[1:]]))

    done = subprocess.run(
        [launcher, "create", b"-b", bundle, b"\xff\xfe"], capture_output=True, check=False, env=environ
    )

    assert done.stdout.splitlines()[0] == b"1 1", done.stderr
    seen = probe.take()
    assert seen["environ"] == b"".join(f"{key}={value}".encode() + b"\0" for key, value in environ.items())
    assert seen["cmdline"].endswith(b"\0\xff\xfe\0")


def test_a_hostile_library_path_of_the_caller_is_no_reason_to_refuse(place, probe, bundle):
    """containerd itself sets LD_LIBRARY_PATH."""
    launcher = place.launcher(runtime=probe.path)
    environ = {"LD_LIBRARY_PATH": "/nonexistent", "GCONV_PATH": "/tmp", "PYTHONPATH": "/x", "PYTHONHOME": "/y"}

    assert subprocess.run([launcher, "create", "-b", bundle, "c"], check=False, env=environ).returncode == 37


def test_python_modules_in_the_working_directory_are_not_imported(place, probe, bundle):
    for name in ("os", "_json", "hostfit", "json", "site"):
        (bundle / f"{name}.py").write_text("raise SystemExit(99)")

    assert subprocess.run([place.launcher(runtime=probe.path), "create", "c"], check=False, cwd=bundle).returncode == 37


def test_a_launcher_in_a_directory_of_a_strange_name_works(place, probe, bundle):
    folder = os.fsencode(place.top) + b"/a b\xff"
    os.mkdir(folder)
    shutil.copy(os.fsencode(place.launcher(runtime=probe.path)), folder)

    done = subprocess.run([folder + b"/hostfit-runtime", "create", "-b", bundle, "c"], check=False, capture_output=True)

    assert done.returncode == 37, done.stderr
