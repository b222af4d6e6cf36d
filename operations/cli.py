"""The `touchline` command: a table of contents.

The modules named here import the heavy part inside their functions, so that `--help` and a
mistyped option answer at once.
"""

from __future__ import annotations

from typing import Annotated

import typer

from operations import (
    alert_commands,
    backtest_command,
    backup_commands,
    board_command,
    drift_command,
    export_command,
    housekeep_command,
    inbox_command,
    ledger_commands,
    mirror_command,
    notify_command,
    reading_commands,
    repair_commands,
    replay_command,
    report_command,
    s3_command,
    seal_command,
    setup_commands,
    stack_commands,
    status_command,
)
from operations.errors import Commands

app = typer.Typer(
    name="touchline",
    cls=Commands,
    help="Watches live sport every minute and can prove that it lost nothing.",
    no_args_is_help=True,
    add_completion=False,
    # Local variables hold credentials.
    pretty_exceptions_show_locals=False,
)


def _say_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"touchline {version('touchline')}")
        raise typer.Exit


@app.callback()
def before_every_command(
    version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_say_version, help="Say which one this is."
        ),
    ] = False,
) -> None:
    from resources.env_file import take_aws_variables

    take_aws_variables()


app.command()(setup_commands.init)
app.command()(setup_commands.doctor)
app.command()(stack_commands.up)
app.command()(stack_commands.down)
app.command()(status_command.status)
app.command()(replay_command.replay)
app.command()(reading_commands.verify)
app.command()(report_command.report)
app.command()(board_command.board)
app.command()(seal_command.seal)
app.command()(mirror_command.mirror)
app.command()(backup_commands.backup)
app.command()(backup_commands.restore)
app.command()(housekeep_command.housekeep)
app.command()(repair_commands.losses)
app.command()(repair_commands.reprocess)
app.command()(inbox_command.inbox)
app.command()(drift_command.drift)
app.command()(reading_commands.rows)
app.command()(export_command.export)
app.command()(reading_commands.fetch)
app.command()(reading_commands.quarantine)
app.command()(reading_commands.trace)
app.command()(reading_commands.lags)
app.command()(backtest_command.backtest)
app.command()(s3_command.s3)
app.command()(alert_commands.alerts)
app.command()(alert_commands.mute)
app.command()(alert_commands.unmute)
app.command()(alert_commands.acknowledge)
app.command()(notify_command.notify)
app.add_typer(ledger_commands.app, name="ledger")

if __name__ == "__main__":
    app()
