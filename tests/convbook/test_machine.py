"""What machine this is."""

import re
from datetime import UTC, datetime

import torch

from convbook import machine


def test_facts_are_what_a_measured_answer_must_state():
    facts = machine.facts()
    assert set(facts) == {"device", "measured_on", "torch", "commit"}
    assert all(facts.values())
    assert facts["torch"] == torch.__version__
    assert (
        abs((datetime.now(UTC).date() - datetime.fromisoformat(facts["measured_on"]).date()).days)
        <= 1
    )
    assert re.fullmatch(r"[0-9a-f]{40}(-dirty)?|unknown", facts["commit"])


def test_the_gpu_has_the_word_where_there_is_one(monkeypatch):
    assert torch.cuda.is_available() or machine.device() == machine.processor()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a GPU")
    assert machine.facts()["device"] == "a GPU"


def test_without_git_the_commit_is_unknown(monkeypatch):
    def absent(*_arguments, **_options):
        raise FileNotFoundError("git")

    machine.commit.cache_clear()
    monkeypatch.setattr(machine.subprocess, "run", absent)
    assert machine.commit() == "unknown"
    machine.commit.cache_clear()
