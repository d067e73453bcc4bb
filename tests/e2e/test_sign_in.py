"""The first minute: the sign-in page, and where each role lands."""

import re

import pytest
from playwright.sync_api import expect

from telemed import demo

pytestmark = pytest.mark.local_shape


def test_the_front_door_leads_to_the_sign_in_page(page):
    page.goto("/")
    expect(page).to_have_url(re.compile(r"/account/login/"))
    expect(page.locator("input[name=login]")).to_be_visible()


def test_a_wrong_password_is_said_and_lets_nobody_in(page):
    page.goto("/account/login/")
    page.locator("input[name=login]").fill(demo.PEOPLE[0].email)
    page.locator("input[name=password]").fill("not the password at all")
    page.locator("form:has(input[name=password]) [type=submit]").click()
    expect(page.locator("main")).to_contain_text("do not belong together")
    expect(page).to_have_url(re.compile(r"/account/login/"))


@pytest.mark.parametrize("person", demo.PEOPLE, ids=lambda person: person.role)
def test_each_role_reaches_its_first_page(visitor, person):
    visitor.sign_in(person.email)
    expect(visitor.page.locator("h1")).to_be_visible()
    expect(visitor.page.locator("body")).to_contain_text(person.name)
    assert visitor.page.goto("/").status == 200


def test_the_sign_in_page_fits_a_phone(new_visitor):
    page = new_visitor(width=390, height=844).page
    page.goto("/account/login/")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("path", ["/favicon.ico", "/robots.txt"])
def test_what_browsers_and_robots_ask_for_unbidden_is_there(page, path):
    assert page.request.get(path).status == 200
