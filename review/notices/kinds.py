"""The one table of notices: what each kind says, who gets it by default, and how soon by e-mail.

Screen and e-mail say the same sentence. It names the case by its number and nothing else: no
patient, no question, no word of the thread.
"""

from dataclasses import dataclass, field
from datetime import timedelta

from accounts.models import Role
from review.choices import NoticeKind
from review.models import Notice

AT_ONCE = timedelta()
# Long enough that the cases of one round on the ward, or a talk, become one e-mail.
SOON = timedelta(minutes=5)


@dataclass(frozen=True)
class Wanted:
    """How a person hears of one kind."""

    on_screen: bool = True
    by_mail: bool = False


SCREEN, BOTH = Wanted(), Wanted(by_mail=True)


@dataclass(frozen=True)
class Kind:
    """One kind of notice."""

    one: str
    icon: str
    many: str = ""
    """For several things in one notice; empty for a kind that is never gathered."""
    defaults: dict[str, Wanted] = field(default_factory=dict)
    """By role; a role that is not here does not get the kind at all."""
    always: bool = False
    """Nobody may switch it off, and its e-mail goes out even when the screen was quicker."""
    mail_after: timedelta = SOON
    anchor: str = ""
    """Where on the case's page the thing is; "report" opens the report, "desk" the cells."""

    @property
    def gathers(self) -> bool:
        """Things of one case that come while the notice is unread are told in one notice."""
        return bool(self.many)


C, S = Role.CLINICIAN, Role.SPECIALIST
KINDS: dict[str, Kind] = {
    NoticeKind.CRITICAL: Kind(
        one="Critical result in {case}. Acknowledge it now.",
        many="{count} critical results in {case}. Acknowledge them now.",
        icon="warning",
        defaults={C: BOTH},
        always=True,
        mail_after=AT_ONCE,
    ),
    NoticeKind.CRITICAL_ESCALATED: Kind(
        one="Nobody has acknowledged the critical result in {case}.",
        many="Nobody has acknowledged {count} critical results in {case}.",
        icon="warning",
        defaults={C: BOTH, S: BOTH},
        always=True,
        mail_after=AT_ONCE,
    ),
    NoticeKind.REPORT_SIGNED: Kind(
        one="The report of {case} is signed.",
        icon="check",
        defaults={C: BOTH},
        mail_after=AT_ONCE,
        anchor="report",
    ),
    NoticeKind.REPORT_AMENDED: Kind(
        one="The report of {case} was amended. The version that you had no longer holds.",
        icon="edit",
        defaults={C: BOTH},
        mail_after=AT_ONCE,
        anchor="report",
    ),
    NoticeKind.CASE_READY: Kind(
        one="{case} is ready for review.", icon="cell", defaults={S: SCREEN}
    ),
    NoticeKind.CASE_HANDED: Kind(
        one="{case} was handed to you.",
        icon="right",
        defaults={S: BOTH},
        mail_after=AT_ONCE,
        anchor="desk",
    ),
    NoticeKind.OPINION_ASKED: Kind(
        one="You are asked for a second opinion on {case}.",
        icon="eye",
        defaults={S: BOTH},
        mail_after=AT_ONCE,
        anchor="desk",
    ),
    NoticeKind.OPINION_GIVEN: Kind(
        one="The second opinion on {case} is there.", icon="eye", defaults={S: SCREEN}
    ),
    NoticeKind.COSIGN_ASKED: Kind(
        one="The report of {case} waits for a second signature.",
        icon="edit",
        defaults={S: BOTH},
        mail_after=AT_ONCE,
        anchor="report",
    ),
    NoticeKind.REPORT_RETURNED: Kind(
        one="The second signer returned the report of {case}.",
        icon="left",
        defaults={S: BOTH},
        mail_after=AT_ONCE,
    ),
    NoticeKind.COMMENT: Kind(
        one="There is a new message about {case}.",
        many="There are {count} new messages about {case}.",
        icon="chat",
        defaults={C: BOTH, S: SCREEN},
        anchor="thread",
    ),
    NoticeKind.CELL_UNREAD: Kind(
        one="A cell of {case} could not be analysed and must be read by eye.",
        many="{count} cells of {case} could not be analysed and must be read by eye.",
        icon="cell",
        defaults={C: SCREEN, S: SCREEN},
    ),
    NoticeKind.FEEDBACK: Kind(
        one="A clinician said whether the report of {case} answered the question.",
        icon="chat",
        defaults={S: SCREEN},
        anchor="report",
    ),
}


def kinds_of(role: str) -> list[NoticeKind]:
    """The kinds that people of this role get, in the order of the table."""
    return [NoticeKind(kind) for kind, about in KINDS.items() if role in about.defaults]


def sentence(notice: Notice) -> str:
    """What it says, on screen and by e-mail."""
    about = KINDS[notice.kind]
    text = about.many if notice.count > 1 and about.many else about.one
    return text.format(case=notice.case, count=notice.count)
