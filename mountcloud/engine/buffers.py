"""Memory for what is on its way, used again and again: new memory costs more than the bytes that are put there.

Each page that a program touches for the first time is a fault, at which the kernel fills it with zeros. With new memory
for each download that was a third of the processor time of a cold read.
"""

_STEP = 128 * 1024
_SLACK = 1.5
"""A buffer is used again for what needs no less than this part of it."""


_LEARNT = 4 << 20
"""Once so much was given back, the C library takes pieces of up to that size from its heap; before, each came from the
kernel in fresh pages (mallopt(3), the dynamic mmap threshold). Every answer to a read is such a piece."""


class Buffers:
    """Buffers that are lent; those that are free count against ``most`` bytes too.

    When none is lent any more all are given up, so an idle mount holds nothing.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._free: list[bytearray] = []
        self._lent = 0
        self.held = 0
        bytearray(_LEARNT)

    def lend(self, size: int) -> bytearray:
        """A buffer of at least so many bytes; what is in it means nothing. Give it back."""
        self._lent += 1
        fitting = [each for each in self._free if size <= len(each) <= _SLACK * size]
        if fitting:
            return self._taken(min(fitting, key=len))
        size = -(-size // _STEP) * _STEP
        while self._free and self.held + size > self._most:
            self.held -= len(self._taken(self._free[0]))
        self.held += size
        return bytearray(size)

    def _taken(self, buffer: bytearray) -> bytearray:
        self._free = [each for each in self._free if each is not buffer]
        return buffer

    def give(self, buffer: bytearray) -> None:
        """Take it back."""
        self._lent -= 1
        self._free.append(buffer)
        while self._free and self.held > self._most:
            self.held -= len(self._taken(self._free[0]))
        if not self._lent:
            self._free.clear()
            self.held = 0
