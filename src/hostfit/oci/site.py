"""Third-party packages for the rare branches: `python3 -I -S` leaves their directory off sys.path."""

from __future__ import annotations

import os
import sys


def enable() -> None:
    """Put the interpreter's package directories at the end of sys.path, once; directories of users never.

    Those are the directory that holds this package, the virtual environment's where the interpreter is one, and the
    interpreter's own (Debian: /usr/lib/python3/dist-packages). Without `-S` all of them are there already.
    """
    for place in _places():
        if place not in sys.path and os.path.isdir(place):
            sys.path.append(place)


def _places() -> list[str]:
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    places = [os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))]
    environment = os.path.dirname(os.path.dirname(sys.executable or ""))
    if environment and os.path.exists(environment + "/pyvenv.cfg"):
        places.append(f"{environment}/lib/{version}/site-packages")
    places.append(f"{sys.base_prefix}/lib/{version}/site-packages")
    if sys.base_prefix == "/usr":
        places += [f"/usr/local/lib/{version}/dist-packages", "/usr/lib/python3/dist-packages"]
    return places
