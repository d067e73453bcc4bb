"""manage.py check --database default: this machine's clock against the database's."""

import time

import pytest
from django.core.management import call_command

from classifier.operations import facts
from telemed.checks import clock


@pytest.mark.django_db
@pytest.mark.parametrize(("off", "said"), [(7200, "7200 s ahead of"), (-30, "30 s behind")])
def test_a_wrong_clock_is_a_warning_that_names_the_difference(monkeypatch, capsys, off, said):
    true_time = time.time
    monkeypatch.setattr(time, "time", lambda: true_time() + off)
    call_command("check", databases=["default"])
    answer = capsys.readouterr().err
    assert "telemed.W001" in answer
    assert f"The clock of this machine is {said} the database's" in answer


@pytest.mark.django_db
def test_the_operations_page_names_a_web_server_whose_clock_is_wrong(monkeypatch):
    assert not [each for each in facts().warnings if "clock" in each]
    true_time = time.time
    monkeypatch.setattr(time, "time", lambda: true_time() - 60)
    (warning,) = [each for each in facts().warnings if "clock" in each]
    assert "The clock of this web server is 60 s behind the database's" in warning


@pytest.mark.django_db
def test_a_right_clock_is_none():
    assert clock(None, databases=["default"]) == []


def test_where_no_database_is_to_be_asked_none_is():
    assert clock(None) == []
