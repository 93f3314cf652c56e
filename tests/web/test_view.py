"""Which part of a picture the stage of the page shows: arithmetic only."""

import json

from tests.web.node import needs_node, run_node

pytestmark = needs_node


def test_zooming_keeps_what_is_under_the_pointer_and_leaves_no_empty_room() -> None:
    most = json.loads(run_node("view_properties.js"))
    # Pixels of the screen: the picture is laid on whole ones, before and after.
    assert 0 < most["moved"] < 4
    assert most["offGrid"] < 1e-6
    assert most["emptyRoom"] <= 0.5 + 1e-6
