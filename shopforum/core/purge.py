"""Deleting what is old, in steps: the one shape of every purge.

`DELETE … WHERE id IN (SELECT … LIMIT n FOR UPDATE SKIP LOCKED)` may run its subquery again for each row of the table, if
the planner so chooses, and each run locks the next n rows: more go than were asked for. An array is computed once.
"""

from sqlalchemy import TextClause, text


def purge(table: str, old: str, order: str, returning: str = "1") -> TextClause:
    """Build the statement that deletes at most `:step` rows of a table, and returns
    `returning` of each.

    `old` is the condition, `order` the indexed column that the rows are found by. Compare it with now(): an index does
    not serve clock_timestamp(), which may change from row to row. Rows that somebody has locked are left for the next step.
    """
    return text(
        f"""DELETE FROM {table} WHERE ctid = ANY (ARRAY(
          SELECT ctid FROM {table} WHERE {old} ORDER BY {order} LIMIT :step FOR UPDATE SKIP LOCKED)) RETURNING {returning}"""
    )
