"""Reading the query of a request, strictly."""

from __future__ import annotations

from typing import Any

from litestar import Request

from lodestamp.errors import UsageError


def number_of(
    request: Request[Any, Any, Any], name: str, maximum: int, *, default: int | None = None
) -> int:
    """Return a number of the query, 0 to `maximum`, spelled the one way; UsageError if none."""
    texts = request.query_params.getall(name, [])
    if not texts and default is not None:
        return default
    if len(texts) != 1 or not texts[0].isascii() or not texts[0].isdigit():
        raise UsageError(f"{name} is one number", code="bad-query")
    number = int(texts[0][:20])
    if texts[0] != str(number) or number > maximum:
        raise UsageError(f"{name} is a number from 0 to {maximum:,}", code="bad-query")
    return number


def text_of(request: Request[Any, Any, Any], name: str) -> str:
    """Return a text of the query that stands there once; UsageError if it does not."""
    texts = request.query_params.getall(name, [])
    if len(texts) != 1:
        raise UsageError(f"{name} is one text", code="bad-query")
    text: str = texts[0]
    return text
