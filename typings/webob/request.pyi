from collections.abc import Mapping
from typing import IO, Any, Self

from webob.acceptparse import AcceptHeader
from webob.headers import EnvironHeaders
from webob.multidict import MultiDict

class BaseRequest:
    request_body_tempfile_limit: int
    environ: dict[str, Any]
    method: str
    scheme: str
    host: str
    host_url: str
    path_url: str
    path: str
    path_info: str
    path_qs: str
    query_string: str
    url: str
    charset: str
    content_type: str
    content_length: int | None
    body: bytes
    body_file: IO[bytes]
    json_body: Any
    headers: EnvironHeaders
    cookies: Mapping[str, str]
    referer: str | None
    remote_addr: str | None
    user_agent: str | None
    accept: AcceptHeader
    GET: MultiDict[str]
    # An uploaded file is not text: whoever may be sent one must look.
    POST: MultiDict[Any]
    def __init__(self, environ: dict[str, Any]) -> None: ...
    @classmethod
    def blank(cls, path: str, environ: dict[str, Any] | None = ...) -> Self: ...
