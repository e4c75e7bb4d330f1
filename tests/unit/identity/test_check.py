"""What an operator sees of a run that was held: a red check with the numbers and the command."""

from orchestration.identity.churn import Churn
from orchestration.identity.plans import Plan


def check_of(metrics):
    from orchestration.defs.identity import _applied

    return _applied(metrics)


def test_a_held_run_is_a_red_check_with_numbers_and_the_command():
    churn = Churn(existing=1000, merged=80)
    plan = Plan("r7", "resolve", "held", "; ".join(churn.broken_limits()), "f", "1", None, 3, churn)
    result = check_of({"held": plan.told(), "churn": churn.numbers()})
    assert not result.passed
    assert result.metadata["merged_share"].value == 0.08
    told = result.metadata["what"].value
    assert "80 of 1,000 people (8.0%) would be merged into others, at most 5% may" in told
    assert "tessera identity promote r7" in told
    assert "the last people stay served" in told


def test_an_applied_run_is_green():
    assert check_of({"held": None, "churn": Churn(existing=10).numbers()}).passed
    assert check_of({}).passed
