"""The parts of Pyramid that shopforum uses, typed; Pyramid has no annotations of its own.

What is not here, mypy refuses: a module that needs more of Pyramid adds it to these stubs.
"""
