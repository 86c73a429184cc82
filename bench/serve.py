"""Serve one of the applications until SIGTERM: `python -m bench.serve NAME SOURCE LISTEN PROCESSES`.

All are served by the product's own server (waitress), so that the measured difference is the application's.
"""

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import shopforum
from shopforum.serving import serve

PRODUCT = "product"


def main() -> None:
    """Serve the application that the command line names."""
    name, source, listen, processes = sys.argv[1:]
    made = _product(source) if name == PRODUCT else importlib.import_module(f"bench.peers.{name}").app(source)
    serve(made, {}, listen=listen, processes=processes, threads="16")


def _product(path: str) -> Any:
    """Return the store. `path` is a file with its settings."""
    return shopforum.main({}, **json.loads(Path(path).read_text()))


if __name__ == "__main__":
    main()
