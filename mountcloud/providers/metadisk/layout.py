"""Where the shards of one content begin. The service tells their order, never their sizes (Metadisk facts, 5 and 6)."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from mountcloud.model.errors import Corrupt


@dataclass(slots=True)
class Layout:
    """``hashes`` of the shards in order, and the ``sizes`` that are known by now; ``total`` bytes in all."""

    total: int
    hashes: tuple[str, ...]
    sizes: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.hashes) == 1:
            self.sizes[0] = self.total

    def learn(self, number: int, size: int) -> None:
        """A shard was seen whole. Raises ``Corrupt`` if the sizes cannot be those of this content."""
        told = self.sizes.get(number, size)
        self.sizes |= {other: size for other, each in enumerate(self.hashes) if each == self.hashes[number]}
        seen = sum(self.sizes.values())
        if told != size or seen > self.total or (self.is_known and seen != self.total):
            raise Corrupt(f"the shards hold other than {self.total} bytes")

    @property
    def is_known(self) -> bool:
        """True if nothing is left to be learned."""
        return len(self.sizes) == len(self.hashes)

    def at(self, position: int) -> int | None:
        """The shard that holds the byte; None while that cannot be told."""
        for number, size in self.sizes.items():
            start = self.start_of(number)
            if start is not None and start <= position < start + size:
                return number
        return None

    def start_of(self, number: int) -> int | None:
        """Where a shard begins; None while that cannot be told."""
        before, after = range(number), range(number, len(self.hashes))
        if all(each in self.sizes for each in before):
            return sum(self.sizes[each] for each in before)
        if all(each in self.sizes for each in after):
            return self.total - sum(self.sizes[each] for each in after)
        return None

    def to_learn(self, position: int, most: int) -> Sequence[int]:
        """The shards that must be seen to find the byte, from the nearer end of what is unknown, the next one first.

        At most so many, and no more than are likely to lie between that end and the byte.
        """
        unknown = [number for number in range(len(self.hashes)) if number not in self.sizes]
        if not unknown:
            return []
        first, last = unknown[0], unknown[-1]
        start = sum(self.sizes[number] for number in range(first))
        end = self.total - sum(self.sizes[number] for number in range(last + 1, len(self.hashes)))
        usual = max((end - start) // (last - first + 1), 1)
        if position - start < end - position:
            count = min((position - start) // usual + 1, most)
            return [each for each in range(first, last + 1) if each not in self.sizes][:count]
        count = min((end - position - 1) // usual + 1, most)
        return [each for each in range(last, first - 1, -1) if each not in self.sizes][:count]

    @property
    def text(self) -> str:
        """As it is kept."""
        return json.dumps([[each, self.sizes.get(number)] for number, each in enumerate(self.hashes)])


def kept_layout(total: int, text: str) -> Layout | None:
    """What ``Layout.text`` was made of; None if nothing was kept."""
    known: list[tuple[str, int | None]] = json.loads(text) if text else []
    if not known:
        return None
    sizes = {number: size for number, (_, size) in enumerate(known) if size is not None}
    return Layout(total, tuple(each for each, _ in known), sizes)
