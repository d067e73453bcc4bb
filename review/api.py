"""The desk's interface: verdicts one act at a time, what others did meanwhile, what was seen."""

import re
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import Prefetch
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import Action, get_visible_or_404, require
from audit.services import record
from classifier.gallery import case_gallery
from patients.api.answers import ApiView, Refusal, answer
from patients.errors import DomainError
from review.choices import ActKind, Label
from review.errors import NotYours, VerdictConflict
from review.keys import KeyRefused, keys_of
from review.models import Act, Reading, Verdict
from review.progress import reading_progress
from review.rights import may_follow, may_write
from review.services.desk import desk_set
from review.services.readings import reading_commit
from review.services.verdicts import (
    MOST_AT_ONCE,
    Change,
    act_classify,
    act_undo,
    cells_seen,
    presence_note,
)

ACTS_AT_ONCE = 500  # in one answer; the asker goes on from the last one
_KEY = re.compile(r"[A-Za-z0-9._:-]{8,64}")


class DeskView(ApiView):
    """409 where somebody else was first, 422 for the rest; nothing was saved in either case."""

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, VerdictConflict):
            body = {"code": exc.code, "message": str(exc), "conflicts": exc.conflicts}
            response = Response(body, status=409)
        elif isinstance(exc, NotYours):
            response = answer(409, exc.code, str(exc))
        elif isinstance(exc, KeyRefused):
            body = {"code": exc.code, "message": str(exc), "name": exc.name}
            response = Response(body, status=422)
        elif isinstance(exc, DomainError):
            response = answer(422, exc.code, str(exc))
        elif isinstance(exc, ParseError):
            response = answer(400, "broken", "The request is not whole JSON. Nothing was saved.")
        else:
            return super().handle_exception(exc)
        response.exception = True
        return response

    def reading(self, request: Request, public_id: UUID) -> Reading:
        """The reading, if this person sees its case and reads cases at all."""
        related = Reading.objects.select_related("case__reader", "case__organisation")
        found = get_visible_or_404(request, related, public_id=public_id)
        require(request.user, Action.REVIEW)
        return found


def act_facts(act: Act, user: Any) -> dict[str, Any]:
    """One act with its cells, as the desk keeps it."""
    return {
        "act": str(act.public_id),
        "number": act.number,
        "kind": act.kind,
        "key": act.key if act.reader_id == user.pk else "",
        "of": str(act.of.public_id) if act.of else None,
        "by": str(act.reader),
        "mine": act.reader_id == user.pk,
        "at": act.at.isoformat(),
        "cells": [
            {"cell": str(row.cell.public_id), "label": row.label, "before": row.before}
            for row in act.verdicts.all()
        ],
    }


def _with_cells(acts: Any) -> Any:
    rows = Verdict.objects.select_related("cell").order_by("pk")
    return acts.select_related("of", "reader").prefetch_related(Prefetch("verdicts", rows))


class ReadingActs(DeskView):
    """``/api/v1/readings/<id>/acts``.

    POST ``{"key", "kind": "classify", "cells": [{"cell", "before", "label"}]}`` or
    ``{"key", "kind": "undo" | "redo", "of"}``: 200 with the act and the reading's progress, also
    when the same key was sent before. 409 ``conflict`` (with ``conflicts``: what each cell is by
    now, and who said so) or ``not_yours``; 422 for what cannot be done.

    GET ``?after=N``: the acts after number N, at most 500, and who else has the case open.
    """

    def get(self, request: Request, public_id: UUID) -> Response:
        reading = self.reading(request, public_id)
        _require_may_follow(request, reading)
        after = _number(request.query_params.get("after", ""))
        found = list(
            _with_cells(reading.acts.filter(number__gt=after)).order_by("number")[
                : ACTS_AT_ONCE + 1
            ]
        )
        case = reading.case
        here = presence_note(actor=request.user, case=case)
        return Response(
            {
                "acts": [act_facts(act, request.user) for act in found[:ACTS_AT_ONCE]],
                "more": len(found) > ACTS_AT_ONCE,
                "progress": reading_progress(reading).as_dict(),
                "here": [str(person) for person in here],
                "holder": str(case.reader) if case.reader else "",
                "yours": may_write(request.user, reading),
                "status": case.status,
                "committed": not reading.hides_model,
            }
        )

    def post(self, request: Request, public_id: UUID) -> Response:
        reading = self.reading(request, public_id)
        body = _object(request.data)
        key, kind = body.get("key"), body.get("kind")
        if not isinstance(key, str) or not _KEY.fullmatch(key):
            raise Refusal(
                422, "key", "An act needs a key of 8 to 64 letters, digits, dots or dashes."
            )
        if kind == ActKind.CLASSIFY:
            act = act_classify(
                actor=request.user, reading=reading, key=key, changes=_changes(body.get("cells"))
            )
        elif kind in (ActKind.UNDO, ActKind.REDO):
            of = _uuid(body.get("of"))
            _require_takes_back(reading, of, kind)
            act = act_undo(actor=request.user, reading=reading, key=key, of=of)
        else:
            raise Refusal(422, "kind", "An act is classify, undo or redo.")
        facts = act_facts(_with_cells(Act.objects).get(pk=act.pk), request.user)
        return Response({**facts, "progress": reading_progress(reading).as_dict()})


