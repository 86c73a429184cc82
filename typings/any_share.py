"""Check the types with mypy, and measure how many of the expressions that it looks at are `Any`, which it cannot check.

Exits with mypy's code if mypy finds errors, with 1 if the share is above the limit in pyproject.toml
(`tool.any_share.limit`, percent). The limit is only ever lowered: the command says when it can be.
"""

import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

# The report's last line: `Total   Anys   Exprs   Coverage`.
_TOTAL = re.compile(r"^ *Total +(\d+) +(\d+)", re.MULTILINE)
# Percent. The limit is kept so close above the share that a few new lines do not reach it.
_ROOM = 0.1


def main() -> int:
    """Run mypy over the packages that pyproject.toml names; return the exit code."""
    with Path("pyproject.toml").open("rb") as file:
        limit = float(tomllib.load(file)["tool"]["any_share"]["limit"])
    with tempfile.TemporaryDirectory() as folder:
        checked = subprocess.run([sys.executable, "-m", "mypy", "--any-exprs-report", folder], check=False)
        if checked.returncode:
            return checked.returncode
        total = _TOTAL.search((Path(folder) / "any-exprs.txt").read_text())
    if total is None:
        print("mypy's report has no total", file=sys.stderr)
        return 1
    share = 100 * int(total[1]) / int(total[2])
    print(f"{share:.2f} % of the expressions are Any; the limit is {limit} %")
    if share > limit:
        print("Give types to what this change has added.", file=sys.stderr)
        return 1
    if share < limit - 2 * _ROOM:
        print(f"Lower the limit in pyproject.toml to {share + _ROOM:.1f}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
