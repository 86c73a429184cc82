"""What operators do with sessions: find, count, plan, explain, end and export them, and read the audit log.

The console, the API and the command line stand side by side on this package; none of them has SQL of its own over the
sessions' tables. `filters` reads what is asked for, `session_queries` and `counts` find it, `plans` says what an act would
reach before it acts, `audit_queries`, `timeline` and `export` tell what was done. Whatever ends a session goes
through `sessions.Sessions.revoke`.
"""
