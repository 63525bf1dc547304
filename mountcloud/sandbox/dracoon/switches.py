"""How the sandbox behaves where the real service is configurable or unknown. Kept over restarts."""

from dataclasses import asdict, dataclass, fields

from mountcloud.sandbox.dracoon.errors import BAD_ARGUMENT, Refusal

CHANNELS = ("classic", "s3", "enforced")
BRANCH_VALUES = ("fresh", "change")
FOREVER = -1


@dataclass(slots=True)
class Switches:
    """All times in seconds, all sizes in bytes.

    ``authorize_as``: who the browser is logged in as when it comes to the authorisation page.
    ``upload_channel``: ``classic`` (S3 is off), ``s3`` (both ways), ``enforced`` (S3 only).
    ``branch_delay``: from a change to the new branchVersion of the ancestors; negative: only when triggered.
    ``branch_value``: ancestors get a ``fresh`` number, or that of the ``change`` (if it is greater than their own).
    ``static_downloads``: download URLs lead to the second listener.
    ``downloads_at``: download URLs lead to stored bytes below this URL, where another server offers the directory
    ``blobs`` without any check, so that measurements need not measure this one. Empty: not so.
    ``download_uses``, ``space_limit``: -1 = unlimited.
    ``complete_window``: after a classic completion (then 202) the node answers 404 this long.
    ``s3_finish_delay``: from the completion of an S3 upload to ``done``.
    ``s3_late_conflicts``: name conflicts of S3 uploads appear in the status, not in the completion.
    ``refresh_rotation``: a used refresh token dies.
    """

    access_token_lifetime: float = 28_800
    refresh_token_lifetime: float = 2_592_000
    refresh_rotation: bool = True
    authorize_as: str = "demo"
    crypto_enabled: bool = True
    eula_pending: bool = False
    space_limit: int = FOREVER
    disk_full: bool = False
    case_sensitive_names: bool = False
    branch_delay: float = 0
    branch_value: str = "fresh"
    upload_channel: str = "classic"
    complete_window: float = 0
    upload_lifetime: float = 86_400
    s3_part_minimum: int = 5 * 1024 * 1024
    s3_url_lifetime: float = 900
    s3_finish_delay: float = 0.05
    s3_late_conflicts: bool = False
    static_downloads: bool = False
    downloads_at: str = ""
    download_lifetime: float = 300
    download_uses: int = FOREVER
    latency: float = 0

    def values(self) -> dict[str, object]:
        """All of them by name."""
        return asdict(self)

    def change(self, values: dict[str, object]) -> None:
        """Set some; raises ``Refusal`` for an unknown name or a wrong type, changing nothing."""
        for name, value in values.items():
            _check(name, value)
        for name, value in values.items():
            setattr(self, name, value)


_KINDS = {field.name: type(field.default) for field in fields(Switches)}
_FLOATS = {field.name for field in fields(Switches) if field.type is float}
_CHOICES = {"upload_channel": CHANNELS, "branch_value": BRANCH_VALUES}


def _check(name: str, value: object) -> None:
    kinds = (int, float) if name in _FLOATS else _KINDS.get(name)
    if kinds is None:
        raise Refusal(BAD_ARGUMENT, words=f"no switch {name}")
    if not isinstance(value, kinds) or (isinstance(value, bool) and _KINDS[name] is not bool):
        raise Refusal(BAD_ARGUMENT, words=f"switch {name} has another type")
    if name in _CHOICES and value not in _CHOICES[name]:
        raise Refusal(BAD_ARGUMENT, words=f"switch {name} is one of {', '.join(_CHOICES[name])}")
