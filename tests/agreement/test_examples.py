"""The examples file: what may stand in it, and how a person who comes out differently is told."""

from __future__ import annotations

import pytest

from connector.agreement.examples import load_examples, run_examples
from connector.decide import Decider
from connector.errors import ConfigError

from .conftest import Folder
from .example_mistakes import IN_EXAMPLES


@pytest.mark.parametrize(("file", "head", "line", "where", "says"), IN_EXAMPLES)
def test_a_mistake_in_an_example_is_told_with_line_and_key(
    folder: Folder, file: str, head: str, line: str, where: str, says: list[str]
) -> None:
    """A signal, a field or a stage that does not exist, an instant that cannot be meant."""
    (folder.path / file).write_text(f"{head}{line}\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_examples(folder.path, folder.load())
    problems = [str(each) for each in caught.value.problems]

    fitting = [each for each in problems if where in each.split(": ")[0] and all(part in each for part in says)]
    assert fitting, problems
    assert fitting[0].startswith(f"mappings/{file}:")


#: The expectations are wrong on purpose.
TWICE = """
[x]
as_of = 2026-03-31T12:00:00Z
stage = "lead"
fields = { email = "ewa@northmill.example" }
[x.signals]
pricing_page = [2026-03-31T11:00:00Z]
[x.expect]
stage = "mql"
engagement = 15
points = { pricing_page = 14 }
missing = []
why_not = ["fit"]
sla_due = 2026-04-01T12:00:00Z
[[x.then]]
as_of = 2026-04-30T12:00:00Z
expect = { stage = "lead", engagement = 0, warnings = ["a flood"], why_not = [], exclusion_reason = "competitor" }
"""


def test_every_difference_is_a_sentence_with_its_day(folder: Folder) -> None:
    """What should be, what is, and at which of several looks."""
    (folder.path / "examples.toml").write_text(TWICE, encoding="utf-8")
    agreement = folder.load()
    (verdict,) = run_examples(load_examples(folder.path, agreement), Decider(agreement))

    first, then = "2026-03-31 12:00: ", "2026-04-30 12:00: "
    assert f"{first}stage should be mql and is lead" in verdict.differences
    assert f"{first}pricing_page should give 14 points and gives 15" in verdict.differences
    assert f"{first}sla_due should be 2026-04-01 12:00:00+00:00 and is blank" in verdict.differences
    assert any(each.startswith(f"{first}missing should be nothing and is ") for each in verdict.differences)
    assert f'{then}a warning should say "a flood"; said is: nothing' in verdict.differences
    assert any(each.startswith(f"{then}why_not should not be there, and says: ") for each in verdict.differences)
    assert f"{then}exclusion_reason should be competitor and is blank" in verdict.differences
    assert not any("engagement" in each.split(" should ")[0] for each in verdict.differences)


def test_a_second_look_goes_on_from_the_first(folder: Folder) -> None:
    """What was decided is shown by the CRM at the next look; an edit and an activity of the meantime count."""
    (folder.path / "examples.toml").write_text(
        """
[x]
as_of = 2026-03-31T12:00:00Z
stage = "lead"
owner_id = "7"
fields = { email = "ewa@northmill.example" }
expect = { stage = "sal", cycle = 1, tasks = 1, sla_state = "running" }
[x.signals]
demo_request = [2026-03-31T11:00:00Z]
[[x.then]]
as_of = 2026-04-01T12:00:00Z
activities = [{ kind = "call", at = 2026-03-31T12:30:00Z, direction = "outbound", outcome = "no_answer" }]
expect = { stage = "sal", tasks = 0, attempts = 1, status = "attempting", sla_state = "met", crm_stage = "sal" }
[[x.then]]
as_of = 2026-04-02T12:00:00Z
edits = [{ field = "status", to = "unqualified", at = 2026-04-02T09:00:00Z }]
expect = { stage = "disqualified", status = "unqualified", attempts = 1 }
""",
        encoding="utf-8",
    )
    agreement = folder.load()
    (verdict,) = run_examples(load_examples(folder.path, agreement), Decider(agreement))

    assert verdict.differences == ("2026-04-02 12:00: attempts should be 1 and is blank",)  # the cycle is over
