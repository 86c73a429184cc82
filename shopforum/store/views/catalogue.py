"""The public pages: the homepage, the list of products, one product."""

from typing import Any

from pyramid.httpexceptions import HTTPNotFound

from ...core import paging
from ...web.request import Request
from .. import products
from ..forms import AddForm
from ..products import ListedProduct

_SIZE = 12


def home(request: Request) -> dict[str, Any]:
    """Show the homepage: featured products and all categories."""
    return {"featured": products.featured(request.db), "categories": products.categories(request.db)}


def listing(request: Request) -> dict[str, Any]:
    """Show the products of a category that match the words. A senseless value in the address is ignored."""
    words = request.GET.get("q", "").strip()[:200]
    category = request.GET.get("category", "")
    sort = products.SORTS.get(request.GET.get("sort", ""), products.SORTS["name"])
    statement = products.matching(category, words)
    page = paging.page(request, statement, *sort.columns, descending=sort.descending, size=_SIZE)
    return {
        "page": page.of(ListedProduct),
        "categories": products.categories(request.db),
        "sorts": products.SORTS.values(),
        "q": words,
        "category": category,
        "sort": sort,
    }


def product(request: Request) -> dict[str, Any]:
    """Show a product with the form that adds it to the cart."""
    return show(request, request.matchdict["slug"], AddForm(data={"quantity": 1}))


def show(request: Request, slug: str, form: AddForm) -> dict[str, Any]:
    """Show a product with this form. Raises HTTPNotFound for a product that is not sold."""
    found = products.find(request.db, slug)
    if found is None:
        raise HTTPNotFound
    form.quantity.render_kw = {**form.quantity.render_kw, "max": found.stock}
    return {"product": found, "form": form}
