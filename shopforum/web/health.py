"""Health checks: `/healthz` says that the process answers, `/readyz` that the database is there and migrated."""

from pyramid.config import Configurator
from pyramid.security import NO_PERMISSION_REQUIRED
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from ..sessions import is_outage
from .request import Request


def includeme(config: Configurator) -> None:
    """Add both addresses, open to everybody; their responses tell nothing but the state."""
    for name, view in (("healthz", healthz), ("readyz", readyz)):
        config.add_route(name, f"/{name}")
        config.add_view(
            view, route_name=name, renderer="json", request_method="GET", permission=NO_PERMISSION_REQUIRED
        )


def healthz(request: Request) -> dict[str, str]:
    """Return ok: the response itself is the proof."""
    return {"status": "ok"}


def readyz(request: Request) -> dict[str, object]:
    """Return the state of the checks, with status 503 while the database is unavailable or not at the newest migration."""
    checks = {"database": "ok", "migrations": "ok"}
    try:
        row = request.db.one(text("SELECT version_num FROM alembic_version"))
        if row is None or row["version_num"] != request.services.migration_head:
            checks["migrations"] = "not at the newest: run alembic upgrade head"
    except SQLAlchemyError as error:
        if is_outage(error):
            checks = {"database": "away", "migrations": "unknown"}
        else:
            checks["migrations"] = "cannot be read: run alembic upgrade head"
    ready = set(checks.values()) == {"ok"}
    if not ready:
        request.response.status_int = 503
        request.response.headers["Retry-After"] = "5"
    return {"status": "ok" if ready else "unavailable", "checks": checks}
