"""The verb agreement test: do the examples still come out as agreed?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.cli import show
from connector.cli.app import CONFIG, ConfigOption, ConnectionOption, OutputOption, agreements
from connector.cli.subject import FolderOption, subject
from connector.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.agreement.examples import Tried


@agreements.callback()
def agreement() -> None:
    """The agreement as a living document: look for slips, try its examples, read it, compare, sign, edit the points."""


@agreements.command("test")
def agreement_test(
    folder: FolderOption = None,
    config: ConfigOption = CONFIG,
    connection: ConnectionOption = None,
    output: OutputOption = "text",
) -> int:
    """Decide on the people in examples.toml and compare with what both teams expect. Ends with 1 where they differ."""
    from connector.agreement.examples import load_examples, run_examples  # noqa: PLC0415 - --help does without
    from connector.decide import Decider  # noqa: PLC0415 - the same

    chosen = subject(folder, config, connection)
    examples = load_examples(chosen.mapping, chosen.agreement)
    if not examples:
        raise UsageError(f"{chosen.mapping.name}/examples.toml names nobody; add a person both teams know.")
    tried = run_examples(examples, Decider(chosen.agreement))
    wrong = [one for one in tried if one.differences]
    if output == "json":
        show.json(
            {
                "agreement": chosen.agreement.version,
                "fingerprint": chosen.agreement.fingerprint,
                "status": "failed" if wrong else "done",
                "examples": [
                    {"name": one.name, "says": one.says, "differences": list(one.differences)} for one in tried
                ],
            }
        )
    else:
        _tell(tried, wrong)
    return 1 if wrong else 0


def _tell(tried: Sequence[Tried], wrong: Sequence[Tried]) -> None:
    for one in tried:
        show.say(f"{one.name}: {one.says}" if one.says else one.name, "✗" if one.differences else "✓")
        for difference in one.differences:
            show.say(difference, indent=2)
    right = len(tried) - len(wrong)
    show.say(f"{right} of {len(tried)} examples come out as agreed.")
