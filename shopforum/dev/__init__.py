"""The parts that only development needs: the identity provider, a private PostgreSQL, the sample data.

Its packages are the extra `shopforum[dev]`. Nothing outside this folder imports it, so production runs without them;
the layers contract in pyproject.toml holds that.
"""
