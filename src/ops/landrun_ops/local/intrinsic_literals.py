r"""``States.StringToJson`` reads literals as the States Language spells them.

A brace of a literal is written ``\{``, for a bare one belongs to the function. moto hands the
backslash on to its JSON parser. See https://states-language.net/#intrinsic-functions.
"""

from __future__ import annotations

import re
from typing import Any

from landrun_ops.local.patches import Patches

_ESCAPED = re.compile(r"\\(['{}\\])")


def adapt(patches: Patches) -> None:
    """Take the backslashes out of literals before they are read as JSON."""
    from moto.stepfunctions.parser.asl.component.intrinsic.argument.argument import (  # noqa: PLC0415
        ArgumentLiteral,
    )
    from moto.stepfunctions.parser.asl.component.intrinsic.function.statesfunction.json_manipulation import (  # noqa: E501, PLC0415
        string_to_json,
    )

    plain = string_to_json.StringToJson.__init__

    def __init__(self: Any, argument_list: Any) -> None:  # noqa: N807
        plain(self, argument_list)
        for argument in argument_list.arguments:
            if isinstance(argument, ArgumentLiteral) and isinstance(argument.definition_value, str):
                literal = _ESCAPED.sub(r"\1", argument.definition_value)
                object.__setattr__(argument, "definition_value", literal)

    patches.set(string_to_json.StringToJson, "__init__", __init__)
