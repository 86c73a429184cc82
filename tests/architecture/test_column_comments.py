"""Each column of a session and of its pairs says what it is for. The migrations write the comments into the database."""

from shopforum.sessions.tables import credentials, sessions


def test_every_column_has_a_comment():
    columns = [*sessions.c, *credentials.c]
    assert [str(column) for column in columns if not column.comment] == []
