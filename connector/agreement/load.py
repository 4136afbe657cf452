"""
Load one agreement: read every file, check its shape, build the terms, check what the names refer to.

All problems of all files are told at once. A file that is not there is an agreement that says nothing about its
subject; only agreement.toml, scoring.toml, lifecycle.toml, write_back.toml and the CRM's file must be there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel

from connector.agreement import (
    audience,
    fingerprint,
    follow_up,
    goals,
    lead_types,
    lifecycle,
    own,
    paper,
    reach,
    scoring,
    wiring_file,
)
from connector.agreement.complaints import did_you_mean, parse
from connector.agreement.needs import fields_used
from connector.agreement.reading import Reading
from connector.agreement.shapes.base import LANGUAGE
from connector.agreement.shapes.lifecycle import AttemptsShape, LifecycleShape
from connector.agreement.shapes.paper import AgreementShape, TextsShape
from connector.agreement.shapes.scoring import IcpShape, PersonasShape, ScoringShape, SignalsShape
from connector.agreement.shapes.wiring import WiringShape, WriteBackShape
from connector.agreement.source import Source, read_source, shown
from connector.agreement.terms import Agreement
from connector.agreement.vocabulary import ASK_NEXT, JOURNEY_STAGES, NOT_MQL_REASONS, SLA_STATES
from connector.agreement.words import label_of
from connector.config import shipped_mappings
from connector.crms import CRMS, FIRST
from connector.errors import ConfigError, Problem

_NEEDED = ("agreement.toml", "scoring.toml", "lifecycle.toml", "write_back.toml")
_KNOWN_FILES = (*_NEEDED, "signals.toml", "icp.toml", "personas.toml", "attempts.toml", "examples.toml")


class _Labelled(Protocol):
    """Any term with a name and a label."""

    @property
    def name(self) -> str: ...

    @property
    def label(self) -> str: ...


@dataclass(frozen=True, slots=True)
class _Files:
    """Every file of the folder in its shape, with the source that says where things stand."""

    agreement: tuple[AgreementShape, Source]
    scoring: tuple[ScoringShape, Source]
    signals: tuple[SignalsShape, Source]
    icp: tuple[IcpShape, Source]
    personas: tuple[PersonasShape, Source]
    lifecycle: tuple[LifecycleShape, Source]
    attempts: tuple[AttemptsShape, Source]
    write_back: tuple[WriteBackShape, Source]
    wiring: tuple[WiringShape, Source]
    texts: tuple[TextsShape, Source]


def load_agreement(folder: Path, crm: str = FIRST, language: str | None = None) -> Agreement:
    """The agreement in `folder`, wired to `crm`, its texts in `language` or else in the one it names itself.

    Raises ConfigError with every problem that was found.
    """
    reading = Reading(folder)
    files = _read(folder, crm, language, reading)
    if files is None:
        raise ConfigError(reading.problems)
    if reading.problems:
        raise ConfigError(list(dict.fromkeys([*reading.problems, *_more_problems(files, crm, reading)])))
    agreement = _build(files, crm, reading)
    if reading.problems:
        raise ConfigError(list(dict.fromkeys(reading.problems)))
    return replace(agreement, language=language or agreement.language)


def _more_problems(files: _Files, crm: str, reading: Reading) -> list[Problem]:
    """What else is wrong with the parts that are well shaped, less what follows from a part that was left out."""
    known = len(reading.problems)
    # What is built on less than the whole may lack what it stands on; then the problems found so far must do.
    with suppress(LookupError, AttributeError, TypeError, ValueError):
        _build(files, crm, reading)
    more = reading.problems[known:]
    del reading.problems[known:]
    names = [f'"{name}"' for name in reading.left_out] + [f" {name} " for name in reading.left_out]
    told = {one.where for one in reading.problems}

    def follows(one: Problem) -> bool:
        """Whether a complaint is about a part that was left out, or about what lacks it."""
        path = one.where.rpartition(", ")[2]
        lacking = path in reading.left_out or path.rpartition(".")[2] in reading.left_out
        return lacking or one.where in told or any(name in f" {one.what} " for name in names)

    return [one for one in more if not follows(one)]


def _read(folder: Path, crm: str, language: str | None, reading: Reading) -> _Files | None:
    if not folder.is_dir():
        fix = 'Name the folder of the agreement, or make one with "connector init".'
        what = "is a file; an agreement is a folder of files." if folder.is_file() else "there is no such folder."
        raise ConfigError([Problem(shown(folder), what, fix)])
    problems = reading.problems
    _complain_of_strays(folder, crm, problems)
    pairs = []
    for file, shape in shapes_of(crm, language or _language(folder)).items():
        source = _texts(folder, file, problems) if shape is TextsShape else read_source(folder, file, problems)
        if source is None:
            continue
        if not source.exists and file in (*_NEEDED, f"{crm}.toml"):
            problems.append(Problem(f"{shown(folder)}/{file}", "is missing.", "Every agreement has this file."))
            continue
        pairs.append((parse(shape, source, problems, reading.left_out), source))
    if len(pairs) < len(shapes_of(crm, "en")) or any(shape is None for shape, _ in pairs):
        return None
    return _Files(*pairs)  # type: ignore[arg-type]  # in the order of shapes_of, none of them None


def shapes_of(crm: str, language: str) -> dict[str, type[BaseModel]]:
    """Every file of an agreement, with its shape."""
    return {
        "agreement.toml": AgreementShape,
        "scoring.toml": ScoringShape,
        "signals.toml": SignalsShape,
        "icp.toml": IcpShape,
        "personas.toml": PersonasShape,
        "lifecycle.toml": LifecycleShape,
        "attempts.toml": AttemptsShape,
        "write_back.toml": WriteBackShape,
        f"{crm}.toml": WiringShape,
        f"texts.{language}.toml": TextsShape,
    }


def _texts(folder: Path, file: str, problems: list[Problem]) -> Source | None:
    """The folder's own texts, else those that come with the connector; None after a complaint that there are none."""
    for place in (folder, shipped_mappings()):
        source = read_source(place, file, problems)
        if source.exists and not source.unread:
            return source
    there = {path.name.split(".")[1] for place in (folder, shipped_mappings()) for path in place.glob("texts.*.toml")}
    fix = f"Write it, or use a language that has texts: {', '.join(sorted(there))}."
    problems.append(Problem(f"{shown(folder)}/{file}", "is missing, and nothing like it is shipped.", fix))
    return None


