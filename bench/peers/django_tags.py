"""Django's template library for the page."""

from django import template

from shopforum.store.views import picture
from shopforum.web import templating

register = template.Library()
register.filter("money", templating.money)
register.filter("picture", picture)
register.simple_tag(templating.static, name="static")
