"""SQLAlchemy's declarative models of the store, and of a user, for Flask and for Pyramid."""

from sqlalchemy import BigInteger, Boolean, DateTime, ForeignKey, Integer, Select, Text, Uuid, select
from sqlalchemy.orm import DeclarativeBase, Mapped, joinedload, mapped_column, relationship


class Base(DeclarativeBase):
    """The tables."""


class User(Base):
    """A user."""

    __tablename__ = "bench_users"
    id = mapped_column(Uuid, primary_key=True)
    user_name = mapped_column(Text, nullable=False)
    ends_in = 86_400
    # The attributes that Flask-Login needs.
    is_authenticated = is_active = True
    is_anonymous = False

    def get_id(self) -> str:
        """Return the id as Flask-Login stores it."""
        return str(self.id)


class Product(Base):
    """A product."""

    __tablename__ = "products"
    id = mapped_column(BigInteger, primary_key=True)
    slug = mapped_column(Text)
    name = mapped_column(Text)
    price_minor = mapped_column(BigInteger)
    tax_rate = mapped_column(Integer)
    stock = mapped_column(Integer)
    withdrawn = mapped_column(Boolean)


class Basket(Base):
    """A cart."""

    __tablename__ = "carts"
    id = mapped_column(BigInteger, primary_key=True)
    user_id = mapped_column(Uuid)
    closed_at = mapped_column(DateTime(timezone=True))


class Line(Base):
    """A line of a cart."""

    __tablename__ = "cart_lines"
    id = mapped_column(BigInteger, primary_key=True)
    cart_id = mapped_column(ForeignKey("carts.id"))
    product_id = mapped_column(ForeignKey("products.id"))
    quantity = mapped_column(Integer)
    price_minor = mapped_column(BigInteger)
    removed_at = mapped_column(DateTime(timezone=True))
    saved_at = mapped_column(DateTime(timezone=True))
    cart: Mapped[Basket] = relationship()
    product: Mapped[Product] = relationship()


def lines_of(user_id: object) -> Select[tuple[Line]]:
    """Select the lines of a user's open cart, with their products."""
    mine = (
        Basket.user_id == user_id,
        Basket.closed_at.is_(None),
        Line.removed_at.is_(None),
        Line.saved_at.is_(None),
    )
    return select(Line).join(Line.cart).where(*mine).options(joinedload(Line.product)).order_by(Line.id)
