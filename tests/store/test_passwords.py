"""Passwords: none reaches a sentence, and none is guessed from one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import URL

from holocron.errors import SettingsInvalid
from holocron.store import Store
from holocron.store.bootstrap import bootstrap_database
from holocron.store.dialects import hide_passwords, read_url

GOOD = "postgresql://me:pw@h/d"


def _url(password: str, **query: str) -> URL:
    return URL.create("postgresql", "me", password, "db.example", 5432, "facts", query)


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("postgresql://me:p@s3cret@db.example/facts", id="in the password"),
        pytest.param("postgresql://me:p@s3cret/x@db.example/facts", id="and a slash"),
        pytest.param("mssql://me:p@s3cret:1@db.example/facts", id="and a colon"),
        pytest.param("postgresql://me:p@s3cret?x@db.example/facts", id="and a question mark"),
        pytest.param("postgresql://db.example:5/facts?PWD=p@s3cret", id="in the query"),
        pytest.param("postgresql://me:pw@s3cret:x/facts", id="no port"),
        pytest.param("postgresql:/me:s3cret@db.example", id="no URL"),
    ],
)
@pytest.mark.parametrize("named", ["HOLOCRON_DATABASE_URL", "--admin-url"])
def test_a_url_that_is_misread_is_refused_unshown(url: str, named: str) -> None:
    """An `@` that is not written %40 would show the rest of the password as the host's name."""
    opening = Store if named != "--admin-url" else lambda admin: bootstrap_database(admin, GOOD)
    with pytest.raises(SettingsInvalid, match=named) as caught:
        opening(url)
    assert "s3cret" not in f"{caught.value} {caught.value.hint}"
    assert "%40" in caught.value.hint


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("postgresql://me:p%40s@db.example/facts", "db.example"),
        ("postgresql://me:p/s:t?u#v@db.example/facts", "db.example"),
        ("postgresql://me@corp:pw@db.example/facts", "db.example"),
        ("sqlite:////home/a:b@c/d@e.sqlite", None),
    ],
)
def test_other_signs_in_a_url_are_no_trouble(url: str, host: str | None) -> None:
    """What can be told apart is read as it always was."""
    assert read_url(url).host == host


@pytest.mark.parametrize("password", ["a", "s", "server", "password", "5432", "me", "facts", "db.example"])
def test_a_password_that_is_a_word_is_not_guessed_from_a_sentence(password: str) -> None:
    """A driver's own words stay as they are: to blot one out spoils the sentence and tells the password."""
    said = (
        'connection to server at "db.example", port 5432 failed: password authentication failed for user'
        ' "me"; a database "facts" is there'
    )
    assert hide_passwords(said, _url(password)) == said


@pytest.mark.parametrize(
    ("password", "said", "shown"),
    [
        pytest.param(
            "a", 'missing "=" after "a" in it', 'missing "=" after "***" in it', id="a letter quoted"
        ),
        pytest.param("server", "syntax near 'server'.", "syntax near '***'.", id="a word quoted"),
        pytest.param("a", "what is postgresql://me:a@h/d", "what is postgresql://me:***@h/d", id="in a URL"),
        pytest.param("a b;c", "UID=me;PWD={a b;c};X=y", "UID=me;PWD=***;X=y", id="in a connection string"),
        pytest.param("a", "host=x password=a dbname=y", "host=x password=*** dbname=y", id="by its name"),
        pytest.param("s3cr3t-1", "no keyword s3cr3t-1 here", "no keyword *** here", id="bare, and no word"),
        pytest.param("correcthorsebattery", "no correcthorsebattery", "no ***", id="bare, and long"),
        pytest.param("a.*b", 'unknown "a.*b"', 'unknown "***"', id="signs of a pattern"),
    ],
)
def test_a_password_is_hidden_where_it_is_one(password: str, said: str, shown: str) -> None:
    """In quotation marks, in a URL, behind its name, and where no driver has such a word."""
    assert hide_passwords(said, _url(password)) == shown


def test_a_password_in_the_query_is_hidden_too() -> None:
    """Drivers take passwords there under several names."""
    hidden = {"PWD": "s3cret-1", "sslpassword": "s3cret-2"}
    url = _url("pw", **hidden)
    assert hide_passwords("bad s3cret-1 and s3cret-2", url) == "bad *** and ***"


@given(password=st.text(min_size=1), before=st.text(), after=st.text())
def test_any_password_is_hidden_behind_its_name(password: str, before: str, after: str) -> None:
    """Whatever signs it holds, a password in quotation marks never comes through."""
    said = hide_passwords(f"{before} '{password}' {after}", _url(password))
    if password not in ("me", "db.example", "facts", "5432"):
        assert f"'{password}'" not in said
