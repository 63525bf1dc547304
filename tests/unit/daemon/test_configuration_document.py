"""docs/CONFIGURATION.md says of each setting what the code does."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from mountcloud.daemon.settings import (
    AccountSettings,
    AttributeSettings,
    CacheSettings,
    DesktopSettings,
    UploadSettings,
    parse,
)
from mountcloud.policy import local_names, thumbnailers
from mountcloud.providers import registry
from mountcloud.providers.amazon.settings import AmazonSettings
from mountcloud.providers.dracoon.settings import DracoonSettings
from mountcloud.providers.metadisk.settings import MetadiskSettings
from mountcloud.providers.smartfile.settings import SmartFileSettings
from mountcloud.providers.webdav.settings import WebdavSettings

TEXT = (Path(__file__).parents[3] / "docs/CONFIGURATION.md").read_text(encoding="utf-8")
EXAMPLE = TEXT.partition("```toml\n")[2].partition("```")[0]
EXAMPLES_ONLY = {"mountpoint", "local_only", "disk_mib", "thumbnailers", "options"}
SECTIONS = {
    "cache": CacheSettings,
    "upload": UploadSettings,
    "attributes": AttributeSettings,
    "desktop": DesktopSettings,
}


def test_the_example_is_valid_and_shows_the_defaults() -> None:
    account = parse(EXAMPLE, Path("example")).account("work")
    plain = AccountSettings("work", "dracoon")
    for section in fields(AccountSettings):
        found, default = getattr(account, section.name), getattr(plain, section.name)
        parts = fields(found) if section.name in SECTIONS else ()
        pairs = [(each.name, getattr(found, each.name), getattr(default, each.name)) for each in parts]
        for name, shown, usual in pairs or [(section.name, found, default)]:
            assert name in EXAMPLES_ONLY or shown == usual, name


@pytest.mark.parametrize("section", SECTIONS)
def test_every_setting_is_in_the_example(section: str) -> None:
    text = EXAMPLE.partition(f"[accounts.work.{section}]")[2].partition("\n[")[0]
    shown = set(re.findall(r"^(\w+) = ", text, re.MULTILINE))
    assert shown == {each.name for each in fields(SECTIONS[section])}


def test_every_setting_of_an_account_is_in_the_example() -> None:
    text = EXAMPLE.partition("\n[accounts.work.")[0]
    shown = set(re.findall(r"^(\w+) = ", text, re.MULTILINE))
    assert shown == {each.name for each in fields(AccountSettings)} - {"name", "options", *SECTIONS}


TABLES: dict[str, tuple[str, type, set[str]]] = {
    "amazon": ("Amazon Cloud Drive", AmazonSettings, set()),
    "dracoon": ("DRACOON", DracoonSettings, set()),
    "metadisk": ("Metadisk", MetadiskSettings, set()),
    "nextcloud": ("Nextcloud", WebdavSettings, {"auth"}),
    "smartfile": ("SmartFile", SmartFileSettings, set()),
    "webdav": ("WebDAV", WebdavSettings, set()),
}
"""Of each provider the heading, the settings, and those that are not its user's to choose."""


def test_every_provider_has_a_table() -> None:
    assert registry.FACTORIES.keys() - {"memory"} == TABLES.keys()


@pytest.mark.parametrize("provider", TABLES)
def test_every_key_of_a_provider_is_in_its_table(provider: str) -> None:
    service, kind, fixed = TABLES[provider]
    table = TEXT.partition(f"\n## {service}\n")[2].partition("\n## ")[0]
    shown = {key for row in re.findall(r"^\| (`.*?`) \|", table, re.MULTILINE) for key in re.findall(r"`(\w+)`", row)}
    assert shown == {each.name for each in fields(kind)} - fixed


@pytest.mark.parametrize("patterns", [local_names.USUAL, thumbnailers.USUAL])
def test_the_usual_patterns_are_named(patterns: tuple[str, ...]) -> None:
    assert [each for each in patterns if f"`{each}`" not in TEXT] == []
