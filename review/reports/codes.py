"""The code under a report: short enough to type, long enough that nobody guesses one.

Fifteen characters drawn by the operating system's generator from twenty: log2(20) x 15 = 64.8 bits.
With a million reports, somebody who tries 20 codes a minute (the limit of one address) for a
hundred years finds one with a chance of about one in thirty thousand. The alphabet has one of each
look-alike pair (no 0 O Q D, 1 I L, 2 Z, 5 S, 8 B, G against 6, U against V) and no vowel, so that no
code is a word.
"""

import secrets

ALPHABET = "234679CFHJKMNPRTVWXY"
LENGTH = 15
GROUP = 5


def new_code() -> str:
    """A code as it is stored: without hyphens."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def normal_code(typed: str) -> str:
    """What was typed, as it is stored: capitals, without spaces and hyphens; at most 40 characters
    are looked at. Z is read as 2, G as 6 and U as V, which are what they must have been."""
    letters = "".join(letter for letter in typed[:40].upper() if letter.isalnum())
    return letters.translate(str.maketrans("ZGU", "26V"))


def shown_code(code: str) -> str:
    """As it is printed: "K7PMX-3FRHC-9TWNV"."""
    return "-".join(code[at : at + GROUP] for at in range(0, len(code), GROUP))
