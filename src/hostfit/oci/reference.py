"""Names of images as people and engines write them: `domain/path:tag@digest`.

Source: grammar of github.com/distribution/reference; the defaults of Docker's short names are `normalised`.
"""

from __future__ import annotations

from hostfit.core import text as safe
from hostfit.oci import digest as digests

_LOWER = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")
_ALNUM = _LOWER | frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_TAG = _ALNUM | frozenset("_.-")
_IPV6 = frozenset("0123456789abcdefABCDEF:")
_NAME_LENGTH, _TAG_LENGTH = 255, 128


class Reference:
    """One name taken apart; `domain`, `tag` and `digest` are empty where the text has none."""

    __slots__ = ("digest", "domain", "path", "tag")

    def __init__(self, path: str, *, domain: str = "", tag: str = "", digest: str = "") -> None:
        self.domain = domain
        self.path = path
        self.tag = tag
        self.digest = digest

    @property
    def repository(self) -> str:
        """Domain and path, without tag and digest."""
        return f"{self.domain}/{self.path}" if self.domain else self.path

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Reference) and str(other) == str(self)

    def __hash__(self) -> int:
        return hash(str(self))

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return self.repository + tag + (f"@{self.digest}" if self.digest else "")

    def __repr__(self) -> str:
        return f"Reference({str(self)!r})"


def parse(text: str) -> Reference:
    """Take a name apart as it stands; raises ValueError with a one-line reason."""
    rest, at, digest = text.partition("@")
    if at and not digests.valid(digest):
        raise ValueError(f"{safe.quoted(text)}: digest must be sha256 or sha512 in lower-case hex")
    slash = rest.rfind("/")
    colon = rest.find(":", slash + 1)
    tag = ""
    if colon >= 0:
        rest, tag = rest[:colon], rest[colon + 1 :]
        if not _is_tag(tag):
            raise ValueError(f"{safe.quoted(text)}: tag must be 1 to 128 letters, digits or _.-, not first . or -")
    domain, slashed, path = rest.partition("/")
    if not slashed or not _is_domain(domain):
        domain, path = "", rest
    if not all([_is_component(part) for part in path.split("/")]):
        raise ValueError(f"{safe.quoted(text)}: repository must be lower-case words joined by / . _ __ or -")
    if len(rest) > _NAME_LENGTH:
        raise ValueError(f"{safe.quoted(text)}: repository must not be longer than {_NAME_LENGTH} characters")
    return Reference(path, domain=domain, tag=tag, digest=digest)


def normalised(text: str) -> Reference:
    """Take a name apart as Docker and containerd's CRI do: `docker.io` and `library/` where they are left out.

    Raises ValueError as `parse` does, and for 64 hex digits, which name an image ID.
    """
    if len(text) == 64 and not set(text) - set("0123456789abcdef"):
        raise ValueError(f"{safe.quoted(text)}: 64 hex digits are an image ID, not a name")
    first, slash, rest = text.partition("/")
    is_domain = bool(slash) and ("." in first or ":" in first or first == "localhost" or first != first.lower())
    if not is_domain:
        first, rest = "docker.io", text
    elif first == "index.docker.io":
        first = "docker.io"
    if first == "docker.io" and "/" not in rest:
        rest = "library/" + rest
    return parse(f"{first}/{rest}")


def qualified(text: str) -> Reference:
    """Take a full name apart, one that says on which registry the image is; raises ValueError, for a short name too."""
    first, slash, _ = text.partition("/")
    is_domain = bool(slash) and ("." in first or ":" in first or first == "localhost")
    if not is_domain:
        raise ValueError(f"{safe.quoted(text)}: the registry must be named before the first slash")
    found = normalised(text)
    port = found.domain.rpartition(":")[2] if ":" in found.domain else ""
    if not found.domain or (port.isdigit() and not 0 < int(port) < 1 << 16):
        raise ValueError(f"{safe.quoted(text)}: the registry must be a host that can be asked, with a port or without")
    return found


def readings(name: str) -> tuple[str, ...]:
    """Give every full name that a name typed by a person may stand for, the likeliest first.

    These are the name itself, with Docker's defaults, and below `localhost`, as Podman and buildah name local builds;
    the tag is `latest` where there is neither tag nor digest. What is no name at all stands for itself.
    """
    if not name:
        return ()
    try:
        plain, full = parse(name), normalised(name)
    except ValueError:
        return (name,)
    known = [plain, full]
    if not plain.domain:
        known.append(Reference(plain.path, domain="localhost", tag=plain.tag, digest=plain.digest))
    for one in known:
        one.tag = one.tag or ("" if one.digest else "latest")
    return tuple(dict.fromkeys([name, *[str(one) for one in known]]))


def digest_of(name: str) -> str:
    """The digest that a name is or ends in, empty for none that is valid."""
    digest = name.rpartition("@")[2]
    return digest if digests.valid(digest) else ""


def _is_tag(tag: str) -> bool:
    return 0 < len(tag) <= _TAG_LENGTH and _TAG.issuperset(tag) and tag[0] not in ".-"


def _is_domain(text: str) -> bool:
    """`host[:port]`, host a DNS name, an IPv4 address or an IPv6 address in brackets."""
    if text.startswith("["):
        host, bracket, port = text[1:].partition("]")
        if not bracket or not host or not _IPV6.issuperset(host):
            return False
        return not port or (port[0] == ":" and _is_port(port[1:]))
    host, colon, port = text.partition(":")
    if colon and not _is_port(port):
        return False
    return all([_is_label(label) for label in host.split(".")])


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _is_label(label: str) -> bool:
    return bool(label) and (_ALNUM | {"-"}).issuperset(label) and label[0] != "-" and label[-1] != "-"


def _is_component(part: str) -> bool:
    """Words of [a-z0-9] joined by one separator each: `.`, `_`, `__` or any number of `-`."""
    if not part or part[0] not in _LOWER or part[-1] not in _LOWER:
        return False
    separator = ""
    for char in part:
        if char in _LOWER:
            if separator not in ("", ".", "_", "__") and separator.strip("-"):
                return False
            separator = ""
        elif char in "._-":
            separator += char
        else:
            return False
    return True
