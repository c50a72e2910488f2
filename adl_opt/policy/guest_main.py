"""What runs in the process of a guest: it makes the policy and answers calls (see adl_opt.policy.guest)."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Callable
from itertools import count
from typing import IO, Any

from adl_opt.errors import AdlOptError
from adl_opt.naming import make_by_name, parse_call
from adl_opt.policy.plugins import loaded, plugins
from adl_opt.policy.policy import Policy, as_policies
from adl_opt.policy.wire import action_of_json, action_to_json, receive, send, to_message
from adl_opt.rounds.round import Allocation


def serve() -> None:
    """Answer until the other side is gone."""
    questions, answers = _private_streams()
    _bounded()
    serving: Callable[..., Any] = _Maker().made
    for number in count(1):
        try:
            question = pickle.loads(receive(questions))  # noqa: S301  (from the process that started this one)
        except EOFError:
            os._exit(0)
        try:
            plain = serving(*question)
        except BaseException as error:  # SystemExit and KeyboardInterrupt of foreign code as well
            said = f"{error.what}: {error.got}" if isinstance(error, AdlOptError) else error
            plain = {"error": f"{type(error).__name__}: {said}"}
        else:
            if isinstance(plain, _Server):
                serving, plain = plain.answer, plain.facts()
        send(answers, _encoded(number, plain))


def _encoded(number: int, plain: dict[str, Any]) -> bytes:
    try:
        return to_message(plain | {"question": number})
    except (TypeError, ValueError, RecursionError) as error:
        return to_message({"question": number, "error": f"its state is not a plain value: {error}"})


class _Maker:
    """Makes the policy that the first question names."""

    def made(self, path: list[str], recipe: dict[str, Any]) -> _Server:
        """Return what serves the policy of a recipe."""
        sys.path[:] = path
        if "model" in recipe:
            from adl_opt.catalogue import load_model

            (policy,) = as_policies([load_model(recipe["model"], allow_code=True)])
        else:
            name = parse_call(recipe["name"])[0]
            entry = plugins(())[0][name]
            policy = make_by_name("policy", {name: loaded(entry)}, recipe["name"], recipe["params"])
        if not isinstance(policy, Policy):
            raise TypeError(f"the entry point makes no Policy, but {type(policy).__name__}")
        return _Server(policy.on(recipe["loss"]) if "loss" in recipe else policy)


class _Server:
    """Answers the calls to one policy."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy

    def facts(self) -> dict[str, Any]:
        """Return what the policy says of itself."""
        policy = self.policy
        return {
            "name": str(policy.name),
            "severity": str(policy.severity.label()),
            "allocation": str(policy.allocation.label()),
            "information": policy.information.value,
            "reads_flow": bool(policy.reads_flow),
            "positive_pnl_only": bool(policy.positive_pnl_only),
            "doc": str(type(policy).__doc__ or ""),
        }

    def answer(self, what: str, *given: Any) -> dict[str, Any]:
        """Return the answer to one call, as plain values."""
        if what == "start":
            return {"answer": list(self.policy.start())}
        if what == "learn":
            state, round_, outcome, action = given
            made = action_of_json(action)
            assert isinstance(made, Allocation)  # noqa: S101
            return {"answer": list(self.policy.learn(tuple(state), round_, outcome, made))}
        act = self.policy.act if what == "act" else self.policy.act_ex_post
        return {"answer": action_to_json(act(tuple(given[0]), *given[1:]))}


def _private_streams() -> tuple[IO[bytes], IO[bytes]]:
    """Take the streams to the other side away from stdin and stdout, which foreign code may use."""
    questions, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    return questions, answers


def _bounded() -> None:
    """Bound the memory to half of the machine's (Linux), and end when the other side has ended."""
    if sys.platform.startswith("linux"):
        import resource

        half = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
        _, most = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (half if most < 0 else min(half, most), most))
    threading.Thread(target=_watch, args=(os.getppid(),), daemon=True).start()


def _watch(parent: int) -> None:
    """End this process and those that it started, if the one that started it is gone."""
    while os.getppid() == parent:
        time.sleep(1.0)
    if hasattr(os, "killpg"):
        os.killpg(0, signal.SIGKILL)
    os._exit(1)
