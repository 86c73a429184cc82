"""Addresses of the database: libpq's form and SQLAlchemy's, with one host or several."""

import pytest
from sqlalchemy import text
from sqlalchemy.dialects.postgresql.psycopg2 import dialect

from shopforum.core.engine import create_unpooled_engine, driver_url
from shopforum.core.settings import SettingsError
from shopforum.core.sites import SiteSettings, find


def connecting(url):
    """Return the arguments that the driver is given."""
    return dialect().create_connect_args(driver_url(url))[1]


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("postgresql://u:p%40x@one/db", "one", None),
        ("postgres://u@one:5433/db", "one", 5433),
        ("postgresql+psycopg2://u@[::1]:5432/db", "::1", 5432),
        ("postgresql://u@/db?host=/run/postgresql", "/run/postgresql", None),
        ("postgresql://u@one:1,two:2/db", "one,two", "1,2"),
        ("postgresql://u@one,two:2/db", "one,two", ",2"),
        ("postgresql://u@/db?host=one:1&host=two:2", "one,two", "1,2"),
        ("postgresql://u@/db?host=one:1", "one", "1"),
    ],
)
def test_each_form_reaches_the_driver(url, host, port):
    told = connecting(url)
    assert (told["host"], told.get("port"), told["user"], told["dbname"]) == (host, port, "u", "db")
    assert told.get("target_session_attrs") == ("read-write" if "," in host else None)


def test_the_options_of_a_url_with_several_hosts_stay():
    assert connecting("postgresql://u@one,two/db?target_session_attrs=any")["target_session_attrs"] == "any"
    assert connecting("postgresql://u:p%40x@one,two/db")["password"] == "p@x"


def test_the_host_that_answers_is_used(server, database_url):
    for url in (
        database_url.replace(f"@127.0.0.1:{server.port}", f"@127.0.0.1:1,127.0.0.1:{server.port}"),
        database_url.replace(f"@127.0.0.1:{server.port}", "@")
        + f"?host=127.0.0.1:1&host=127.0.0.1:{server.port}",
    ):
        with create_unpooled_engine(url).connect() as connection:
            assert (
                connection.execute(text("SELECT current_setting('transaction_read_only')")).scalar() == "off"
            )


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "postgresql://u:hunter2/x@one/db",
        "postgresql://u:hunter2@one/db?no_such=1",
        "postgresql://u:hunter2@[::1]:1,[::2]:2/db",
        "mysql://x",
    ],
)
def test_a_text_that_is_no_address_is_refused_without_being_shown(url):
    with pytest.raises(SettingsError) as refused:
        find(SiteSettings, "database.url").read({"database.url": url})
    assert "hunter2" not in str(refused.value)
    assert "postgresql://" in str(refused.value)
