r"""``States.StringToJson`` reads literals as the States Language spells them.

A brace of a literal is written ``\{``, for a bare one belongs to the function. moto hands the
backslash on to its JSON parser, and a second one: it does not read the definition's own JSON
strings as JSON. See https://states-language.net/#intrinsic-functions.
"""

from __future__ import annotations

import json
import re
from typing import Any

from landrun_ops.local.patches import Patches

_ESCAPED = re.compile(r"\\+(['{}])")


def adapt(patches: Patches) -> None:
    """Take the backslashes out of literals before they are read as JSON."""
    from moto.stepfunctions.parser.asl.component.intrinsic.argument.argument import (  # noqa: PLC0415
        ArgumentLiteral,
    )
    from moto.stepfunctions.parser.asl.component.intrinsic.function.statesfunction.json_manipulation import (  # noqa: E501, PLC0415
        string_to_json,
    )

    plain = string_to_json.StringToJson._eval_body

    def _eval_body(self: Any, env: Any) -> None:
        [argument] = self.argument_list.arguments
        value = getattr(argument, "definition_value", None)
        if isinstance(argument, ArgumentLiteral) and isinstance(value, str) and "\\" in value:
            env.stack.append(json.loads(_ESCAPED.sub(r"\1", value)))
        else:
            plain(self, env)

    patches.set(string_to_json.StringToJson, "_eval_body", _eval_body)
