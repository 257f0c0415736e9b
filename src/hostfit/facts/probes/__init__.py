"""One module per facility of the host, each with `read(root, feature, names)`.

`root` is the host's files (`hostfit.facts.root.Root`), `feature` the name in lower case, `names` the elements
that somebody asks for or None for all of them. The answer is a `Feature`. A probe reads no more than that,
never changes the host, and lets OSError pass: whoever calls it turns that into an unknown feature.
"""

from __future__ import annotations
