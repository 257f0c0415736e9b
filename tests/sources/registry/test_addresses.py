"""Where a registry may send its clients (R19)."""

from __future__ import annotations

import pytest

from hostfit.sources.registry.addresses import LINK_LOCAL, LOOPBACK, PUBLIC, REFUSED, kind, same_site


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("93.184.216.34", PUBLIC), ("10.0.0.1", PUBLIC), ("192.168.1.1", PUBLIC), ("2001:db8::1", PUBLIC),
        ("fd00::1", PUBLIC), ("127.0.0.1", LOOPBACK), ("127.255.0.9", LOOPBACK), ("::1", LOOPBACK),
        ("169.254.169.254", LINK_LOCAL), ("fe80::1%eth0", LINK_LOCAL), ("::ffff:169.254.169.254", LINK_LOCAL),
        ("2002:a9fe:a9fe::", LINK_LOCAL), ("::ffff:127.0.0.1", LOOPBACK), ("0.0.0.0", REFUSED), ("::", REFUSED),
        ("224.0.0.1", REFUSED), ("ff02::1", REFUSED), ("100.100.100.200", REFUSED), ("fd00:ec2::254", REFUSED),
        ("", REFUSED), ("localhost", REFUSED),
    ],
)  # fmt: skip
def test_kind_of_an_address(address, expected):
    assert kind(address) == expected


@pytest.mark.parametrize(
    ("realm", "registry", "expected"),
    [
        ("auth.docker.io", "registry-1.docker.io", True), ("ghcr.io", "ghcr.io", True),
        ("gitlab.example.com", "registry.example.com", True), ("example.com", "registry.example.com", True),
        ("evil.com", "registry.example.com", False), ("example.com.evil.net", "registry.example.com", False),
        ("evil.co.uk", "registry.shop.co.uk", False), ("auth.shop.co.uk", "registry.shop.co.uk", True),
        ("other", "registry", False), ("registry", "registry", True), ("10.0.0.2", "10.0.0.1", False),
        ("10.0.0.1", "10.0.0.1", True), ("[::1]", "[::2]", False), ("a..io", "b..io", False),
        ("xexample.com", "registry.example.com", False),
    ],
)  # fmt: skip
def test_token_server_is_of_the_same_domain(realm, registry, expected):
    assert same_site(realm, registry) is expected
