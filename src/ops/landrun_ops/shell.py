"""Commands to copy and paste."""

import shlex


def quoted(text: str) -> str:
    r"""Quote a word for bash and zsh so that it is printable and means the same.

    >>> print(quoted("a.csv"), quoted("a b.csv"), quoted("a\x1b[2J'é"))
    a.csv 'a b.csv' $'a\x1b[2J\x27é'
    """
    if text.isprintable():
        return shlex.quote(text)
    kept = (c if c.isprintable() and c not in "\\'" else _bytes(c) for c in text)
    return f"$'{''.join(kept)}'"


def _bytes(character: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", "surrogateescape"))
