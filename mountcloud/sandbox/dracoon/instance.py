"""What the instance says of itself (DRACOON facts, 4)."""

from starlette.responses import Response

from mountcloud.sandbox.dracoon.calls import Call, reply
from mountcloud.sandbox.dracoon.fields import date_text, now_ms
from mountcloud.sandbox.dracoon.state import Sandbox

API_VERSION = "5.47.0"


def ping(call: Call) -> Response:
    """``GET /auth/ping`` and ``GET /user/ping``."""
    return Response(f"OK {date_text(now_ms())}", media_type="text/plain")


def version(call: Call) -> Response:
    """``GET /public/software/version``."""
    built = {"buildDate": "2026-01-01T00:00:00.000Z", "scmRevisionNumber": "sandbox", "isDracoonCloud": False}
    return reply({"restApiVersion": API_VERSION, "sdsServerVersion": API_VERSION, "version": API_VERSION} | built)


def server_time(call: Call) -> Response:
    """``GET /public/time``."""
    return reply({"time": date_text(now_ms())})


def system_info(call: Call) -> Response:
    """``GET /public/system/info``."""
    info: dict[str, object] = {"languageDefault": "en", "hideLoginInputFields": False, "s3Hosts": []}
    if uses_s3(call.box):
        info["s3Hosts"] = [f"127.0.0.1:{call.box.static_port}"]
    info |= {"s3EnforceDirectUpload": enforces_s3(call.box), "useS3Storage": uses_s3(call.box)}
    return reply(info | {"authMethods": [{"name": "basic", "isEnabled": True, "priority": 1}]})


def no_foreign_logins(call: Call) -> Response:
    """``GET /public/system/info/auth/ad`` and ``/openid``: none."""
    return reply({"items": []})


def general(call: Call) -> Response:
    """``GET /config/info/general``."""
    off = dict.fromkeys(
        (
            "sharePasswordSmsEnabled",
            "eulaEnabled",
            "weakPasswordEnabled",
            "s3TagsEnabled",
            "homeRoomsActive",
            "mediaServerEnabled",
        ),
        False,
    )
    on = {"cryptoEnabled": call.box.switches.crypto_enabled, "useS3Storage": uses_s3(call.box)}
    limits = {"authTokenRestrictions": {"restrictionEnabled": False}, "subscriptionPlan": 1}
    return reply(off | on | limits | {"emailNotificationButtonEnabled": False, "hideLoginInputFields": False})


def infrastructure(call: Call) -> Response:
    """``GET /config/info/infrastructure``."""
    info = {"smsConfigEnabled": False, "mediaServerConfigEnabled": False, "s3DefaultRegion": "sandbox-1"}
    info |= {"s3EnforceDirectUpload": enforces_s3(call.box), "isDracoonCloud": False}
    return reply(info | {"tenantUuid": "00000000-0000-4000-8000-000000000001"})


def defaults(call: Call) -> Response:
    """``GET /config/info/defaults``."""
    info = {"languageDefault": "en", "nonmemberViewerDefault": False, "hideLoginInputFields": False}
    periods = (
        "downloadShareDefaultExpirationPeriod",
        "uploadShareDefaultExpirationPeriod",
        "fileDefaultExpirationPeriod",
    )
    return reply(info | dict.fromkeys(periods, 0) | {"globalRecycleBinRetentionPeriod": 0})


def algorithms(call: Call) -> Response:
    """``GET /config/info/policies/algorithms``."""
    file_keys = [_algorithm("RSA-4096/AES-256-GCM", "REQUIRED"), _algorithm("A", "DISCOURAGED")]
    key_pairs = [_algorithm("RSA-4096", "REQUIRED"), _algorithm("A", "DISCOURAGED")]
    return reply({"fileKeyAlgorithms": file_keys, "keyPairAlgorithms": key_pairs})


def _algorithm(name: str, status: str) -> dict[str, str]:
    return {"version": name, "description": name, "status": status}


def classifications(call: Call) -> Response:
    """``GET /config/info/policies/classifications``."""
    return reply({"shareClassificationPolicies": {"classificationRequiresSharePassword": 0}})


def virus_protection(call: Call) -> Response:
    """``GET /config/info/policies/virus_protection``."""
    return reply({"virusProtectionConfigEnabled": False, "virusProtectionEnabled": False})


def passwords(call: Call) -> Response:
    """``GET /config/info/policies/passwords``: anything goes."""
    rules: dict[str, object] = {
        "characterRules": {"mustContainCharacters": ["none"], "numberOfCharacteristicsToEnforce": 0}
    }
    rules |= {"minLength": 1, "rejectDictionaryWords": False, "rejectUserInfo": False, "rejectKeyboardPatterns": False}
    return reply({"sharesPasswordPolicies": rules, "encryptionPasswordPolicies": rules})


def uses_s3(box: Sandbox) -> bool:
    """True if uploads may go straight to S3."""
    return box.switches.upload_channel != "classic"


def enforces_s3(box: Sandbox) -> bool:
    """True if uploads must go straight to S3."""
    return box.switches.upload_channel == "enforced"
