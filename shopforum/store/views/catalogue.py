"""The public pages: the homepage, the list of goods, one product."""

from typing import Any

from pyramid.httpexceptions import HTTPNotFound

from ...core import paging
from ...web.request import Request
from .. import products
from ..forms import AddForm

_SIZE = 12


def home(request: Request) -> dict[str, Any]:
    """The homepage: some goods and all categories."""
    return {"featured": products.featured(request.db), "categories": products.categories(request.db)}


def listing(request: Request) -> dict[str, Any]:
    """Goods by category and words; what makes no sense in the address counts as not given."""
    words = request.GET.get("q", "").strip()[:200]
    category = request.GET.get("category", "")
    sort = products.SORTS.get(request.GET.get("sort", ""), products.SORTS["name"])
    statement = products.matching(category, words)
    page = paging.page(request, statement, *sort.columns, descending=sort.descending, size=_SIZE)
    return {
        "page": page,
        "categories": products.categories(request.db),
        "sorts": products.SORTS.values(),
        "q": words,
        "category": category,
        "sort": sort,
    }


def product(request: Request) -> dict[str, Any]:
    """One product with a form that puts it into the cart."""
    return show(request, request.matchdict["slug"], AddForm(data={"quantity": 1}))


def show(request: Request, slug: str, form: AddForm) -> dict[str, Any]:
    """The page of a product. Raises HTTPNotFound for what is not sold."""
    found = products.find(request.db, slug)
    if found is None:
        raise HTTPNotFound
    form.quantity.render_kw = {**form.quantity.render_kw, "max": found["stock"]}
    return {"product": found, "form": form}
