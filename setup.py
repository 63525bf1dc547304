"""Packaging of mountcloud: metadata, dependencies, extras and the console script."""

from pathlib import Path

from setuptools import find_packages, setup

DESKTOP = ["jeepney>=0.8"]
KEYRING = ["keyring>=25"]
SANDBOX = ["starlette>=0.41", "uvicorn>=0.32", "python-multipart>=0.0.18", "defusedxml>=0.7", "wsproto>=1.2"]
TYPES = ["types-cachetools>=5.5", "types-setuptools>=75", "types-defusedxml>=0.7", "types-oauthlib>=3.2"]
LINT = ["ruff>=0.8", "mypy>=1.13", "import-linter>=2.1", *TYPES]
WEBDAV_SERVER = ["wsgidav>=4.3.3", "cheroot>=10.0.1"]
TEST = ["pytest>=8.3", "hypothesis>=6.115", "pytest-timeout>=2.3", "pytest-xdist>=3.6"]

setup(
    name="mountcloud",
    version="0.1.0",
    description="Any cloud account as an ordinary directory on Linux, end-to-end encrypted where the service can",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.11",
    packages=find_packages(include=["mountcloud", "mountcloud.*"]),
    package_data={
        "mountcloud": ["py.typed"],
        "mountcloud.units": ["*.service"],
        "mountcloud.filemanager": ["icons/*.svg"],
    },
    data_files=[("share/man/man1", ["docs/mountcloud.1"])],
    install_requires=[
        "pyfuse3>=3.4",
        "trio>=0.27",
        "httpx>=0.27",
        "h11>=0.14",
        "cryptography>=43",
        "cachetools>=5.5",
        "click>=8.1",
        "oauthlib>=3.2.2",
        "tzdata>=2024.1",
        "pycryptodomex>=3.20",
        "websockets>=15",
    ],
    extras_require={
        "sandbox": [*SANDBOX, *WEBDAV_SERVER],
        "keyring": KEYRING,
        "desktop": DESKTOP,
        "test": [*DESKTOP, *KEYRING, *SANDBOX, *WEBDAV_SERVER, *LINT, *TEST],
        # The services' own clients pin old libraries, so they live in an environment of their own (see ./run).
        "interop-dracoon": ["dracoon>=1.13"],
        "interop-nextcloud": ["nc-py-api>=0.20"],
        "interop-amazon": ["setuptools<58", "acdcli>=0.3.2"],
        "interop-metadisk": ["storj==0.1.4"],
        "interop-smartfile": ["smartfile>=2.19", "python-librsync>=0.1.post5"],
    },
    entry_points={"console_scripts": ["mountcloud=mountcloud.cli.main:main"]},
)
