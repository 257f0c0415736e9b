"""What `os.version` and `os.features` of an image's platform ask of a host that is not Linux, as rules.

Sources: containerd's `platforms` package and hcsshim's `osversion` for Windows (process isolation); FreeBSD's rule that
a userland is never newer than its kernel; solaris-oci(7) for illumos and Solaris, whose userland is always in sync with
the global zone. Of Linux images neither says anything about the host: the image-spec leaves it to implementations.
"""

from __future__ import annotations

from hostfit.core.spec import Expression, Matcher, Rule, Term
from hostfit.core.versions import parse_host

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.core.image import Platform

_SYSTEM = "system.platform"
_LTSC2022, _LTSC2025 = 20348, 26100
"""Builds of Windows Server 2022 and 2025: from the first on, hosts run images of the last such build before their own
and of every build since."""
_WIN32K = "win32k"


def rules(platform: Platform) -> tuple[Rule, ...]:
    """Give the rules for a platform whose names are normalised; none for Linux, and where it asks for nothing."""
    found = []
    if platform.os_version and platform.os not in ("linux", ""):
        matcher = _version(platform.os, platform.os_version)
        found.append(_rule(f"os.version {platform.os_version}", matcher))
    for feature in platform.os_features if platform.os != "linux" else ():
        if feature == _WIN32K and platform.os == "windows":
            # Every edition has it but Nano Server; a host that does not say which it is, is none.
            edition = Expression("NotIn", ("nano",))
            matcher = _either(_term(os_edition=Expression("DoesNotExist")), _term(os_edition=edition))
        else:
            matcher = Matcher((Term(_SYSTEM, {feature: Expression("Exists")}),))
        found.append(_rule(f"os.features {feature}", matcher))
    return tuple(found)


def order(version: str) -> tuple[int, ...]:
    """Give a key by which a later version of the same system is the greater one."""
    return parse_host(version) or ()


def _version(system: str, version: str) -> Matcher:
    if system == "windows":
        return _either(_term(os_version=Expression("DoesNotExist")), _windows(version))
    numbers = parse_host(version) if system == "freebsd" else None
    if numbers is None:
        return Matcher(_term(os_version=Expression("In", (version,))))
    oldest = Expression("Ge", (f"{numbers[0]}.{numbers[1]}",), "version")
    return Matcher(_term(os_version=oldest))


def _windows(version: str) -> tuple[Term, ...]:
    """The hosts that run an image of this version: major and minor are equal, the revision does not count."""
    parts = version.split(".")
    numbers = parse_host(version) if len(parts) > 2 else None
    major, minor, build = numbers or (0, 0, 0)
    if build < _LTSC2022:
        above = f"{major}.{minor}.{build + 1}"
    elif build < _LTSC2025:
        above = f"{major}.{minor}.{_LTSC2025 + 1}"
    else:
        above = f"{major}.{minor + 1}.0"
    least = Expression("Ge", (f"{major}.{minor}.{build}",), "version")
    return (*_term(os_version=least), *_term(os_version=Expression("Lt", (above,), "version")))


def _term(**expressions: Expression) -> tuple[Term, ...]:
    return (Term(_SYSTEM, dict(expressions)),)


def _either(*branches: tuple[Term, ...]) -> Matcher:
    return Matcher(None, branches)


def _rule(name: str, matcher: Matcher) -> Rule:
    return Rule(name, matcher, path="platform")
