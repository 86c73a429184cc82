"""Flask with Flask-SQLAlchemy, Flask-Session, Flask-Login and Flask-WTF."""

from datetime import timedelta
from uuid import UUID

from flask import Flask, Response, redirect, request
from flask_login import LoginManager, current_user, login_required, login_user
from flask_session import Session
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup
from sqlalchemy.orm import Session as OrmSession

from shopforum.core.engine import driver_url

from . import page
from .models import Base, User, lines_of

_FIELD = Markup('<input type="hidden" name="csrf_token" value="{}">')


def prepare(url: str, user_id: UUID, name: str) -> None:
    """Make the tables and the user."""
    with app(url).app_context():
        db.create_all()
        Base.metadata.create_all(db.engine, [User.__table__])
        with OrmSession(db.engine) as session:
            session.merge(User(id=user_id, user_name=name))
            session.commit()


db = SQLAlchemy()


def app(url: str) -> Flask:
    """Return the application."""
    made = Flask(__name__)
    made.config |= {
        "SECRET_KEY": "of the benchmark alone",
        "SQLALCHEMY_DATABASE_URI": driver_url(url),
        "SESSION_TYPE": "sqlalchemy",
        "SESSION_SQLALCHEMY": db,
        "SESSION_SQLALCHEMY_TABLE": "bench_flask_sessions",
        "PERMANENT_SESSION_LIFETIME": timedelta(hours=1),
    }
    db.init_app(made)
    with made.app_context():
        Session(made)
    CSRFProtect(made)
    logins = LoginManager(made)
    templates = page.environment()

    @logins.user_loader
    def load(user_id: str) -> User | None:
        return db.session.get(User, UUID(user_id))

    @made.get("/login")
    def login() -> Response:
        login_user(db.session.get(User, UUID(request.args["user"])))
        return redirect("/shopping-cart")

    @made.get("/shopping-cart")
    @login_required
    def cart() -> str:
        found = page.cart_of(db.session.scalars(lines_of(current_user.id)))
        shown = page.values(found, current_user, lambda: _FIELD.format(generate_csrf()))
        return templates.get_template("shopforum:store/templates/cart.jinja2").render(
            request=request, **shown
        )

    return made
