"""One bound on the bytes that are on their way, for all readers together."""

import trio


class Budget:
    """``size`` bytes; whoever asks for more than is left waits, in order of asking."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._left = size
        self._waiting = trio.lowlevel.ParkingLot()

    @property
    def left(self) -> int:
        """Bytes that nobody has taken."""
        return self._left

    def try_take(self, size: int) -> bool:
        """Take without waiting, if there is enough and nobody waits already."""
        if size > self._left or self._waiting:
            return False
        self._left -= size
        return True

    async def take(self, size: int) -> None:
        """Wait for the bytes. A request for more than there ever is gets through when nobody else has any."""
        await trio.lowlevel.checkpoint()
        while min(size, self.size) > self._left:
            await self._waiting.park()
        self._left -= size

    def give(self, size: int) -> None:
        """Give them back."""
        self._left += size
        self._waiting.unpark_all()
