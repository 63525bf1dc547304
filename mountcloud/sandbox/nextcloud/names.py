"""XML names, and the names that files may have (WebDAV facts, 2)."""

SABRE = r"Sabre\DAV\Exception"
DAV, OC, NC = "DAV:", "http://owncloud.org/ns", "http://nextcloud.org/ns"
PREFIXES = {DAV: "d", "http://sabredav.org/ns": "s", OC: "oc", NC: "nc"}

MAX_BYTES = 250
FORBIDDEN_NAMES = (".htaccess",)
FORBIDDEN_EXTENSIONS = (".filepart", ".part")
WINDOWS_CHARACTERS = '<>:"|?*'
WINDOWS_STEMS = ("con", "prn", "aux", "nul", *(f"{kind}{digit}" for kind in ("com", "lpt") for digit in range(10)))


def characters(*, windows: bool) -> list[str]:
    """Characters that no name may have."""
    return ["\\", "/", *(WINDOWS_CHARACTERS if windows else "")]


def extensions(*, windows: bool) -> list[str]:
    """Endings that no name may have."""
    return [*FORBIDDEN_EXTENSIONS, *([" ", "."] if windows else [])]


def stems(*, windows: bool) -> list[str]:
    """What may not stand before the first dot."""
    return list(WINDOWS_STEMS) if windows else []


def objection(name: str, *, windows: bool) -> str:
    """Why a name is refused; empty if it is not."""
    low = name.lower()
    if len(name.encode()) > MAX_BYTES:
        return "Filename is too long"
    if not name.strip() or name.strip() in {".", ".."}:
        return "Dot files are not allowed"
    stem = low[: low.find(".", 1)] if "." in low[1:] else low
    if low in FORBIDDEN_NAMES or stem in stems(windows=windows):
        return f'"{name}" is a forbidden file or folder name.'
    if any(low.endswith(ending) for ending in extensions(windows=windows)):
        return f'"{name}" has a forbidden ending.'
    if any(each < " " for each in name) or any(each in name for each in characters(windows=windows)):
        return "Invalid character in path"
    return ""
