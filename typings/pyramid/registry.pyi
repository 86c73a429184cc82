from collections.abc import Iterable
from typing import Any

from pyramid.interfaces import IRoutesMapper, ISecurityPolicy
from pyramid.urldispatch import RoutesMapper

class Introspectable(dict[str, Any]): ...

class Introspector:
    def get_category(self, category_name: str) -> Iterable[dict[str, Introspectable]]: ...

class Registry(dict[str, Any]):
    settings: dict[str, Any]
    introspector: Introspector
    def getUtility(self, provided: type[IRoutesMapper]) -> RoutesMapper: ...
    # Whatever the application has set.
    def queryUtility(self, provided: type[ISecurityPolicy]) -> Any: ...
