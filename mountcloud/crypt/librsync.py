"""Signatures, deltas and patches in librsync's format, by the system's library (SmartFile facts, 11).

Each is a job that takes bytes in order and gives bytes: ``update`` for each piece, ``finish`` for the rest. A piece
keeps the processor busy without holding the lock of Python, so large ones belong into a thread.
"""

import ctypes
import ctypes.util
from collections.abc import Callable, Iterator
from functools import lru_cache
from weakref import finalize

from mountcloud.model.errors import Corrupt, Unsupported

_NAMES = ("librsync.so.2",)
"""The library's second interface (1.0 of 2015 and later), by the name that a loader knows."""

_MD4_SIGNATURE = 0x72730136
"""The oldest format, the only one of librsync 0.9.7, with which the service was built."""

_DONE, _BLOCKED, _IO_ERROR, _INPUT_ENDED = 0, 1, 100, 103
_OUTPUT = 256 * 1024

Read = Callable[[int, int], bytes]
"""Bytes of the old file: size, offset."""

_COPY = ctypes.CFUNCTYPE(
    ctypes.c_int,
    ctypes.c_void_p,
    ctypes.c_longlong,
    ctypes.POINTER(ctypes.c_size_t),
    ctypes.POINTER(ctypes.c_void_p),
)


class _Buffers(ctypes.Structure):
    """``rs_buffers_t`` (librsync.h)."""

    _fields_ = (
        ("next_in", ctypes.c_void_p),
        ("avail_in", ctypes.c_size_t),
        ("eof_in", ctypes.c_int),
        ("next_out", ctypes.c_void_p),
        ("avail_out", ctypes.c_size_t),
    )


@lru_cache(1)
def _library() -> ctypes.CDLL | None:
    for name in (*_NAMES, ctypes.util.find_library("rsync")):
        try:
            found = ctypes.CDLL(name) if name else None
        except OSError:
            continue
        if found is not None and hasattr(found, "rs_build_hash_table"):
            return _declared(found)
    return None


def _declared(library: ctypes.CDLL) -> ctypes.CDLL:
    pointer, size = ctypes.c_void_p, ctypes.c_size_t
    for name, result, arguments in (
        ("rs_sig_begin", pointer, [size, size, ctypes.c_int]),
        ("rs_loadsig_begin", pointer, [ctypes.POINTER(pointer)]),
        ("rs_build_hash_table", ctypes.c_int, [pointer]),
        ("rs_delta_begin", pointer, [pointer]),
        ("rs_patch_begin", pointer, [_COPY, pointer]),
        ("rs_job_iter", ctypes.c_int, [pointer, ctypes.POINTER(_Buffers)]),
        ("rs_job_free", ctypes.c_int, [pointer]),
        ("rs_free_sumset", None, [pointer]),
        ("rs_trace_set_level", None, [ctypes.c_int]),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    library.rs_trace_set_level(0)  # it would write to standard error
    return library


def is_available() -> bool:
    """True if this machine has the library."""
    return _library() is not None


def _needed() -> ctypes.CDLL:
    library = _library()
    if library is None:
        raise Unsupported("librsync is not installed", hint="Debian: apt install librsync2")
    return library


class _Job:
    """One job of the library. Raises ``Corrupt`` for bytes that it cannot take."""

    def __init__(self, library: ctypes.CDLL, job: int, sums: ctypes.c_void_p | None = None) -> None:
        self._library = library
        self._job = job
        self._ended = False
        finalize(self, _free, library, job, sums)

    def update(self, data: bytes) -> bytes:
        """What comes of these bytes; the job may keep some of it for later."""
        return b"".join(self._pieces(data, last=False))

    def finish(self) -> bytes:
        """The rest."""
        rest = b"".join(self._pieces(b"", last=True))
        if not self._ended:
            raise Corrupt("the delta, or the signature, ends too early")
        return rest

    def _pieces(self, data: bytes, *, last: bool) -> Iterator[bytes]:
        source, room = ctypes.create_string_buffer(data, len(data) or 1), ctypes.create_string_buffer(_OUTPUT)
        buffers = _Buffers(ctypes.addressof(source), len(data), int(last), 0, 0)
        while not self._ended:
            buffers.next_out, buffers.avail_out = ctypes.addressof(room), _OUTPUT
            result = self._library.rs_job_iter(self._job, ctypes.byref(buffers))
            if result not in {_DONE, _BLOCKED}:
                raise Corrupt(f"librsync cannot use these bytes [{result}]")
            yield room.raw[: _OUTPUT - buffers.avail_out]
            self._ended = result == _DONE
            if result == _BLOCKED and not buffers.avail_in and buffers.avail_out:
                return


def _free(library: ctypes.CDLL, job: int, sums: ctypes.c_void_p | None) -> None:
    library.rs_job_free(job)
    if sums is not None:
        library.rs_free_sumset(sums)


class SignatureJob(_Job):
    """Takes the old file, gives its signature: a weak sum and ``strong`` bytes of MD4 for each block of that size."""

    def __init__(self, block: int, strong: int = 8) -> None:
        library = _needed()
        super().__init__(library, library.rs_sig_begin(block, strong, _MD4_SIGNATURE))


class DeltaJob(_Job):
    """Takes the new file, gives what makes it of the file with this signature."""

    def __init__(self, signature: bytes) -> None:
        library = _needed()
        sums = ctypes.c_void_p()
        loading = _Job(library, library.rs_loadsig_begin(ctypes.byref(sums)))
        loaded = False
        try:
            loading.update(signature)
            loading.finish()
            loaded = library.rs_build_hash_table(sums) == _DONE
        finally:
            if not loaded:
                library.rs_free_sumset(sums)
        if not loaded:
            raise Corrupt("librsync cannot use this signature")
        super().__init__(library, library.rs_delta_begin(sums), sums)


class PatchJob(_Job):
    """Takes a delta, gives the new file; ``read`` gives bytes of the old one."""

    def __init__(self, read: Read) -> None:
        library = _needed()
        self._read = read
        self._held = b""
        self._callback = _COPY(self._copy)
        super().__init__(library, library.rs_patch_begin(self._callback, None))

    def _copy(self, _: object, offset: int, size: "ctypes._Pointer[ctypes.c_size_t]", place: object) -> int:
        """Called by the library, which looks at the bytes until it calls again."""
        try:
            self._held = self._read(size[0], offset)
        except OSError:
            return _IO_ERROR
        if not self._held:
            return _INPUT_ENDED
        size[0] = len(self._held)
        ctypes.cast(place, ctypes.POINTER(ctypes.c_char_p))[0] = self._held  # type: ignore[arg-type]  # a pointer
        return _DONE
