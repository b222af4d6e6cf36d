"""A vendor's endpoints as declarations, and asking one for all that it has, page by page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from resources.vendor.http import Admission, CallError, VendorClient
from touchline.fetch import Call

PAGES = 100
"""More than any list has. A vendor whose pages never end is not followed for ever."""

NextPage = Callable[[bytes], Mapping[str, str] | None]
"""From an answer's body to the parameters that ask for what follows it; None where nothing does."""


@dataclass(frozen=True)
class Endpoint:
    """What one endpoint is asked, and how.

    `name` is what its calls are called in the envelope. `path` stands below the vendor's URL and
    may name values in braces, as `events/{event_id}/odds` does. `params` are those of every call.
    `next_page` is None where one answer holds all.
    """

    name: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    next_page: NextPage | None = None


async def fetch_all(
    client: VendorClient,
    endpoint: Endpoint,
    params: Mapping[str, str] | None = None,
    *,
    values: Mapping[str, str] | None = None,
    admission: Admission | None = None,
) -> list[Call]:
    """Ask for every page in turn and return the calls, of which there is at least one.

    `params` come on top of the endpoint's own; `values` fill the braces of its path, and stand
    among the parameters of the calls that are returned. Ends at the first call that failed: what
    that one's page holds, and what follows it, is then not known. A page that leads to one that was
    had already, or to more than `PAGES`, is a call that failed, with `vendor_error`.
    """
    asked = {**endpoint.params, **(params or {})}
    path, told = endpoint.path.format(**(values or {})), {**(values or {}), **asked}
    calls: list[Call] = []
    page: Mapping[str, str] = {}
    seen: list[Mapping[str, str]] = [page]
    while True:
        call = await client.get(path, {**asked, **page}, admission=admission)
        calls.append(replace(call, endpoint=endpoint.name, params={**told, **page}))
        if call.error is not None or call.body is None or endpoint.next_page is None:
            return calls
        following = endpoint.next_page(call.body)
        if following is None:
            return calls
        if following in seen or len(seen) >= PAGES:
            detail = f"page {len(seen)} is followed by {dict(following)}, and so on without an end"
            calls[-1] = replace(calls[-1], error=CallError.VENDOR_ERROR, detail=detail)
            return calls
        seen.append(page := following)
