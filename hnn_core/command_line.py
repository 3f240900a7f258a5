"""How every command ends: with an answer, or with one line on stderr and exit code 2."""

import typer

from hnn_core.exceptions import HnnError

__all__ = ["BAD_INPUT", "complain", "run"]

BAD_INPUT = 2


def run(app: typer.Typer, name: str, args: list[str] | None = None) -> int:
    """Run a command and return its exit code.

    Parameters
    ----------
    app : Typer
    name : str
        The program's name in its help.
    args : list of str, optional
        Arguments without the program's name; the process's own by default.

    Returns
    -------
    int
        0, or 2 for bad input of any kind, or 130 when interrupted.
    """
    try:
        code = app(args, prog_name=name, standalone_mode=False)
    except typer.TyperException as error:
        complain(error.format_message())
        return BAD_INPUT
    except (HnnError, OSError) as error:
        complain(str(error))
        return BAD_INPUT
    except (typer.Abort, KeyboardInterrupt):
        return 130
    return code or 0


def complain(message: str) -> None:
    """Write a message as one line on stderr."""
    typer.echo(" ".join(message.split()), err=True)
