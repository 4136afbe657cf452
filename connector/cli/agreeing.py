"""The verb agreement test: do the examples still come out as agreed?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.cli import show
from connector.cli.app import CONFIG, ConfigOption, ConnectionOption, OutputOption, agreements
from connector.cli.subject import FolderOption, subject
from connector.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.agreement.examples import Verdict


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
    verdicts = run_examples(examples, Decider(chosen.agreement))
    wrong = [one for one in verdicts if one.differences]
    if output == "json":
        show.json(
            {
                "agreement": chosen.agreement.version,
                "fingerprint": chosen.agreement.fingerprint,
                "status": "failed" if wrong else "done",
                "examples": [
                    {"name": one.name, "says": one.says, "differences": list(one.differences)} for one in verdicts
                ],
            }
        )
    else:
        _tell(verdicts, wrong)
    return 1 if wrong else 0


def _tell(verdicts: Sequence[Verdict], wrong: Sequence[Verdict]) -> None:
    for one in verdicts:
        show.say(f"{one.name}: {one.says}" if one.says else one.name, "✗" if one.differences else "✓")
        for difference in one.differences:
            show.say(difference, indent=2)
    right = len(verdicts) - len(wrong)
    show.say(f"{right} of {len(verdicts)} examples come out as agreed.")
