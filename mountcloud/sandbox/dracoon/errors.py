"""What the service says no with: status, error code and words (DRACOON facts, 20)."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus


@dataclass(frozen=True, slots=True)
class Code:
    """One kind of refusal; ``number`` is None where the service sends no error code."""

    status: int
    number: int | None
    words: str


class Refusal(Exception):
    """A request is refused; ``infos`` are extra members of the body, such as ``errorInfos``."""

    def __init__(self, code: Code, *, infos: dict[str, object] | None = None, words: str = "") -> None:
        super().__init__(words or code.words)
        self.code = code
        self.infos = infos or {}
        self.words = words or code.words

    def body(self) -> dict[str, object]:
        """The JSON body of the answer."""
        body: dict[str, object] = {"code": self.code.status, "message": HTTPStatus(self.code.status).phrase}
        body["debugInfo"] = self.words
        if self.code.number is not None:
            body["errorCode"] = self.code.number
        return body | self.infos


def name_conflict(nodes: Sequence[tuple[int, str]]) -> Refusal:
    """The name is taken by these (id, name) nodes (DRACOON facts, 10.3)."""
    items = [
        {"nodeId": node, "name": name, "errorCode": -41001, "errorMessage": "Node already exists"}
        for node, name in nodes
    ]
    return Refusal(NAME_TAKEN, infos={"errorInfos": {"conflictNodes": items}})


BAD_ARGUMENT = Code(400, -80000, "Invalid request")
NOT_POSITIVE = Code(400, -80001, "A value must be positive")
MISSING_FIELD = Code(400, -80005, "A mandatory field is missing")
BAD_EXPIRY = Code(400, -80006, "The expiration date is invalid")
TOO_LONG = Code(400, -80007, "A value is too long")
BAD_RANGE_HEADER = Code(400, -80021, "The Content-Range does not fit")
BAD_PAGE = Code(400, -80024, "Offset or limit is out of range")
BAD_COMBINATION = Code(400, -80034, "keepShareLinks needs the resolution strategy overwrite")
BAD_FILTER = Code(400, -80013, "Filter or sort is invalid")
TOO_LARGE_FOR_GCM = Code(400, -80037, "The file is too large for AES-GCM")
BAD_ETAGS = Code(400, -80045, "The parts do not fit what was stored")
PART_SIZE = Code(400, -80046, "A part is too small or too many parts were asked for")
TOO_MANY_ITEMS = Code(400, -80063, "More than 200 items")
CHANNEL_CLOSED = Code(400, -20503, "The upload channel is closed")
TARGET_NOT_ENCRYPTED = Code(400, -40001, "The target is not encrypted")
TARGET_ENCRYPTED = Code(400, -40002, "The target is encrypted")
ROOM_HAS_FILES = Code(400, -40003, "Only an empty room can be encrypted or decrypted")
ADMIN_NEEDED = Code(400, -40006, "A room needs at least one administrator")
ROOM_IN_BIN = Code(400, -40008, "The recycle bin of the room is not empty")
NOT_TOP_LEVEL = Code(400, -40012, "Only a top-level room can be encrypted")
OTHER_ROOM = Code(400, -40013, "An encrypted file can only be restored into its own room")
NO_KEY_FOR_TRANSFER = Code(400, -40014, "A file key is missing")
TOP_LEVEL_INHERITS = Code(400, -40017, "A top-level room cannot inherit permissions")
ROOM_HAS_SHARES = Code(400, -40023, "The room has shares")
BAD_NAME = Code(400, -40755, "The name is not allowed")
KEY_REQUIRED = Code(400, -40763, "A file key is required")
ROOM_TRANSFER = Code(400, -41052, "Rooms cannot be moved or copied")
TARGET_IS_FILE = Code(400, -41053, "A file cannot be the target")
DIFFERENT_PARENTS = Code(400, -41054, "All nodes must have the same parent")
PATH_TOO_LONG = Code(400, -41200, "The path is too long")
MOVED_ONTO_ITSELF = Code(400, -41302, "A node cannot be moved to its own place")
COPIED_ONTO_ITSELF = Code(400, -41303, "A node cannot be copied to its own place without a new name")
SHARE_NEEDS_KEY = Code(400, -50003, "An encrypted share needs a key pair and a file key")
SHARE_OF_CONTAINER = Code(400, -50004, "Encrypted containers cannot be shared")
SHARE_PASSWORD = Code(400, -50006, "An encrypted share takes no password")
SHARE_PLAIN_KEY = Code(400, -50007, "A plain share takes no keys")
UNKNOWN_KEY_VERSION = Code(400, -70022, "The key pair version is unknown")
BAD_KEY_PAIR = Code(400, -70023, "The key pair has a bad format")
ENCRYPTION_OFF = Code(400, -70027, "Encryption is off for the customer")
S3_ENFORCED = Code(400, -90033, "S3 direct upload is enforced")
BAD_TOKEN = Code(401, -10012, "The access token is expired or wrong")
BAD_TRANSFER_TOKEN = Code(401, -20502, "The transfer token is unknown or expired")
FORBIDDEN = Code(403, None, "Forbidden")
USER_LOCKED = Code(403, -10003, "The user is locked")
VIRUS_SCAN_RUNNING = Code(403, -40764, "The virus scan is not finished")
MALICIOUS = Code(403, -40765, "The file is malicious")
NO_KEY_PAIR_FOR_FILE = Code(403, -70020, "The user has no key pair")
SHARE_WRONG_PASSWORD = Code(403, -50002, "The password of the share is wrong")
ADDRESS_UNKNOWN = Code(404, None, "No such address")
UPLOAD_UNKNOWN = Code(404, -20501, "The upload is unknown")
UPLOAD_GONE = Code(404, -90034, "The S3 upload is unknown")
CONTAINER_UNKNOWN = Code(404, -40000, "The container was not found")
FILE_UNKNOWN = Code(404, -40751, "The file was not found")
NO_FILE_KEY = Code(404, -40761, "There is no file key for the user")
NODE_UNKNOWN = Code(404, -41000, "The node was not found")
SOURCE_UNKNOWN = Code(404, -41050, "The source node was not found")
TARGET_UNKNOWN = Code(404, -41051, "The target node was not found")
DELETED_UNKNOWN = Code(404, -41100, "The deleted node was not found")
COMMENT_UNKNOWN = Code(404, -41400, "The comment was not found")
SHARE_UNKNOWN = Code(404, -50000, "The download share was not found")
SHARE_USED_UP = Code(403, -50009, "The download share is expired or used up")
REQUEST_UNKNOWN = Code(404, -50500, "The upload share was not found")
REQUEST_USED_UP = Code(403, -50501, "The upload share is expired or used up")
NO_KEY_PAIR = Code(404, -70020, "The user has no key pair")
USER_UNKNOWN = Code(404, -70501, "The user was not found")
GROUP_UNKNOWN = Code(404, -30000, "The group was not found")
NAME_TAKEN = Code(409, -41001, "A node of that name exists")
CONTAINER_IN_THE_WAY = Code(409, -40010, "A container cannot be overwritten")
INTO_OWN_CHILD = Code(409, -41304, "A node cannot be moved below itself")
KEY_PAIR_EXISTS = Code(409, -70021, "The user has such a key pair")
EULA_PENDING = Code(412, -10103, "The EULA must be accepted")
S3_OFF = Code(412, -90030, "S3 storage is off")
ROOM_QUOTA = Code(507, -40200, "The quota of the room is used up")
CUSTOMER_QUOTA = Code(507, -90200, "The quota of the customer is used up")
DISK_FULL = Code(507, -90201, "The disk is full")
SHARE_QUOTA = Code(507, -50504, "The quota of the upload share is used up")
