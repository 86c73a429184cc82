"""`python -m shopforum.cli`."""

from . import main

main(prog_name="shopforum")
