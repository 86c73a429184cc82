"""``python -m shopforum.dev.idp``: run the development identity provider."""

import argparse
from pathlib import Path

from .server import serve


def main(arguments: list[str] | None = None) -> None:
    """Run until interrupted; exits with status 2 for wrong arguments and 1 when it cannot listen."""
    parser = argparse.ArgumentParser(prog="python -m shopforum.dev.idp", description=__doc__)
    parser.add_argument("--database", required=True, help="path of its SQLite file, created when missing")
    parser.add_argument("--port", type=int, default=9011)
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address")
    parser.add_argument("--api-key", required=True)
    parser.add_argument("--webhook", help="the address that is told of events")
    parser.add_argument("--webhook-ca", type=Path, help="the authority of that address, where it is https")
    parser.add_argument("--mail-folder", type=Path, help="where mails are written to, as .eml files")
    parser.add_argument(
        "--development", action="store_true", help="required: this provider is for development only"
    )
    options = parser.parse_args(arguments)
    if not options.development:
        parser.error("this provider is for development only: start it with --development")
    if not 0 < options.port < 65536:
        parser.error("the port must be from 1 to 65535")
    try:
        serve(
            options.database,
            options.api_key,
            options.host,
            options.port,
            options.webhook,
            options.mail_folder,
            options.webhook_ca,
        )
    except ValueError as error:
        parser.error(str(error))
    except OSError as error:
        parser.exit(1, f"cannot listen on port {options.port}: {error}\n")


if __name__ == "__main__":
    main()
