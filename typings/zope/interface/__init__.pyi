from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

def implementer(*interfaces: type) -> Callable[[type[T]], type[T]]: ...
