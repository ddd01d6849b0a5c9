"""The entry of the command line: global options, the commands by name, and the border where errors end.

In: arguments. Out: an exit code and text for a person. Never: imports a command, or what it needs, before
that command is called; `holocron --help` answers at once.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import click

from holocron.cli.exits import Exit
from holocron.cli.given import Given, read_words
from holocron.cli.terminal import complain, note, prepare_streams
from holocron.errors import HolocronError, UsageError
from holocron.settings import wants_traceback

#: what `holocron --help` says of each command; the command's own help says more
SUMMARIES = {
    "init": "Make a new project.",
    "derive": "Derive answers from evidence.",
    "enqueue": "Put jobs into the queue for workers.",
    "worker": "Work the queue's jobs, of any derivation.",
    "workers": "List the workers and what they hold.",
    "status": "Count the jobs by derivation and status.",
    "jobs": "List jobs and why they were rejected or failed.",
    "show": "Show what is known about a subject, with its citations.",
    "why": "Walk one value back to its evidence, prompt and model.",
    "verify": "Check every stored value against its evidence again.",
    "retry": "Work rejected and failed jobs again.",
    "cancel": "Take open jobs out of the queue.",
    "pause": "Stop handing out jobs, or go on.",
    "models": "List, pull, show and try the engine's models.",
    "doctor": "Check project, database and engine, and say how to mend them.",
    "export": "Write the rows of a derivation to a file.",
    "db": "Make and upgrade a server's database.",
    "demo": "Make a small example project and derive it.",
}


#: what click raises, since 8.2, for a group that is called without a command: its message is the help
_HELP_INSTEAD: tuple[type[click.ClickException], ...] = tuple(
    filter(None, [getattr(click.exceptions, "NoArgsIsHelpError", None)])
)


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the commands in the order in which a new user meets them."""
        return list(SUMMARIES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        """Import a command by its name."""
        if cmd_name not in SUMMARIES:
            return None
        command: click.Command = import_module(f"holocron.cli.commands.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is called, or say which one may have been meant."""
        if args[0] not in SUMMARIES and not args[0].startswith("-"):
            from difflib import get_close_matches

            meant = "".join(f" Did you mean {name!r}?" for name in get_close_matches(args[0], SUMMARIES, 1))
            ctx.fail(f"No such command {args[0]!r}.{meant}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - as above
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(SUMMARIES.items()))


def _print_version(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's signature
    if not value or ctx.resilient_parsing:
        return
    # imported here: it takes as long as the rest of `holocron --help`
    from importlib.metadata import PackageNotFoundError, version

    try:
        number = version("holocron-analytics")
    except PackageNotFoundError:
        number = "(not installed)"
    click.echo(f"holocron {number}")
    ctx.exit()


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start with: holocron demo",
)
@click.option(
    "--project",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="The project's folder. Default: the nearest one upwards with a holocron.toml, or this one.",
)
@click.option(
    "--database",
    type=read_words,
    metavar="URL",
    help="The database. Default: SQLite in the project's .holocron folder.",
)
@click.option(
    "--model",
    type=read_words,
    metavar="NAME",
    help="The model: builtin, gguf:PATH, ollama:NAME or openai:NAME.",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version.",
)
@click.pass_context
def cli(ctx: click.Context, project: Path | None, database: str | None, model: str | None) -> None:
    """Holocron turns evidence into typed SQL rows whose every value names its source."""
    ctx.obj = Given(project=project, database=database, model=model)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit the process; nothing but SystemExit leaves it."""
    prepare_streams()
    sys.exit(run(arguments))


def run(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit code; errors end here, each in a sentence and a mend."""
    try:
        code = cli.main(args=arguments, prog_name="holocron", standalone_mode=False)
    except click.ClickException as problem:
        if isinstance(problem, _HELP_INSTEAD):
            note(problem.format_message())
            return problem.exit_code
        context = problem.ctx if isinstance(problem, click.UsageError) else None
        hint = f"See {context.command_path} --help." if context else ""
        complain(problem.format_message(), hint)
        return problem.exit_code
    except HolocronError as problem:
        complain(str(problem), problem.hint)
        return Exit.USAGE if isinstance(problem, UsageError) else Exit.CANNOT_RUN
    except (click.Abort, KeyboardInterrupt):
        complain("interrupted; what was committed stays, and the next run goes on from there")
        return Exit.INTERRUPTED
    except OSError as problem:
        thing = problem.filename or "standard output, the working folder or another file"
        complain(
            f"{thing} cannot be used: {problem.strerror or problem}",
            "Check that it is there, that you may use it, and that its disk has room.",
        )
        return Exit.CANNOT_RUN
    except Exception as problem:  # noqa: BLE001 - the last border: a person gets a sentence, never a traceback
        if wants_traceback():
            import traceback

            traceback.print_exc()
        complain(
            f"a fault in Holocron: {type(problem).__name__}: {problem}",
            "Set HOLOCRON_TRACEBACK=1 to see where, and report it; nothing that was committed is lost.",
        )
        return Exit.CANNOT_RUN
    # a command that returns nothing is done; --help and --version return click's 0
    return code if isinstance(code, int) else Exit.DONE


if __name__ == "__main__":
    main()
