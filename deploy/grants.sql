-- The rights of the database roles. Run this as the owner of the tables, who also runs the migrations, and once more
-- after a restore without privileges: psql -f deploy/grants.sql. The sites append to the audit log and no more; the worker
-- seals it. docs/operations.md, "The audit log", says what this holds against.
CREATE ROLE shopforum_sites LOGIN;
CREATE ROLE shopforum_worker LOGIN IN ROLE shopforum_sites;
GRANT USAGE ON SCHEMA public TO shopforum_sites;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO shopforum_sites;
-- Tables of later migrations.
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO shopforum_sites;
REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM shopforum_sites;
REVOKE UPDATE, DELETE ON audit_log, audit_head FROM shopforum_sites;
REVOKE INSERT ON audit_head FROM shopforum_sites;
REVOKE INSERT, UPDATE, DELETE ON audit_keys FROM shopforum_sites;
GRANT UPDATE (seq, mac) ON audit_log, audit_head TO shopforum_worker;
GRANT INSERT, UPDATE ON audit_keys TO shopforum_worker;
