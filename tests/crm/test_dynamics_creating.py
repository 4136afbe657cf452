"""Columns of ours in a Dynamics environment: every type, in every table of people, in a solution, published once."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from connector.crm import PropertyDefinition
from connector.crm.dynamics.adapter import Dynamics
from connector.crm.dynamics.creating import body_of
from connector.errors import Denied, Rejected, Transient
from connector.sandbox.dataverse import DataverseSandbox
from connector.sandbox.dataverse.known import PUBLISHER
from connector.sandbox.dataverse.schema import Ref

CHOICE = PropertyDefinition("cx_choice", "enumeration", "A choice", {"710000000": "One", "710000001": "Two"})


def setup_calls(crm: Dynamics) -> int:
    return crm.calls.by_class.get("setup", 0)


@pytest.mark.parametrize(
    ("definition", "kind"),
    [
        (PropertyDefinition("cx_x", "string", "X"), "string"),
        (PropertyDefinition("cx_x", "string", "X", length=20_000), "memo"),
        (PropertyDefinition("cx_x", "number", "X"), "integer"),
        (PropertyDefinition("cx_x", "number", "X", decimals=2), "decimal"),
        (PropertyDefinition("cx_x", "bool", "X"), "boolean"),
        (PropertyDefinition("cx_x", "date", "X"), "dateonly"),
        (PropertyDefinition("cx_x", "datetime", "X"), "datetime"),
        (PropertyDefinition("cx_x", "enumeration", "X", {"710000000": "One"}), "choice"),
    ],
)
def test_every_type_becomes_a_column_of_its_kind_wherever_people_stand(
    crm: Dynamics, sandbox: DataverseSandbox, definition: PropertyDefinition, kind: str
) -> None:
    """In contacts and in leads; described, it is of our type again, and of a company it is in one table."""
    crm.create_property("contact", definition, "agreement")
    crm.create_property("company", definition, "agreement")
    crm.publish()

    made = [sandbox.world.tables[name].columns["cx_x"] for name in ("contact", "lead", "account")]
    told = crm.describe(["contact"]).properties["contact"]["cx_x"]
    assert {one.kind for one in made} == {kind}
    assert (told.type, told.lacking, told.read_only) == (definition.type, (), False)


def test_making_it_twice_is_making_it_once_and_what_a_table_lacks_is_made_there(
    crm: Dynamics, sandbox: DataverseSandbox
) -> None:
    """Somebody made it in contacts alone: it is told to be lacking, and then made in leads."""
    sandbox.do("column", {"table": "contacts", "add": "cx_Fit integer 0 100"})
    definition = PropertyDefinition("cx_fit", "number", "Fit")
    assert crm.describe(["contact"]).properties["contact"]["cx_fit"].lacking == ("lead",)

    crm.create_property("contact", definition, "agreement")
    crm.create_property("contact", definition, "agreement")

    assert sandbox.world.tables["contact"].columns["cx_fit"].most == 100
    assert crm.describe(["contact"]).properties["contact"]["cx_fit"].lacking == ()


def test_a_lost_answer_to_a_creation_is_no_second_column(crm: Dynamics, sandbox: DataverseSandbox) -> None:
    """The name makes it unique: there already is as good as made."""
    sandbox.fault("drop_after", method="POST", path="Attributes")

    crm.create_property("company", PropertyDefinition("cx_x", "string", "X"), "agreement")

    assert "cx_x" in sandbox.world.tables["account"].columns


def test_options_are_added_by_their_numbers_to_every_table_that_lacks_them(
    crm: Dynamics, sandbox: DataverseSandbox
) -> None:
    """What is there stays, with the label that somebody gave it."""
    crm.create_property("contact", CHOICE, "agreement")
    sandbox.do("column", {"table": "leads", "name": "cx_choice", "add_option": 710000002})

    crm.add_options("contact", "cx_choice", {"710000001": "Renamed", "710000002": "Three"})
    crm.publish()

    told = {
        name: {one.value: one.label for one in sandbox.world.tables[name].columns["cx_choice"].options}
        for name in ("contact", "lead")
    }
    assert told["contact"] == {710000000: "One", 710000001: "Two", 710000002: "Three"}
    assert told["lead"] == {710000000: "One", 710000001: "Two", 710000002: "Option 710000002"}


def test_an_option_without_a_number_is_refused_in_words(crm: Dynamics) -> None:
    """A label is no value."""
    with pytest.raises(Rejected, match="cx_choice need numbers in Dynamics"):
        crm.create_property("contact", PropertyDefinition("cx_choice", "enumeration", "", {"one": "One"}), "agreement")


def test_what_was_made_is_published_once_and_waited_for(crm: Dynamics, sandbox: DataverseSandbox) -> None:
    """Where a column cannot be used before that; nothing made is nothing published."""
    sandbox.switch(publish=True)
    before = sandbox.service.counted["PublishXml"]
    crm.publish()
    assert sandbox.service.counted["PublishXml"] == before

    for name in ("cx_one", "cx_two"):
        crm.create_property("contact", PropertyDefinition(name, "string", name), "agreement")
    assert "cx_one" not in crm.describe(["contact"]).properties["contact"]
    crm.publish()

    assert sandbox.service.counted["PublishXml"] == before + 1
    assert {"cx_one", "cx_two"} <= set(crm.describe(["contact"]).properties["contact"])


def test_a_column_that_does_not_show_is_told_with_what_to_do(crm: Dynamics, sandbox: DataverseSandbox) -> None:
    """Not for ever: some minutes, by the sandbox's clock."""
    sandbox.switch(publish=True)
    sandbox.fault("answer", path="PublishXml", times=0, status=204)
    crm.create_property("company", PropertyDefinition("cx_one", "string", "One"), "agreement")

    with pytest.raises(Transient, match=r"account\.cx_one was made and published.*Wait some minutes"):
        crm.publish()


