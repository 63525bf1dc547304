import errno

import pytest

from mountcloud.fuse.errno import ERRNO, ORDINARY, number
from mountcloud.model import errors
from mountcloud.model.errors import Failure


def subclasses(kind: type[Failure]) -> set[type[Failure]]:
    return {kind} | {below for each in kind.__subclasses__() for below in subclasses(each)}


def test_every_failure_has_a_number_and_nothing_else() -> None:
    declared = {kind for kind in subclasses(Failure) if kind.__module__ == errors.__name__} - {Failure}
    assert set(ERRNO) == declared


@pytest.mark.parametrize("kind", list(ERRNO))
def test_a_number_is_one_that_linux_knows(kind: type[Failure]) -> None:
    assert number(kind("text")) == ERRNO[kind]
    assert ERRNO[kind] in errno.errorcode


def test_trouble_is_never_taken_for_absence() -> None:
    absent = {kind for kind, code in ERRNO.items() if code in {errno.ENOENT, errno.ENOTDIR}}
    assert absent == {errors.NotFound, errors.NotADirectory}
    assert number(Failure("unnamed")) == errno.EIO
    assert not {ERRNO[kind] for kind in ERRNO if kind.transient} & (ORDINARY - {errno.EACCES})
