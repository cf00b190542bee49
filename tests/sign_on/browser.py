"""A browser: it keeps cookies, and says which page sends a request, as browsers do."""

from __future__ import annotations

import re
from typing import Any

import httpx

from tests.house import House

SITE = "https://sihu.test"
OWN = {"Sec-Fetch-Site": "same-origin"}
COOKIE = "__Host-sihu"


class Browser:
    """One browser at one house, over https unless `site` says otherwise."""

    def __init__(self, house: House, site: str = SITE, address: str = "127.0.0.1") -> None:
        self.house = house
        transport = httpx.ASGITransport(house.app, client=(address, 50_000))
        self.client = httpx.AsyncClient(transport=transport, base_url=site)

    async def form(self, path: str = "/sign-in") -> dict[str, str]:
        """The hidden fields of the form on a page."""
        answer = await self.client.get(path)
        return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', answer.text))

    async def sign_in(self, who: str, **fields: str) -> httpx.Response:
        """The answer to the form with somebody's key."""
        sent = {**await self.form(), "key": await self.house.key(who), **fields}
        return await self.client.post("/sign-in", data=sent, headers=OWN)

    async def get(self, path: str, headers: dict[str, str] = OWN, **query: Any) -> httpx.Response:
        """The answer to a request of a page."""
        return await self.client.get(path, headers=headers, params=query or None)

    @property
    def cookie(self) -> str:
        """The cookie of the session."""
        return str(self.client.cookies[COOKIE])


async def signed_in(house: House, who: str, **options: Any) -> Browser:
    """A browser in which somebody has signed in."""
    browser = Browser(house, **options)
    assert (await browser.sign_in(who)).status_code == 303
    return browser