# -- the solution and its publisher --------------------------------------------------------------------------


def refused(crm: Dynamics, solution: str = "agreement", name: str = "cx_x") -> str:
    with pytest.raises(Denied) as told:
        crm.create_property("contact", PropertyDefinition(name, "string", "X"), solution)
    assert told.value.code == "publisher"
    return str(told.value)


def test_a_prefix_that_is_not_the_publishers_is_told_with_the_one_that_is(
    crm: Dynamics, sandbox: DataverseSandbox
) -> None:
    """Before anything is made."""
    said = refused(crm, name="new_x")

    assert 'begin with its publisher\'s prefix "cx_", and ours with "new_"' in said
    assert 'own_prefix = "cx_"' in said
    assert "new_x" not in sandbox.world.tables["contact"].columns


def test_a_solution_that_is_not_there_is_told_with_the_publisher_to_make_it_under(crm: Dynamics) -> None:
    """Whether there is one with the prefix, or none yet."""
    assert "no solution elsewhere" in refused(crm, "elsewhere")
    assert "under the publisher Agreement" in refused(crm, "elsewhere")
    assert "under a publisher with the prefix zz" in refused(crm, "elsewhere", "zz_x")


def test_numbers_outside_the_publishers_range_are_made_and_warned_of(crm: Dynamics, sandbox: DataverseSandbox) -> None:
    """They work; the publisher's own options may meet them some day."""
    with capture_logs() as told:
        crm.create_property("company", CHOICE, "agreement")
        crm.create_property("company", PropertyDefinition("cx_far", "enumeration", "", {"1": "One"}), "agreement")

    assert [(one["column"], one["publishers_range"]) for one in told] == [("cx_far", "710000000 to 710009999")]
    assert sandbox.world.tables["account"].columns["cx_far"].option(1) is not None


def test_a_managed_solution_takes_nothing(crm: Dynamics, sandbox: DataverseSandbox) -> None:
    """Somebody else's product is no place for our columns."""
    values: dict[str, Any] = {"uniquename": "product", "ismanaged": True, "publisherid": Ref("publisher", PUBLISHER)}
    sandbox.world.add("solution", values)

    assert "is managed" in refused(crm, "product")


def test_who_may_not_customize_is_told_which_role_may(crm: Dynamics, sandbox: DataverseSandbox) -> None:
    """The role is needed for setting up alone."""
    sandbox.do("privilege", {"table": "attribute", "deny": ["Create"]})

    with pytest.raises(Denied, match="such as System Customizer; take it back afterwards"):
        crm.create_property("contact", PropertyDefinition("cx_x", "string", "X"), "agreement")


def test_columns_go_into_the_solution_that_is_named(crm: Dynamics, sandbox: DataverseSandbox) -> None:
    """By the header that Dataverse reads it from, on the creation alone."""
    heard: list[str] = []
    answer = sandbox.door.answer

    def listen(call: Any) -> Any:
        if call.method == "POST":
            heard.append(call.headers.get("mscrm.solutionuniquename", ""))
        return answer(call)

    sandbox.door.answer = listen  # type: ignore[method-assign]  # the sandbox keeps no headers
    crm.create_property("company", PropertyDefinition("cx_x", "string", "X"), "agreement")

    assert heard == ["agreement"]


def test_labels_are_in_the_language_of_the_environment(crm: Dynamics) -> None:
    """A label in another language alone would be refused."""
    body = body_of(PropertyDefinition("cx_x", "bool", "Ja?", description="Warum"), crm._maker._in_language)

    assert body["DisplayName"]["LocalizedLabels"][0]["LanguageCode"] == 1033
    assert body["OptionSet"]["TrueOption"]["Value"] == 1
    assert body["Description"]["LocalizedLabels"][0]["Label"] == "Warum"
