"""Everything that only development needs: the identity provider, PostgreSQL on this machine, the sample data.

Its packages are the extra `shopforum[dev]`. Nothing outside this folder imports it, so production runs without them;
the layers contract in pyproject.toml holds that.
"""
