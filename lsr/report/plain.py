"""How is text that a file brings shown, where its characters could do more than be read?

Conventions
-----------
Labels, annotations and messages that quote them are free text. What is no visible character is written as its
code point, so nothing is hidden and nothing turns the text around it; what is very long is shortened.
"""

from __future__ import annotations

_LONGEST = 300


def visible(text: str, *, longest: int = _LONGEST) -> str:
    r"""Write every character that cannot be seen as its code point, and say how much is left out.

    Examples
    --------
    >>> visible("R\u202eMent\x00")
    'R\\u202eMent\\u0000'
    >>> visible("ab" * 500, longest=4)
    'abab… (1000 characters)'
    """
    shown = "".join(_shown(character) for character in text[:longest])
    return shown if len(text) <= longest else f"{shown}… ({len(text)} characters)"


def _shown(character: str) -> str:
    if character.isprintable():
        return character
    if character in "\n\t\N{NO-BREAK SPACE}":
        return " "
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