def _language(folder: Path) -> str:
    """The language of the texts, read ahead because it names a file."""
    said = read_source(folder, "agreement.toml", []).table.get("language", "en")
    return said if isinstance(said, str) and re.fullmatch(LANGUAGE, said) else "en"


def _complain_of_strays(folder: Path, crm: str, problems: list[Problem]) -> None:
    """A file with a mistyped name would silently say nothing."""
    known = {*_KNOWN_FILES, f"{crm}.toml", *(one.file for one in CRMS.values()), "approvals.toml"}
    for path in sorted(folder.glob("*.toml")):
        if path.name not in known and not path.name.startswith("texts."):
            fix = did_you_mean(path.name, known)
            problems.append(Problem(f"{shown(folder)}/{path.name}", "is no file of an agreement.", fix))


def _build(files: _Files, crm: str, reading: Reading) -> Agreement:
    """The terms, in the order in which they refer to each other."""
    said, said_source = files.agreement
    wiring_file.declare_types(*files.wiring, reading)
    kinds = scoring.build_signals(*files.signals, files.scoring[0], list(files.wiring[0].signals), reading)
    room = lifecycle.LifecycleRoom(*files.lifecycle, kinds, list(said.sla), reading)
    deals = lifecycle.build_deals(room)
    wiring = wiring_file.build_wiring(crm, *files.wiring, [each.name for each in deals.stages], reading)
    agreement = Agreement(
        version=said.version,
        zone=paper.build_zone(said, said_source, reading),
        language=said.language,
        apply_to=said.apply_to,
        scoring=scoring.build_scoring(files.scoring[0], scoring.ScoringRoom(files.scoring[1], kinds, reading)),
        stages=lifecycle.build_stages(room),
        statuses=lifecycle.build_statuses(room),
        signals=kinds,
        bots=scoring.build_bots(*files.signals, kinds, reading),
        personas=scoring.build_personas(*files.personas, reading),
        bands=scoring.build_bands(*files.icp, reading),
        minimum_information=lifecycle.build_minimum(room),
        ask_next=lifecycle.build_ask_next(room),
        fast_tracks=lifecycle.build_fast_tracks(room),
        exclusions=lifecycle.build_exclusions(room),
        evidence=lifecycle.build_evidence(room),
        answers=lifecycle.build_answers(room),
        rejection_reasons=lifecycle.build_reasons(room),
        lead_types=lead_types.build_lead_types(room),
        deals=deals,
        backwards=lifecycle.build_moves(room),
        attempts=follow_up.build_attempts(*files.attempts, reading),
        calendar=follow_up.build_calendar(said.calendar, ("calendar",), said_source, reading),
        calendars=follow_up.build_calendars(said, said_source, reading),
        slas=follow_up.build_slas(said, said_source, reading),
        texts=paper.build_texts(*files.texts, reading),
        paper=paper.build_paper(
            said, said_source, reading, goals.build_goals(said, said_source, files.lifecycle[0], reading)
        ),
        wiring=wiring,
        write_back=wiring_file.build_write_back(*files.write_back, wiring, reading),
        audience=audience.build_audience(room, files.signals[0].journey, files.personas),
    )
    return _finish(agreement, files, reading)


