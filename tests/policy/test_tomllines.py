"""Messages name the line on which people wrote a key."""

from __future__ import annotations

from hostfit.policy.tomllines import key_lines

TEXT = """# a comment with key = value
[policy]
default = "runc"  # why
"on_error" = "deny"

[[scope]]
image = "a = b"
[[ scope ]]
  image = '''
on_misfit = "inside a text"
'''
on_misfit = "warn"

[runtime."run sc"]
requires = [
  { name = "x" },
]
kernel = "own"
[runtime.kata]
"""


def test_keys_and_tables_have_their_lines():
    lines = key_lines(TEXT)

    assert {
        "policy": 2,
        "policy.default": 3,
        "policy.on_error": 4,
        "scope[0]": 6,
        "scope[0].image": 7,
        "scope[1]": 8,
        "scope[1].image": 9,
        "scope[1].on_misfit": 12,
        "runtime.run sc": 14,
        "runtime.run sc.requires": 15,
        "runtime.run sc.kernel": 18,
        "runtime.kata": 19,
    }.items() <= lines.items()


def test_any_text_gives_some_lines():
    for text in ("", "[", "]]", "=", "= =", "[[", "\0", '"""', "[a]]\nb", "[[[[\n" * 100):
        assert isinstance(key_lines(text), dict)
