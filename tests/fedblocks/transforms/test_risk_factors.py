"""Risk factors and follow-up of items, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from fedblocks.nets.hazard_net import HazardNet
from fedblocks.nets.small_resnet import SmallResNet
from fedblocks.transforms.risk_factors import FactorPlanesd, RandFactorDropoutd, RiskFactorsd, SurvivalLabeld
from fedblocks.transforms.write_risk import WriteRiskd

FACTORS = {
    "age_years": {"mean": 70, "sd": 10, "min": 18, "max": 110},
    "female": {"mean": 0.5, "sd": 0.5, "min": 0, "max": 1},
    "bmi": {"mean": 26, "sd": 4, "min": 10, "max": 80},
}


def test_values_are_standardised_and_gaps_are_told() -> None:
    item = RiskFactorsd(FACTORS)({"age_years": 85, "bmi": None})
    assert item["factors"].tolist() == [1.5, 0, 0, 1, 0, 0]
    joined = FactorPlanesd()(item | {"image": torch.ones(1, 4, 5)})
    assert joined["image"].shape == (7, 4, 5)
    assert torch.equal(joined["image"][1:, 3, 4], item["factors"])
    assert "factors" not in joined


@pytest.mark.parametrize("value", [17.9, 111, float("nan"), float("inf"), "80", True])
def test_what_is_out_of_range_is_refused_without_telling_it(value: object) -> None:
    with pytest.raises(ValueError, match=r"^age_years must be a number from 18 to 110 or missing, got another; mend"):
        RiskFactorsd(FACTORS)({"age_years": value})


def test_a_factor_needs_its_constants() -> None:
    with pytest.raises(ValueError, match="factor bmi must tell mean, sd above 0"):
        RiskFactorsd({"bmi": {"mean": 26, "sd": 0, "min": 10, "max": 80}})


def test_dropout_takes_value_and_presence() -> None:
    item = RiskFactorsd(FACTORS)({"age_years": 85, "female": 1, "bmi": 30})
    dropout = RandFactorDropoutd(0.3)
    dropout.set_random_state(seed=0)
    found = torch.stack([dropout(item)["factors"] for _ in range(400)])
    known = found[:, 3:].bool()
    assert known.float().mean().item() == pytest.approx(0.7, abs=0.05)
    assert torch.equal(torch.where(known, item["factors"][:3], 0), found[:, :3])
    assert torch.equal(item["factors"], torch.tensor([1.5, 1, 1, 1, 1, 1]))


def test_follow_up() -> None:
    label = SurvivalLabeld(["time_years", "event"])
    assert label({"time_years": 3, "event": 2})["label"].tolist() == [3, 2]
    for time in (0, -1.0, float("nan"), None):
        with pytest.raises(ValueError, match="time_years must be a number of years above 0"):
            label({"time_years": time, "event": 0})
    with pytest.raises(ValueError, match="event must be 0, 1 or 2"):
        label({"time_years": 3, "event": 3})


def test_a_curve_with_the_spread_under_dropout_is_written(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = HazardNet(SmallResNet(1, 3, [8, 16], 4), 3, 3, 0.3)
    torch.nn.init.normal_(network.head[-1].weight)
    network.eval()
    image = torch.rand(7, 32, 32)
    image[4:] = torch.tensor([1.0, 1.0, 0.0])[:, None, None]
    item = {"case": "C", "laterality": "L", "image": image, "pred": network(image[None])[0]}
    write = WriteRiskd(str(tmp_path), network, [0, 1, 5, 10], [0, 1, 2, 5, 10], list(FACTORS))
    write(item)
    told = json.loads((tmp_path / "C_L_pred.json").read_text())
    assert (told["case"], told["laterality"], told["years"], told["missing"]) == ("C", "L", [0, 1, 2, 5, 10], ["bmi"])
    low, risk, high = (np.array(told[key]) for key in ("low", "risk", "high"))
    assert (np.diff(risk) > 0).all()
    assert (low <= risk + 1e-3).all()
    assert (risk <= high + 1e-3).all()
    assert (high - low)[1:].min() > 0
    assert not any(layer.training for layer in network.modules())
    write(item)
    assert json.loads((tmp_path / "C_L_pred.json").read_text()) == told
    network.head[0].p = 0.0
    write(item)
    assert "low" not in json.loads((tmp_path / "C_L_pred.json").read_text())
    with pytest.raises(ValueError, match="case must be a plain name"):
        write(item | {"case": "../C"})