class ReadingSeen(DeskView):
    """POST ``{"cells": [...]}``: these cells were on the reader's screen. 200 with how many."""

    def post(self, request: Request, public_id: UUID) -> Response:
        reading = self.reading(request, public_id)
        cells = _object(request.data).get("cells")
        if not isinstance(cells, list) or not 0 < len(cells) <= MOST_AT_ONCE:
            raise Refusal(422, "cells", f"Name 1 to {MOST_AT_ONCE} cells.")
        found = cells_seen(
            actor=request.user, reading=reading, cells=[_uuid(cell) for cell in cells]
        )
        return Response({"seen": found})


class ReadingCommit(DeskView):
    """POST: the reader of a blind reading stands by their verdicts, and may see the model's."""

    def post(self, request: Request, public_id: UUID) -> Response:
        reading = self.reading(request, public_id)
        committed = reading_commit(actor=request.user, reading=reading)
        return Response({"committed_at": committed.committed_at})


class ReadingEvidence(DeskView):
    """GET: what the model gives for its answers, for the enlarged cell: map, probabilities, reasons.

    409 while the reading hides them. ``words``: each attribute's values, by number in ``seen``.
    """

    def get(self, request: Request, public_id: UUID) -> Response:
        reading = self.reading(request, public_id)
        _require_may_follow(request, reading)
        if reading.hides_model:
            raise Refusal(
                409, "hidden", "The model's answers are shown when the reader has committed."
            )
        gallery = case_gallery(reading.case)
        record(
            action="cells.read",
            actor=request.user,
            obj=reading,
            case_id=reading.case.public_id,
        )
        cells = {
            tile.cell.public_id.hex: {
                name: value
                for name, value in {**tile.facts, "map": tile.activation}.items()
                if name not in ("name", "state", "picture", "size")
            }
            for tile in gallery.tiles
            if tile.cell is not None
        }
        return Response({"words": gallery.words, "cells": cells})


class Desk(DeskView):
    """PUT ``{"keys": {name: key}, "auto_advance": bool}``: this person's own desk."""

    def put(self, request: Request) -> Response:
        require(request.user, Action.REVIEW)
        body = _object(request.data)
        keys, auto = body.get("keys"), body.get("auto_advance")
        if not isinstance(keys, dict) or not isinstance(auto, bool):
            raise Refusal(422, "invalid", "Send keys as an object and auto_advance as yes or no.")
        settings = desk_set(actor=request.user, keys=keys, auto_advance=auto)
        return Response({"keys": keys_of(settings), "auto_advance": settings.auto_advance})


def _require_may_follow(request: Request, reading: Reading) -> None:
    if not may_follow(request.user, reading):
        raise Refusal(403, "blinded", "This reading is kept from you until it is done.")


def _require_takes_back(reading: Reading, of: UUID, kind: str) -> None:
    """An undo names an act, a redo an undo: a desk that mixes them up has lost its place."""
    target = Act.objects.filter(reading=reading, public_id=of).values_list("kind", flat=True)
    if any((was == ActKind.UNDO) != (kind == ActKind.REDO) for was in target):
        raise Refusal(422, "kind", "An undo is taken back by redo, everything else by undo.")


def _object(data: Any) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise Refusal(422, "invalid", "Send one JSON object.")
    return data


def _changes(given: Any) -> list[Change]:
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise Refusal(422, "cells", "Name each cell with what it was and what it is.")
    if len(given) > MOST_AT_ONCE:
        raise Refusal(422, "cells", f"One act is about 1 to {MOST_AT_ONCE} different cells.")
    for one in given:
        _require_labels((one.get("before"), one.get("label")))
    return [Change(_uuid(one.get("cell")), one["before"], one["label"]) for one in given]


def _require_labels(names: Iterable[Any]) -> None:
    for name in names:
        if not isinstance(name, str) or name not in Label.values:
            raise Refusal(422, "label", f"There is no class {str(name)[:40]!r}.")


def _uuid(text: Any) -> UUID:
    try:
        return UUID(text)
    except (ValueError, TypeError, AttributeError):
        raise Refusal(422, "id", f"{str(text)[:40]!r} is no id.") from None


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0
