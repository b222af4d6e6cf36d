"""Masking replaces credentials, all of them, and nothing else."""

from __future__ import annotations

import json
import string
from html import escape
from urllib.parse import quote, quote_plus, urlencode

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.masking import Mask, mask_urls

USER, SECRET = "watcher-77", 's3cr3t/+"vä lue'
MASK = Mask({"user": USER, "secret": SECRET})


@pytest.mark.parametrize(
    "spelled",
    [
        SECRET,
        quote(SECRET, safe=""),
        quote(SECRET, safe="").lower(),
        quote_plus(SECRET),
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        json.dumps(SECRET)[1:-1].replace("/", "\\/"),
    ],
)
def test_a_credential_is_masked_however_it_is_spelled(spelled: str) -> None:
    for text in (f"{spelled}", f"refused: {spelled}.", f"a=1&x={spelled}&b", f"line\\n{spelled}"):
        assert MASK.text(text) == text.replace(spelled, "***")
        assert MASK.body(text.encode()) == text.replace(spelled, "***").encode()


def test_urls_are_masked_whole() -> None:
    query = urlencode({"uuid": "9gh1mn4xyz7pqr2", "user": USER, "secret": SECRET})
    nested = quote(f"https://feed/v1?{query}", safe="")

    assert MASK.text(f"GET https://feed/v1?{query} failed") == (
        "GET https://feed/v1?uuid=9gh1mn4xyz7pqr2&user=***&secret=*** failed"
    )
    for spelling in (USER, quote_plus(SECRET), quote(SECRET, safe="")):
        assert spelling not in MASK.text(f"https://login/?next={nested}")


def test_json_stays_json() -> None:
    body = json.dumps({"err": f'{USER} may not, said "{SECRET}"', "query": {"user": USER}}).encode()

    assert json.loads(MASK.body(body)) == {
        "err": '*** may not, said "***"',
        "query": {"user": "***"},
    }


def test_part_of_a_longer_word_is_not_the_credential() -> None:
    mask = Mask({"user": "united"})

    assert mask.body(b'["united","reunited","united_fc","Units"]') == (
        b'["***","reunited","united_fc","Units"]'
    )


@pytest.mark.parametrize("value", ["a", "2", "user1"])
def test_a_short_value_is_masked_only_where_it_is_named(value: str) -> None:
    mask = Mask({"user": value})
    text = f'{{"id":"{value}","n":[2,{value!r}],"a":"user={value}&x","user": "{value}"}}'

    assert mask.text(text) == (
        f'{{"id":"{value}","n":[2,{value!r}],"a":"user=***&x","user": "***"}}'
    )


def test_a_number_is_masked_as_a_credential_and_kept_as_a_number() -> None:
    mask = Mask({"user": "1748452491"})
    body = b'{"time":1748452491,"list":[1748452491],"user":1748452491,"err":"user=1748452491"}'
    prose = b'{"err": "account 1748452491 unknown", "at": 1748452491}'

    assert json.loads(mask.body(body)) == {
        "time": 1748452491,
        "list": [1748452491],
        "user": "***",
        "err": "user=***",
    }
    assert json.loads(mask.body(prose)) == {"err": "account *** unknown", "at": 1748452491}


def test_a_word_of_the_public_url_is_no_secret() -> None:
    mask = Mask({"user": "football"}, public="https://feed/v1/football/")

    assert mask.text("https://img/football/team.png") == "https://img/football/team.png"
    assert mask.text("user=football") == "user=***"


def test_empty_credentials_mask_nothing() -> None:
    assert Mask({"user": "", "secret": ""}).body(b'{"user":""}') == b'{"user":""}'


def test_a_mask_shows_nothing_of_what_it_hides() -> None:
    assert SECRET not in repr(MASK)
    assert USER not in repr(MASK)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("postgresql://me:pa55@db/touchline", "postgresql://***@db/touchline"),
        (
            "at https://feed/x?user=a&secret=b&uuid=c.",
            "at https://feed/x?user=***&secret=***&uuid=c.",
        ),
        ("s3://bucket/key?X-Amz-Signature=ab12 (403)", "s3://bucket/key?X-Amz-Signature=*** (403)"),
        ("https://feed/v1/football/ answered", "https://feed/v1/football/ answered"),
        ("write to me@example.org", "write to me@example.org"),
    ],
)
def test_urls_with_credentials_of_any_kind(text: str, masked: str) -> None:
    assert mask_urls(text) == masked


LETTERS = string.ascii_letters + string.digits + "-_.~!@#$%^&*()+=/?<>|;äß\u4e2d\U0001f600"
VALUES = st.text(LETTERS, min_size=1)


@given(VALUES, st.text(max_size=20), st.text(max_size=20))
def test_no_spelling_survives(secret: str, before: str, after: str) -> None:
    mask = Mask({"secret": secret})
    for spelled in (secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]):
        masked = mask.text(f"{before}&secret={spelled} {after}")
        assert f"secret={spelled} " not in masked or "*" in secret
        assert "secret=***" in masked


@given(
    st.dictionaries(st.sampled_from(["user", "err", "id"]), VALUES | st.integers(), min_size=1),
    st.integers(0, 2),
)
def test_masked_json_can_always_be_read(document: dict[str, object], which: int) -> None:
    values = [str(value) for value in document.values()]
    mask = Mask({"user": values[which % len(values)]})

    for body in (msgspec.json.encode(document), json.dumps(document).encode()):
        assert msgspec.json.decode(mask.body(body)).keys() == document.keys()


def test_html_that_quotes_a_credential() -> None:
    assert MASK.text(f"<p>user {escape(USER)} unknown</p>") == "<p>user *** unknown</p>"
