"""Giving names to contents and taking them away: the service has one name a content, notes have the others."""

from collections.abc import Callable, Sequence

from mountcloud.model.errors import NotFound, Unavailable
from mountcloud.model.provider import Content, Source
from mountcloud.providers.metadisk.content import layout_note
from mountcloud.providers.metadisk.names import Path, alias_note, directory_note, note_content, note_hash, stored_name
from mountcloud.providers.metadisk.picture import Held, Picture
from mountcloud.providers.metadisk.sources import Bytes, Fetched
from mountcloud.providers.metadisk.tree import Tree, Where

Open = Callable[[str, str, int], Content]
"""The content of this bucket, hash and size."""

_ATTEMPTS = 3


class Names:
    """Who calls these has the names and contents for himself (``Works.on``), and a picture made since then."""

    def __init__(self, tree: Tree, open_: Open) -> None:
        self._tree = tree
        self._api = tree.api
        self._open = open_

    async def give(self, picture: Picture, where: Where, content: str, source: Source) -> None:
        """A name to a content, which is sent only if the bucket does not have it."""
        if _has(picture, where, content):
            return
        for _ in range(_ATTEMPTS):
            if content not in picture.objects:
                await self._store(picture, where, content, source)
                break
            await self._write_note(where.bucket, alias_note(where.path, content))
            # Others may have removed the content meanwhile: with them no turn can be agreed.
            picture = await self._tree.look(where.bucket)
            if _has(picture, where, content):
                break
        else:
            raise Unavailable("other programs keep removing what has this content")
        self._tree.works.given(where.bucket, where.path, content)

    async def _store(self, picture: Picture, where: Where, content: str, source: Source) -> None:
        await self._remove_all(where.bucket, picture.idle_notes(content))
        entry = await self._api.store(where.bucket, stored_name(where.path), source)
        if entry.hash == content:
            return
        if entry.hash not in picture.objects:
            await self._remove(where.bucket, entry.hash)
        raise Unavailable("other bytes arrived than were sent")

    async def take(self, picture: Picture, bucket: str, held: Held) -> None:
        """A name from a content. If it has others, the next of them becomes the one that the service has."""
        if held.note:
            await self._remove(bucket, held.note)
        else:
            await self._take_own(picture, bucket, held)
        self._tree.works.dropped(bucket, held.path, held.hash)

    async def take_now(self, where: Where, content: str) -> None:
        """The same after a look: others may have given the content more names, or this one another content, since."""
        picture = await self._tree.look(where.bucket)
        for held in picture.at(where.path):
            if held.hash == content:
                await self.take(picture, where.bucket, held)

    async def _take_own(self, picture: Picture, bucket: str, held: Held) -> None:
        await self._remove_all(bucket, picture.idle_notes(held.hash))
        heir = next((each for each in picture.names_of(held.hash) if each.note), None)
        if heir is None:
            await self._remove(bucket, held.hash)
            self._forget_layout(held.hash)
        else:
            await self._rename(bucket, held, heir.path)
            await self._remove(bucket, heir.note)

    def _forget_layout(self, content: str) -> None:
        if self._tree.places.note(layout_note(content)):
            self._tree.places.set_note(layout_note(content), "")

    async def change(self, bucket: str, held: Held, path: Path) -> None:
        """The path of one name; the bytes travel if it is the one that the service has (Metadisk facts, 9)."""
        if held.note:
            await self._write_note(bucket, alias_note(path, held.hash))
            await self._remove(bucket, held.note)
        else:
            await self._rename(bucket, held, path)
        self._tree.works.given(bucket, path, held.hash)
        self._tree.works.dropped(bucket, held.path, held.hash)

    async def _rename(self, bucket: str, held: Held, path: Path) -> None:
        """Whoever stores a content again gives it another name: all at once, and nothing is lost on the way."""
        entry = await self._api.store(bucket, stored_name(path), self.bytes_of(bucket, held))
        if entry.hash != held.hash:
            await self._remove(bucket, entry.hash)
            raise Unavailable("other bytes arrived than were sent")

    def bytes_of(self, bucket: str, held: Held) -> Source:
        """The content from where it is."""
        return Fetched(self._open(bucket, held.hash, held.size))

    async def note_directory(self, where: Where) -> None:
        """Let a directory be there even with nothing in it."""
        await self._write_note(where.bucket, directory_note(where.path))
        self._tree.works.given(where.bucket, where.path)

    async def keep_directory(self, picture: Picture, where: Where) -> Picture:
        """Before something is taken out of it: a directory does not go with what was in it. A picture made since."""
        if picture.is_noted(where.path):
            return picture
        await self.note_directory(where)
        return await self._tree.look(where.bucket)

    async def forget_directory(self, where: Where) -> None:
        """Nothing is in it."""
        await self._remove(where.bucket, note_hash(directory_note(where.path)))
        self._tree.works.dropped(where.bucket, where.path)

    async def _write_note(self, bucket: str, name: str) -> None:
        entry = await self._api.store(bucket, name, Bytes(note_content(name)))
        if entry.hash != note_hash(name):
            raise Unavailable("other bytes arrived than were sent")

    async def _remove_all(self, bucket: str, contents: Sequence[str]) -> None:
        for each in contents:
            await self._remove(bucket, each)

    async def _remove(self, bucket: str, content: str) -> None:
        """What is gone already may be gone."""
        try:
            await self._api.remove(bucket, content)
        except NotFound:
            return


def _has(picture: Picture, where: Where, content: str) -> bool:
    return any(each.hash == content for each in picture.at(where.path))
