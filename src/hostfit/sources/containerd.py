"""The few calls of containerd's API that lead from a container to the content of its image.

Source: github.com/containerd/containerd/api/services/{containers,images,snapshots,content,namespaces}/v1 (field numbers
as of 1.6, unchanged since). Text in replies is untrusted where it comes from images.
"""

from __future__ import annotations

from hostfit.core import limits
from hostfit.core.errors import SourceError
from hostfit.core.text import quoted
from hostfit.oci import digest as digests
from hostfit.oci.descriptor import Descriptor
from hostfit.sources.grpc import NOT_FOUND, Channel, StatusError
from hostfit.sources.protobuf import Message, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    T = TypeVar("T")

_SERVICES = "/containerd.services"


class Container:
    """A container object: `image` is the name it was made from, `snapshot_key` empty for a root filesystem of its own;
    `extensions` holds raw values by name, such as CRI's metadata.
    """

    __slots__ = ("extensions", "id", "image", "snapshot_key", "snapshotter")

    def __init__(self, message: Message) -> None:
        self.id = message.text(1)
        self.image = message.text(3)
        self.snapshotter = message.text(6)
        self.snapshot_key = message.text(7)
        self.extensions = {one.text(1): one.message(2).bytes(2) for one in message.messages(10)}


class Named:
    """A name of the image store and the manifest or index that it points to."""

    __slots__ = ("name", "target")

    def __init__(self, message: Message) -> None:
        target = message.message(3)
        digest = target.text(2)
        if not digests.valid(digest):
            raise ValueError(f"image {quoted(message.text(1))}: target has no valid digest, {quoted(digest)}")
        self.name = message.text(1)
        self.target = Descriptor(target.text(1), digest, target.integer(3))


class Client:
    """containerd's API on one connection, in one namespace; replies that make no sense raise SourceError."""

    def __init__(self, channel: Channel, namespace: str) -> None:
        self._channel = channel
        if not namespace.isascii() or not namespace.isprintable() or not namespace:
            raise SourceError(f"containerd namespace {quoted(namespace)}: must be plain text")
        self._metadata = (("containerd-namespace", namespace),)
        self.label = f"containerd {channel.path} ({namespace})"

    def container(self, container_id: str) -> Container | None:
        """Containers.Get; None where there is no such container."""
        reply = self._get("containers.v1.Containers/Get", encode((1, container_id)))
        return None if reply is None else self._read(lambda: Container(reply.message(1)))

    def image(self, name: str) -> Named | None:
        """Images.Get; None where the store has no such name."""
        reply = self._get("images.v1.Images/Get", encode((1, name)))
        return None if reply is None else self._read(lambda: Named(reply.message(1)))

    def images(self, digest: str = "") -> list[Named]:
        """Images.List: every name, or those that point to one digest.

        What has a digest that hostfit cannot verify (containerd takes sha384 too) is left out: it is no other image's.
        """
        request = encode((1, f"target.digest=={digest}")) if digest else b""
        reply = self._call("images.v1.Images/List", request)
        return self._read(
            lambda: [Named(one) for one in reply.messages(1) if digests.valid(one.message(3).text(2))]
        )  # fmt: skip

    def snapshot_parent(self, snapshotter: str, key: str) -> str | None:
        """Snapshots.Stat: the parent of a snapshot, empty for none; None where there is no such snapshot."""
        reply = self._get("snapshots.v1.Snapshots/Stat", encode((1, snapshotter), (2, key)))
        return None if reply is None else self._read(lambda: reply.message(1).text(2))

    def size(self, digest: str) -> int | None:
        """Content.Info: the size of a blob; None where the content store does not have it."""
        reply = self._get("content.v1.Content/Info", encode((1, digest)))
        return None if reply is None else self._read(lambda: reply.message(1).integer(2))

    def content(self, target: Descriptor) -> bytes | None:
        """Content.Read: a blob in however many pieces the server sends; None where it is not there.

        No more than the descriptor's size is asked for, so a larger blob is never read whole: its digest differs.
        """
        if not 0 < target.size <= limits.MANIFEST:
            raise SourceError(f"{target.digest}: 1 to {limits.MANIFEST} bytes are required, found {target.size}")
        replies = self._replies("content.v1.Content/Read", encode((1, target.digest), (3, target.size)))
        return None if replies is None else self._read(lambda: b"".join([Message(one).bytes(2) for one in replies]))

    def namespaces(self) -> list[str]:
        """Namespaces.List."""
        reply = self._call("namespaces.v1.Namespaces/List", b"")
        return self._read(lambda: [one.text(1) for one in reply.messages(1)])

    def _replies(self, method: str, request: bytes) -> list[bytes] | None:
        try:
            return self._channel.call(f"{_SERVICES}.{method}", request, self._metadata)
        except StatusError as error:
            if error.status == NOT_FOUND:
                return None
            raise

    def _get(self, method: str, request: bytes) -> Message | None:
        replies = self._replies(method, request)
        return None if replies is None else self._read(lambda: Message(b"".join(replies)))

    def _call(self, method: str, request: bytes) -> Message:
        reply = self._get(method, request)
        if reply is None:
            raise SourceError(f"{self.label}: {method}: the server does not know it")
        return reply

    def _read(self, decode: Callable[[], T]) -> T:
        try:
            return decode()
        except ValueError as error:
            raise SourceError(f"{self.label}: {error}") from None
