"""From the name of an image to its repository: where this host's configuration says that it lies, and who we are there.

hostfit's own files (registries.conf, registries.conf.d, certs.d and auth.json below /etc/hostfit) come before those of
Podman, containerd and Docker.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hostfit.core.errors import UsageError
from hostfit.oci import reference as references
from hostfit.sources.registry import hostsdir, registriesconf
from hostfit.sources.registry.client import Client
from hostfit.sources.registry.credentials import Credentials, default_files
from hostfit.sources.registry.endpoint import PULL, PUSH, RESOLVE, Endpoint
from hostfit.sources.registry.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hostfit.oci.reference import Reference
    from hostfit.sources.registry.registriesconf import Location

_READ = {"all": frozenset([PULL, RESOLVE]), "digest-only": frozenset([PULL]), "tag-only": frozenset([RESOLVE])}
_OWN = frozenset([PULL, RESOLVE, PUSH])


class Access:
    """The way of this host to registries; `etc` is hostfit's own directory.

    `plain_http` says that no registry needs TLS: the user said so on the command line.
    """

    def __init__(
        self, etc: str = "/etc/hostfit", environ: Mapping[str, str] | None = None, *, plain_http: bool = False
    ) -> None:
        env = os.environ if environ is None else environ
        self._plain_http = plain_http
        self._credentials = Credentials(default_files(etc, env, os.geteuid()))
        self._files = self._registries(etc, env)
        home = env.get("HOME", "")
        user = (f"{home}/.config/containers/certs.d",) if home.startswith("/") and os.geteuid() != 0 else ()
        self._certs = (f"{etc}/certs.d", *user, "/etc/containers/certs.d", "/etc/docker/certs.d")
        self._hosts = (f"{etc}/certs.d", "/etc/containerd/certs.d", "/etc/docker/certs.d")

    def open(self, reference: Reference, *, write: bool = False) -> Repository:
        """Give the repository of a reference with a domain; to `write`, only as the registry itself has it.

        Raises RegistryError where it is blocked, or where the configuration cannot be understood.
        """
        known = registriesconf.find(reference.repository, self._files)
        realms = known.realms if known is not None else ()
        mirrors = list(self._mirrors(known.mirrors)) if known is not None else []
        own = known.own if known is not None else None
        host, path = (own.host, own.repository) if own is not None else (reference.domain, reference.path)
        insecure = own is not None and own.insecure
        itself = self._endpoint(host, path, insecure=insecure)
        told = hostsdir.endpoints(host, path, self._hosts)
        if told is not None:
            self._complete(told, itself)
            mirrors += told[:-1]
        last = told[-1] if told is not None else itself
        # What stands in the registry's place may be read, but what is written goes to the registry.
        places = ((last if PUSH in last.can else itself),) if write else (*mirrors, last)
        for one in places if self._plain_http else ():
            one.plain = True
        return Repository(reference, tuple([Client(one, self._credentials, realms) for one in places]))

    def _complete(self, told: tuple[Endpoint, ...], itself: Endpoint) -> None:
        """Give places of a hosts.toml what it does not say: certificates, and that the registry needs no TLS."""
        for one in told:
            insecure = one.authority == itself.authority and itself.plain
            one.plain = one.plain or insecure
            if not one.trust.authorities and not one.trust.client:
                one.trust = hostsdir.trust(one.authority, self._certs, insecure=insecure or not one.trust.verify)

    def _mirrors(self, listed: tuple[Location, ...]) -> list[Endpoint]:
        return [
            self._endpoint(one.host, one.repository, insecure=one.insecure, mirror=True, can=_READ[one.pulls])
            for one in listed
        ]

    def _endpoint(
        self, host: str, path: str, *, insecure: bool = False, mirror: bool = False, can: frozenset[str] = _OWN
    ) -> Endpoint:
        trust = hostsdir.trust(host, self._certs, insecure=insecure)
        return Endpoint(
            f"https://{hostsdir.own(host)}/v2", path, trust, mirror=mirror, plain=insecure, can=can,
        )  # fmt: skip

    @staticmethod
    def _registries(etc: str, environ: Mapping[str, str]) -> tuple[str, ...]:
        """The files that count: hostfit's own if it has one, else the one of the environment, else the system's."""
        if os.path.exists(f"{etc}/registries.conf") or os.path.isdir(f"{etc}/registries.conf.d"):
            return registriesconf.files(f"{etc}/registries.conf", f"{etc}/registries.conf.d")
        chosen = environ.get("CONTAINERS_REGISTRIES_CONF", "")
        if chosen.startswith("/"):
            return registriesconf.files(chosen, environ.get("CONTAINERS_REGISTRIES_CONF_DIR", ""))
        home = environ.get("HOME", "")
        if home.startswith("/") and os.geteuid() != 0 and os.path.exists(f"{home}/.config/containers/registries.conf"):
            folder = f"{home}/.config/containers/registries.conf.d"
            return registriesconf.files(f"{home}/.config/containers/registries.conf", folder)
        return registriesconf.files("/etc/containers/registries.conf", "/etc/containers/registries.conf.d")


def reference(text: str) -> Reference:
    """Read the full name of an image on a registry. Raises UsageError: a short name may mean anybody's image."""
    try:
        return references.qualified(text)
    except ValueError as error:
        raise UsageError(str(error), hint="write it in full, such as docker.io/library/busybox:1") from None


def target(one: Reference) -> str:
    """What to resolve: the digest of a reference, else its tag, else `latest`."""
    return one.digest or one.tag or "latest"
