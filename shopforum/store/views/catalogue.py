"""The public pages: the homepage, the list of products, one product."""

from typing import Any

from pyramid.httpexceptions import HTTPNotFound

from ...core import paging
from ...mail.outgoing import MailSettings
from ...web import caching, notes
from ...web.request import Request
from .. import products, restock, search
from ..forms import AddForm, PriceForm
from ..products import Criteria, ListedProduct

_SIZE = 12


def home(request: Request) -> dict[str, Any]:
    """Show the homepage: featured products and all categories."""
    caching.mark_public(request)
    return {
        "featured": products.featured(request.site_db),
        "categories": products.categories(request.site_db),
    }


def listing(request: Request) -> dict[str, Any]:
    """Show the products of a category that match words and prices. 422 for an invalid price, and for the rest of the
    address a senseless value is ignored.
    """
    caching.mark_public(request)
    typed = request.GET.get("q", "").strip()[:200]
    form = PriceForm(request.GET)
    if not form.validate():
        request.response.status_int = 422
    wanted = Criteria(
        category=request.GET.get("category", ""),
        words=tuple(search.words(typed)),
        price_from=None if form.errors else form.price_from.cents,
        price_to=None if form.errors else form.price_to.cents,
    )
    # A search without a word, such as "?!", finds nothing. Without a search nothing is counted.
    narrowed = bool(typed) or wanted != Criteria(category=wanted.category)
    found = products.find_all(request.site_db, wanted) if narrowed else None
    criteria = found.criteria if found else wanted
    sorts = {**({products.BEST.name: products.BEST} if wanted.words else {}), **products.SORTS}
    sort = sorts.get(request.GET.get("sort", ""), next(iter(sorts.values())))
    page = paging.page(
        request,
        request.site_db,
        products.matching(criteria),
        *products.order(sort, criteria),
        descending=sort.descending,
        size=_SIZE,
    )
    return {
        "page": page.of(ListedProduct),
        "categories": products.categories(request.site_db),
        "sorts": sorts.values(),
        "q": typed,
        "form": form,
        "wanted": wanted,
        "found": found,
        "sort": sort,
    }


def suggestions(request: Request) -> list[str]:
    """Return the names of products with words that begin like those in `q`, for the search field."""
    request.response.headers["Cache-Control"] = "public, max-age=300"
    return products.suggested(request.site_db, search.words(request.GET.get("q", "")))


def product(request: Request) -> dict[str, Any]:
    """Show a product with the form that adds it to the cart."""
    return show(request, request.matchdict["slug"], AddForm(data={"quantity": 1}))


def show(request: Request, slug: str, form: AddForm) -> dict[str, Any]:
    """Show a product with this form. Raises HTTPNotFound for a product that is not sold."""
    found = products.find(request.site_db, slug)
    if found is None:
        raise HTTPNotFound
    form.quantity.render_kw = {**form.quantity.render_kw, "max": found.stock}
    return {
        "product": found,
        "form": form,
        "related": products.related(request.site_db, found),
        "letters": request.services.get(MailSettings).on,
    }


def notify(request: Request) -> Any:
    """Note that the user wants a letter when a sold-out product is back."""
    slug, me = request.matchdict["slug"], request.me
    noted = restock.ask(request.site_db, slug, me.user_id, me.user_email)
    query = {"notice": "will-write" if noted else "back"}
    return notes.see_other(request, request.route_path("store_product", slug=slug, _query=query))
