"""How the sandbox behaves where the real service differed from day to day, or is unknown. Kept over restarts."""

from dataclasses import dataclass

from mountcloud.sandbox.switchboard import Switchboard


@dataclass(slots=True)
class Switches(Switchboard):
    """Times in seconds, sizes in bytes.

    ``authorize_as``: the customer whose browser comes to the consent page.
    ``page_size``: most nodes of one page. ``page_token_lifetime``: how long the rest of a listing can be asked for.
    ``listing_lag``: listings show the tree as it was so long ago; single nodes and the change feed do not.
    ``redirect_downloads``: content is answered with a redirect to a signed address of another host.
    ``stored_but_504``: so many uploads end with 504 although they are stored; ``stored_after`` seconds later.
    ``corrupt_uploads``: so many uploads are stored with their last byte altered.
    ``chunk_size``: nodes on one line of the change feed, where the client names no other number.
    ``cut_changes``: so many answers of the change feed end before their end line; ``cut_after`` lines.
    ``reverse_changes``: children come before their parents within a line.
    ``flip_descendants``: trashing a folder changes the status of all that is in it.
    ``properties_at_creation``: properties that come with a new node are kept.
    """

    authorize_as: str = "demo"
    access_token_lifetime: float = 3600
    page_size: int = 200
    page_token_lifetime: float = 600
    listing_lag: float = 0
    redirect_downloads: bool = False
    signed_lifetime: float = 300
    stored_but_504: int = 0
    stored_after: float = 0
    corrupt_uploads: int = 0
    chunk_size: int = 100
    cut_changes: int = 0
    cut_after: int = 1
    reverse_changes: bool = False
    flip_descendants: bool = False
    properties_at_creation: bool = True
    latency: float = 0