def _finish(agreement: Agreement, files: _Files, reading: Reading) -> Agreement:
    """What needs the whole: names across files, own properties, fields to ask for, fingerprints."""
    scoring.check_named_bands(agreement.scoring, agreement.personas, agreement.bands, files.scoring[1], reading)
    for stage in agreement.scoring.freeze_in:
        reading.known(files.scoring[1], ("freeze_in",), "stage", stage, [each.name for each in agreement.stages])
    lead_types.check_lead_types(agreement, files.scoring[1], *files.wiring, reading)
    wiring_file.check_values(agreement.wiring, _values_written(agreement), files.wiring[1], reading)
    reach.check_reach(agreement, files.lifecycle[1], reading)
    follow_up.check_touches(*files.attempts, agreement.wiring, reading)
    _check_mapped(reading)
    _check_recognised(agreement, files, reading)
    options = _options(agreement)
    own.check_numbers(agreement.wiring, options, files.wiring[1], reading)
    labels = {name: kind.label for name, kind in agreement.signals.items()}
    wiring = own.with_own(agreement.wiring, options, agreement.texts.labels, labels)
    wiring = replace(wiring, fingerprint=fingerprint.of_wiring(wiring, agreement.write_back))
    agreement = replace(agreement, wiring=wiring, fields_used=fields_used(reading.used, wiring, agreement.write_back))
    return replace(agreement, fingerprint=fingerprint.of_definitions(agreement))


def _check_mapped(reading: Reading) -> None:
    """A field that a rule asks about and the CRM's file does not map would be unknown for everybody."""
    for name, where in reading.used.items():
        if name not in reading.mapped:
            fix = f"Map it under [contact.fields] or [company.fields] in {reading.crm_file}."
            reading.problems.append(Problem(where, f"the field {name} is not mapped to a property.", fix))


def _check_recognised(agreement: Agreement, files: _Files, reading: Reading) -> None:
    """A signal that starts a fast track or proves something must be recognised somewhere in this CRM."""
    seen = {source.signal for source in agreement.wiring.signals}
    for name in agreement.wiring.unseen:
        reading.known(files.wiring[1], ("unseen", name), "signal", name, agreement.signals)
        if name in seen:
            what = f"{name} is seen, by a line under [signals]."
            reading.complain(files.wiring[1], ("unseen", name), what, "Remove one of the two.")
    seen |= set(agreement.wiring.unseen)
    for track in agreement.fast_tracks:
        if track.signal in agreement.signals and track.signal not in seen:
            fix = f"Say under [signals] in {reading.crm_file} how {track.signal} is seen, or under [unseen] why not."
            reading.complain(files.lifecycle[1], ("fast_track", track.name), f"nothing delivers {track.signal}.", fix)


def _values_written(agreement: Agreement) -> Mapping[str, Mapping[str, bool]]:
    """Our values of the fields that are the CRM's own, and whether each is used."""
    return {
        "stage": {stage.name: stage.used for stage in agreement.stages},
        "status": dict.fromkeys(agreement.statuses, True),
        "sales_answer": dict.fromkeys(agreement.answers, True),
        "rejection_reason": dict.fromkeys([each.name for each in agreement.rejection_reasons], True),
    }


def _options(agreement: Agreement) -> dict[str, list[tuple[str, str]]]:
    """What an own property may hold, where the agreement knows all of it."""
    labelled: dict[str, Sequence[_Labelled]] = {
        "current_stage": agreement.stages,
        "furthest_stage": agreement.stages,
        "stage": agreement.stages,
        "persona": agreement.personas,
        "icp_band": agreement.bands,
        "rejection_reason": agreement.rejection_reasons,
        "lead_type": agreement.lead_types,
        "latest_deal_stage": agreement.deals.stages,
        "nurture_track": agreement.audience.nurture.tracks,
    }
    options = {field: [(each.name, each.label) for each in terms] for field, terms in labelled.items()}
    options["sales_answer"] = [(each.name, each.label) for each in agreement.answers.values()]
    options["status"] = [(each.name, each.label) for each in agreement.statuses.values()]
    options["sla_state"] = [(state, state.replace("_", " ")) for state in SLA_STATES]
    options["not_mql_reason"] = [(name, label_of(name)) for name in NOT_MQL_REASONS]
    options |= {name: [(field, label_of(field)) for field in audience.askable(agreement)] for name in ASK_NEXT}
    if agreement.audience.journey:
        options["journey_stage"] = [(stage, label_of(stage)) for stage in JOURNEY_STAGES]
    return options
