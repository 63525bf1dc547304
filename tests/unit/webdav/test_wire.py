"""Lists as real servers send them (WebDAV facts, 1), and lists that are none."""

from urllib.parse import unquote_to_bytes
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mountcloud.model.errors import Unavailable
from mountcloud.model.node import Rights
from mountcloud.providers.webdav import wire
from mountcloud.providers.webdav.address import address_of, decoded
from mountcloud.providers.webdav.tokens import Token

APACHE = b"""<?xml version="1.0" encoding="utf-8"?>
<D:multistatus xmlns:D="DAV:" xmlns:ns0="DAV:">
<D:response xmlns:lp1="DAV:" xmlns:lp2="http://apache.org/dav/props/">
<D:href>/dav/Gr%c3%bc%c3%9fe+%26%20more.txt</D:href>
<D:propstat><D:prop><lp1:resourcetype/><lp1:getcontentlength>3</lp1:getcontentlength>
<lp1:getlastmodified>Sat, 21 Nov 2026 12:00:00 GMT</lp1:getlastmodified><lp1:getetag>W/"3-62a"</lp1:getetag>
</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>
<D:propstat><D:prop><ns0:quota-used-bytes/></D:prop><D:status>HTTP/1.1 404 Not Found</D:status></D:propstat>
</D:response></D:multistatus>"""

WSGIDAV = b"""<?xml version='1.0' encoding='UTF-8'?>
<ns0:multistatus xmlns:ns0="DAV:"><ns0:response><ns0:href>/dav/a%20dir/</ns0:href><ns0:propstat><ns0:prop>
<ns0:resourcetype><ns0:collection/></ns0:resourcetype><ns0:getetag/></ns0:prop><ns0:status>HTTP/1.1 200 OK</ns0:status>
</ns0:propstat></ns0:response><ns0:response><ns0:href>/dav/file</ns0:href><ns0:propstat><ns0:prop><ns0:resourcetype/>
<ns0:getetag>1057-1700000000-3</ns0:getetag></ns0:prop><ns0:status>HTTP/1.1 200 OK</ns0:status></ns0:propstat>
</ns0:response></ns0:multistatus>"""

NEXTCLOUD = b"""<?xml version="1.0"?>
<d:multistatus xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns"><d:response>
<d:href>/remote.php/dav/files/me/Photos/</d:href><d:propstat><d:prop><d:getetag>&quot;6564d4&quot;</d:getetag>
<d:resourcetype><d:collection/></d:resourcetype><oc:id>00000042oc</oc:id><oc:permissions>RGDNVCK</oc:permissions>
</d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response></d:multistatus>"""


def test_apache_lower_case_escapes_raw_plus_and_weak_tags() -> None:
    (entry,) = wire.entries(APACHE, now=5)
    assert entry.path == ("dav", "Grüße+& more.txt")
    assert (entry.is_directory, entry.size, entry.now) == (False, 3, 5)
    assert entry.token == Token("3-62a", 3, 1795262400)
    assert entry.condition == ""
    assert entry.number(wire.QUOTA[1]) is None


def test_wsgidav_tags_without_quotes_and_empty_ones() -> None:
    directory, file = wire.entries(WSGIDAV)
    assert (directory.is_directory, directory.token.etag) == (True, "")
    assert (file.token.etag, file.condition) == ("1057-1700000000-3", '"1057-1700000000-3"')
    assert file.size is None
    assert wire.with_size(file, "12").size == 12
    with pytest.raises(Unavailable):
        wire.with_size(file, "")


def test_nextcloud_ids_and_rights() -> None:
    (entry,) = wire.entries(NEXTCLOUD)
    assert entry.text(f"{wire.OC}id") == "00000042oc"
    assert entry.token.etag == "6564d4"
    rights = wire.rights(entry)
    assert Rights.READ | Rights.CREATE_FILES | Rights.CREATE_DIRECTORIES | Rights.DELETE in rights
    assert Rights.WRITE not in rights


@pytest.mark.parametrize(
    ("href", "path"),
    [
        ("/dav/a%2Fb/", ("dav", "a/b")),
        ("http://host:8080/dav//x", ("dav", "x")),
        ("HTTPS://host/%C3%A4%c3%a4", ("ää",)),
        ("/raw+plus?and#more;x", ("raw+plus?and#more;x",)),
        ("/", ()),
        ("/%ff/caf%E9", ("\udcff", "caf\udce9")),
    ],
)
def test_hrefs(href: str, path: tuple[str, ...]) -> None:
    assert decoded(href) == path


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0/"), min_size=1), min_size=1, max_size=4))
def test_what_we_address_is_what_we_read(names: list[str]) -> None:
    address = address_of("https://cloud.example/remote.php/dav")
    assert decoded(address.href(tuple(names), directory=True)) == (*address.base, *names)
    assert decoded(address.url(tuple(names), directory=False)) == (*address.base, *names)


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0/"), min_size=1), min_size=1, max_size=5))
def test_names_survive_a_list(names: list[str]) -> None:
    address = address_of("https://cloud.example/dav")
    hrefs = "".join(
        f"<D:response><D:href>{escape(address.href((name,), directory=False))}</D:href></D:response>" for name in names
    )
    found = wire.entries(f'<D:multistatus xmlns:D="DAV:">{hrefs}</D:multistatus>'.encode())
    assert [each.path[-1] for each in found] == names


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>Log in to the hotel's network</body></html>",
        APACHE[:-30],
        b'<!DOCTYPE x [<!ENTITY a "aaaa">]><D:multistatus xmlns:D="DAV:">&a;</D:multistatus>',
        b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><D:multistatus xmlns:D="DAV:">&a;</D:multistatus>',
        '<!DOCTYPE x [<!ENTITY a "a">]><D:multistatus xmlns:D="DAV:">&a;</D:multistatus>'.encode("utf-16"),
        b'<?xml version="1.0" encoding="nonsense"?><D:multistatus xmlns:D="DAV:"/>',
    ],
    ids=["nothing", "portal", "half", "entity", "file of ours", "entity in another encoding", "unknown encoding"],
)
def test_what_is_no_whole_list_is_no_list(body: bytes) -> None:
    with pytest.raises(Unavailable):
        wire.entries(body)


@given(st.binary(min_size=1, max_size=20).filter(lambda name: not {0, 47} & set(name)))
def test_a_name_that_is_no_text_is_addressed_by_its_bytes(name: bytes) -> None:
    href = "/" + "".join(f"%{byte:02x}" for byte in name)
    body = f'<D:multistatus xmlns:D="DAV:"><D:response><D:href>{href}</D:href></D:response></D:multistatus>'
    (entry,) = wire.entries(body.encode())
    address = address_of("https://cloud.example")
    assert unquote_to_bytes(address.href(entry.path, directory=False)) == b"/" + name


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("Sat, 21 Nov 2026 12:00:00 GMT", 1795262400), ("Sat, 21 Nov 2026 12:00:00", 1795262400), ("", 0), ("soon", 0)],
)
def test_dates(text: str, seconds: int) -> None:
    assert wire.seconds(text) == seconds


def test_a_refused_property_is_noticed() -> None:
    done = b'<D:multistatus xmlns:D="DAV:"><D:response><D:status>HTTP/1.1 %s</D:status></D:response></D:multistatus>'
    assert not wire.refused_properties(done % b"200 OK")
    assert wire.refused_properties(done % b"403 Forbidden")
    assert wire.refused_properties(b'<D:multistatus xmlns:D="DAV:"/>')
