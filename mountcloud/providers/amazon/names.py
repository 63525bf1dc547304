"""Which names the service holds (Amazon facts, 12)."""

from mountcloud.model.names import NameRules

NAMES = NameRules(max_length=255, case_sensitive=False)
"""The service takes one character more, but no file name of Linux has so many. Which spellings of an accent it takes
for one name is unknown, so they are taken for one here."""
