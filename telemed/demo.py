"""The demonstration's people: made by ``seed_demo``, shown by ``quickstart``; never in production."""

from dataclasses import dataclass

PASSWORD = "smear-under-the-lens"  # noqa: S105  public on purpose


@dataclass(frozen=True)
class DemoPerson:
    email: str
    name: str
    role: str


PEOPLE = (
    DemoPerson("clinician@demo.example", "Dr Ana Ribeiro", "clinician"),
    DemoPerson("specialist@demo.example", "Dr Jonas Lindqvist", "specialist"),
    DemoPerson("administrator@demo.example", "Mei Tanaka", "administrator"),
)
