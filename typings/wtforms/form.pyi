from collections.abc import Iterator, Mapping
from typing import Any

from webob.multidict import MultiDict
from wtforms.fields import Field

class BaseForm:
    errors: dict[str, list[str]]
    form_errors: list[str]
    data: dict[str, Any]
    def __iter__(self) -> Iterator[Field]: ...
    def __contains__(self, name: str) -> bool: ...
    def __getitem__(self, name: str) -> Field: ...

class Form(BaseForm):
    def __init__(
        self,
        formdata: MultiDict[Any] | None = ...,
        obj: object = ...,
        prefix: str = ...,
        data: Mapping[str, object] | None = ...,
        **kwargs: object,
    ) -> None: ...
    def validate(self) -> bool: ...
