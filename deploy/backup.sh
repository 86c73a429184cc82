#!/bin/sh
# Dump the database of SHOPFORUM_DATABASE_URL into the folder that is named, and check that the dump can be read.
# Back up the keys of shopforum.secret elsewhere: a dump is worth nothing without them. To restore:
#   createdb shopforum && pg_restore --exit-on-error --dbname=shopforum FILE && psql -d shopforum -f deploy/grants.sql
#   shopforum recover production.ini, then with --yes        (docs/operations.md, "Backups")
set -eu
folder=${1:?usage: backup.sh FOLDER}
umask 077
file=$folder/shopforum-$(date -u +%Y%m%dT%H%M%SZ).dump
pg_dump --format=custom --file="$file.part" --dbname="${SHOPFORUM_DATABASE_URL:?is not set}"
pg_restore --list "$file.part" >/dev/null
mv "$file.part" "$file"
echo "$file"
