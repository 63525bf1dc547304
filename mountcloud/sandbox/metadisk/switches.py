"""How this service behaves where its versions differed, or is in trouble. Kept over restarts."""

from dataclasses import dataclass

from mountcloud.sandbox.switchboard import Switchboard


@dataclass(slots=True)
class Switches(Switchboard):
    """Times in seconds, sizes in bytes.

    ``shard_size``: where files are cut; ``cut_exactly``: there, else after the network read that reaches it.
    ``token_lifetime``, ``channel_lifetime``: how long a token, and a farmer's channel, wait to be used.
    ``signers_must_be_active``: signed requests of an account that is not activated are refused (version 0.6).
    ``corrupt_uploads``: so many uploads arrive with their last byte altered.
    ``reverse_listings``: the newest entry comes first.
    ``pointer_trouble``: "contract" or "farmer" cannot be found (404), any other text is a farmer's own message (500).
    ``late_farmers``: farmers say 200 before they close, and failures as the code with which they close (version 0.6).
    ``piece``: size of a farmer's messages.
    ``farmer_trouble``: "error": says ``farmer_error``; "short": closes as if all was well; "silent": says nothing more;
    "wrong": one byte is another; "long": goes on after the end. It begins after ``farmer_after`` bytes and strikes
    ``farmer_troubles`` transfers, -1 all.
    """

    shard_size: int = 8 << 20
    cut_exactly: bool = False
    token_lifetime: float = 300.0
    channel_lifetime: float = 120.0
    signers_must_be_active: bool = True
    corrupt_uploads: int = 0
    reverse_listings: bool = False
    pointer_trouble: str = ""
    late_farmers: bool = False
    piece: int = 1 << 16
    farmer_trouble: str = ""
    farmer_troubles: int = -1
    farmer_after: int = 0
    farmer_error: str = "Shard not found"
    latency: float = 0.0
