from collections.abc import Callable
from typing import Any

INGRESS: str
VIEW: str

def csrf_view(view: Callable[..., Any], info: object) -> Callable[..., Any]: ...
