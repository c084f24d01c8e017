"""A ledger of one round with two sites, one of which refused; the shape that flare.ledger writes."""

from typing import Any

DICE = {"value": 0.8123, "n": 10, "ci95": [0.75, 0.87]}
LEDGER: dict[str, Any] = {
    "job": "j1",
    "outcome": "COMPLETED",
    "declared": {"bundle": "tiny_bundle", "version": "0.1.0", "recipe_digest": "sha256:ab", "rounds": 2, "quorum": 2},
    "sites": {
        "hospital-a": {"state": "in", "reason": ""},
        "hospital-b": {"state": "refused", "reason": "a | <b>\n# c"},
    },
    "rounds": [
        {
            "sites": {
                "hospital-a": {"status": "used", "cases": {"offered": 14, "used": 13}, "steps": 7},
                "hospital-b": {"status": "refused"},
            }
        }
    ],
    "evaluations": {
        "test": {
            "sites": {
                "hospital-a": {
                    "status": "evaluated",
                    "metrics": {"dice_1": DICE, "dice_2": {"value": None, "n": "<5"}},
                },
                "hospital-b": {"status": "refused"},
            }
        }
    },
}
