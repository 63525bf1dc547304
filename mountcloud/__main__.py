"""``python -m mountcloud`` is the command ``mountcloud``."""

from mountcloud.cli.main import main

if __name__ == "__main__":
    main()
