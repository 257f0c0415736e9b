"""Digests: which are valid, and that content is held to them."""

from __future__ import annotations

import hashlib

import pytest

from hostfit.oci import digest

HEX = hashlib.sha256(b"hostfit").hexdigest()
HEX512 = hashlib.sha512(b"hostfit").hexdigest()


@pytest.mark.parametrize("text", [f"sha256:{HEX}", f"sha512:{HEX512}"])
def test_registered_algorithms_are_valid(text):
    assert digest.valid(text)
    assert digest.matches(b"hostfit", text)
    assert not digest.matches(b"hostfit ", text)


@pytest.mark.parametrize(
    "text",
    ["", "sha256:", HEX, f"sha256:{HEX.upper()}", f"sha256:{HEX[:-1]}", f"sha256:{HEX}0", f"sha256:{HEX}\n",
     f"\nsha256:{HEX}", f"SHA256:{HEX}", f"md5:{HEX[:32]}", f"sha512:{HEX}", f"sha256:{HEX}:x",
     "sha256:../../../../etc/passwd", "sha256:" + "٣" * 64, f"sha256 :{HEX}", None, 5, b"sha256:" + HEX.encode()],
)  # fmt: skip
def test_whatever_else_is_no_digest(text):
    assert not digest.valid(text)
    assert not (isinstance(text, str) and digest.matches(b"hostfit", text))


def test_verified_names_both_digests():
    with pytest.raises(ValueError, match=f"blob: content has another digest than sha256:{HEX}: sha256:"):
        digest.verified(b"other", f"sha256:{HEX}", "blob")


def test_chain_of_one_layer_is_its_diff_id_and_of_two_their_hash():
    one, two = f"sha256:{HEX}", digest.of(b"two")

    assert digest.chain(()) == ""
    assert digest.chain((one,)) == one
    assert digest.chain((one, two)) == "sha256:" + hashlib.sha256(f"{one} {two}".encode()).hexdigest()
