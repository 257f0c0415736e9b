"""A configuration directory of the test's own, with files as only root may write them."""

from __future__ import annotations

import os

import pytest

from hostfit.core.paths import Paths


class Site:
    """/etc/hostfit, /run/hostfit and /var/lib/hostfit below one directory."""

    def __init__(self, base):
        self.base = base
        self.paths = Paths(f"{base}/etc/hostfit", f"{base}/run/hostfit", f"{base}/var/lib/hostfit")
        self.etc = base / "etc" / "hostfit"
        self.etc.mkdir(parents=True)

    def write(self, name, text):
        file = self.etc / name
        file.parent.mkdir(exist_ok=True)
        if isinstance(text, bytes):
            file.write_bytes(text)
        else:
            file.write_text(text)
        file.chmod(0o644)
        return file


@pytest.fixture
def site(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("a policy is trusted only if root owns it")
    return Site(tmp_path)
