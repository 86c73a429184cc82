"""The models, the views and the addresses of the Django application."""

from django.contrib.auth import login as sign_in
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path

from shopforum.store import totals
from shopforum.store.views.pages import FOOTER


class Product(models.Model):
    """A product."""

    slug = models.TextField()
    name = models.TextField()
    price_minor = models.BigIntegerField()
    tax_rate = models.IntegerField()
    stock = models.IntegerField()
    withdrawn = models.BooleanField()

    class Meta:
        """The product's table."""

        app_label, managed, db_table = "bench", False, "products"


class Cart(models.Model):
    """A cart."""

    user_id = models.UUIDField()
    closed_at = models.DateTimeField()

    class Meta:
        """The product's table."""

        app_label, managed, db_table = "bench", False, "carts"


class Line(models.Model):
    """A line of a cart."""

    cart = models.ForeignKey(Cart, models.CASCADE)
    product = models.ForeignKey(Product, models.CASCADE)
    quantity = models.IntegerField()
    price_minor = models.BigIntegerField()
    removed_at = models.DateTimeField()
    saved_at = models.DateTimeField()

    class Meta:
        """The product's table."""

        app_label, managed, db_table = "bench", False, "cart_lines"

    @property
    def payable(self) -> int:
        """The quantity that can be ordered."""
        return min(self.quantity, self.product.stock)

    @property
    def total(self) -> int:
        """The price of that quantity, in cents."""
        return self.product.price_minor * self.payable


def login(request: HttpRequest) -> HttpResponse:
    """Sign in."""
    sign_in(request, User.objects.get(username=request.GET["user"]))
    return HttpResponseRedirect("/shopping-cart")


@login_required
def cart(request: HttpRequest) -> HttpResponse:
    """Show the cart."""
    lines = list(
        Line.objects.filter(
            cart__user_id=request.user.username, cart__closed_at=None, removed_at=None, saved_at=None
        )
        .select_related("product")
        .order_by("id")
    )
    costs = totals.compute((line.product.price_minor, line.payable, line.product.tax_rate) for line in lines)
    count = sum(line.payable for line in lines)
    return render(
        request, "cart.html", {"lines": lines, "totals": costs, "count": count, "footer_links": FOOTER}
    )


urlpatterns = [path("login", login), path("shopping-cart", cart)]
