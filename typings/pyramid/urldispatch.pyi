from typing import TypedDict

from pyramid.request import Request

class Route:
    name: str
    pattern: str
    path: str

class Match(TypedDict):
    route: Route | None
    match: dict[str, str] | None

class RoutesMapper:
    def __call__(self, request: Request) -> Match: ...
    def get_routes(self, include_static: bool = ...) -> list[Route]: ...
