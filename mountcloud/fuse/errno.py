"""Every failure has a number; a test holds this table complete."""

import errno

from mountcloud.model import errors

ERRNO: dict[type[errors.Failure], int] = {
    errors.NotFound: errno.ENOENT,
    errors.Exists: errno.EEXIST,
    errors.NotADirectory: errno.ENOTDIR,
    errors.IsADirectory: errno.EISDIR,
    errors.NotEmpty: errno.ENOTEMPTY,
    errors.Forbidden: errno.EACCES,
    errors.NotPermitted: errno.EPERM,
    errors.InvalidName: errno.EINVAL,
    errors.NameTooLong: errno.ENAMETOOLONG,
    errors.InvalidArgument: errno.EINVAL,
    errors.CrossesBoundary: errno.EXDEV,
    errors.Unsupported: errno.EOPNOTSUPP,
    errors.NoAttribute: errno.ENODATA,
    errors.NoKey: errno.EACCES,
    errors.Blocked: errno.EACCES,
    errors.AuthenticationRequired: errno.EACCES,
    errors.AccountBlocked: errno.EACCES,
    errors.QuotaExceeded: errno.EDQUOT,
    errors.OutOfSpace: errno.ENOSPC,
    errors.DiskFull: errno.ENOSPC,
    errors.TooLarge: errno.EFBIG,
    errors.Conflict: errno.ESTALE,
    errors.Outdated: errno.ESTALE,
    errors.Busy: errno.EBUSY,
    errors.Unavailable: errno.EIO,
    errors.Throttled: errno.EIO,
    errors.Corrupt: errno.EIO,
    errors.Refused: errno.EIO,
}

ORDINARY = {
    errno.ENOENT,
    errno.EEXIST,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.ENOTEMPTY,
    errno.EACCES,
    errno.EPERM,
    errno.EINVAL,
    errno.ENAMETOOLONG,
    errno.EXDEV,
    errno.EOPNOTSUPP,
    errno.ENODATA,
    errno.ESTALE,
}
"""What programs and other clients cause all the time; nothing that the log should speak of."""


def number(failure: errors.Failure) -> int:
    """The errno that a program gets for it."""
    return ERRNO.get(type(failure), errno.EIO)
