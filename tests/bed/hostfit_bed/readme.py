"""README.md as its readers use it: blocks by the mark before them, and files that it says to write."""

from __future__ import annotations

import re

from hostfit_bed.room import TREE

_BLOCK = re.compile(r"^(?:<!-- ([^>\n]+) -->\n)?```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Readme:
    """`blocks` are (mark, language, text) in the order of the text; a block without a mark has an empty one."""

    def __init__(self):
        self.text = (TREE / "README.md").read_text()
        self.blocks = [(mark or "", language, text) for mark, language, text in _BLOCK.findall(self.text)]

    def block(self, mark):
        """The text of the one block with this mark."""
        found = [text for name, _, text in self.blocks if name == mark]
        assert len(found) == 1, (mark, len(found))
        return found[0]

    def files(self):
        """What the README says to write: text by name."""
        return {mark.removeprefix("file: "): text for mark, _, text in self.blocks if mark.startswith("file: ")}

    def write(self, directory, *names):
        """Write these files, or all, below a directory."""
        for name, text in self.files().items():
            if not names or name in names:
                (directory / name).parent.mkdir(parents=True, exist_ok=True)
                (directory / name).write_text(text)
        return directory

    def commands(self, mark):
        """The commands of one block, one a line, without what is said about them."""
        lines = [re.sub(r"\s+#.*", "", line) for line in self.block(mark).splitlines()]
        return [line for line in lines if line]
