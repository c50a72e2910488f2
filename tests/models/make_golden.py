"""Write models/*/golden.json: ``python -m tests.models.make_golden``.

The optimum is that of the second route (``routes.py``), which knows nothing of the library; it is written
only if the library's own engine agrees to 1e-9 and its certificate holds.  Nothing is typed by hand but data.
"""

import json

import numpy as np

from adl_opt.catalogue import catalogue_folder, load_model
from adl_opt.programs import solve, solve_episode
from tests.models.goldens import episode_of, rounds_of
from tests.models.routes import ROUTES

HAND = {"accounts": {"id": ["a", "b"], "pnl": [10.0, 30.0], "equity": [50.0, 40.0], "leverage": [4.0, 2.0]}}
DUST = {
    "accounts": {
        "id": ["dust", "b", "c", "d"], "pnl": [0.01, 17.0, 17.0, 99999.99],
        "equity": [5.0, 17.0, 40.0, 250000.0], "leverage": [1.0, 3.0, 3.5, 20.0],
    }
}  # fmt: skip
LOTS = {
    "account": [0, 0, 1, 2, 2], "market": ["BTC", "ETH", "BTC", "ETH", "SOL"],
    "lot_value": [7.0, 3.0, 4.0, 2.5, 1.25], "lots": [3, 4, 5, 4, 6],
}  # fmt: skip
LOTTED = {
    "accounts": {"id": ["a", "b", "c"], "pnl": [33.0, 20.0, 17.5], "equity": [90.0, 30.0, 17.5]},
    "positions": LOTS,
}
MARKETS = {
    "accounts": {"id": ["a", "b", "c"], "pnl": [30.0, 20.0, 40.0], "equity": [60.0, 60.0, 60.0]},
    "positions": {
        "account": [0, 1, 1, 2], "market": ["m", "m", "n", "n"], "lot_value": [10.0, 5.0, 2.5, 10.0],
        "lots": [3, 2, 4, 4],
    },
    "flow": {"market": ["m", "n"], "quantity": [4.0, 2.0], "mark": [10.0, 10.0]},
}  # fmt: skip


LEVERED = {
    "accounts": {"id": ["a", "b"], "pnl": [50.0, 20.0], "equity": [100.0, 20.0]},
    "positions": {
        "account": [0, 1], "market": ["m", "m"], "lots": [100, 40], "side": ["long", "long"],
        "entry": [0.5, 0.5], "mark": [1.0, 1.0],
    },
    "flow": {"market": ["m"], "side": ["short"], "quantity": [30.0], "mark": [1.0], "bankruptcy": [0.5]},
}  # fmt: skip
HEDGED = {
    "accounts": {
        "id": ["a", "b", "c", "d"], "pnl": [500.0, 290.0, 90.0, 400.0],
        "equity": [260.0, 900.0, 300.0, 410.0],
    },
    "positions": {
        "account": [0, 1, 1, 2, 3, 3], "market": ["m", "m", "n", "n", "m", "n"],
        "lots": [50, 40, 30, 60, 20, 40], "side": ["short", "short", "long", "short", "short", "short"],
        "entry": [110.0, 105.0, 47.0, 51.5, 110.0, 55.0],
        "mark": [100.0, 100.0, 50.0, 50.0, 100.0, 50.0],
    },
    "flow": {
        "market": ["m", "n", "n"], "side": ["long"] * 3, "quantity": [25.0, 20.0, 10.0],
        "mark": [100.0, 50.0, 50.0], "bankruptcy": [102.0, 50.5, 51.5],
    },
}  # fmt: skip
MOVES = [[0.1, 0.14], [0.04, -0.05], [-0.12, -0.2], [0.02, 0.1]]


def drawn(seed, n):
    rng = np.random.default_rng(seed)
    u = np.round(rng.lognormal(4.0, 1.2, n), 2)
    return {
        "accounts": {
            "id": [f"a{k}" for k in range(n)], "pnl": u.tolist(),
            "equity": np.round(u * rng.uniform(1.0, 5.0, n), 2).tolist(),
            "leverage": np.round(rng.uniform(1, 40, n), 1).tolist(),
        }
    }  # fmt: skip


def case(name, data, needed, deficit=None, **params):
    return {"name": name, "params": params, "needed": needed, "deficit": deficit or needed} | data


def over_time(name, seed, needed, deficits, **params):
    first = drawn(seed, 3)["accounts"]
    later = first | {"pnl": [round(0.7 * v, 2) for v in first["pnl"]]}
    other = drawn(seed + 50, 3)["accounts"] | {"id": ["a1", "a2", "b0"]}
    rounds = [
        {"needed": b, "deficit": d, "accounts": accounts}
        for b, d, accounts in zip(needed, deficits, (first, later, other), strict=True)
    ]
    return {"name": name, "params": params, "rounds": rounds}


PLAIN = [("two accounts", HAND, 8.0), ("dust beside a giant", DUST, 20000.0)]
PLAIN += [(f"drawn {s}", drawn(s, 5), 60.0 + 40 * s) for s in range(2)]
EQUITY = ("equity base", drawn(7, 5), 90.0)
PATH = [(500.0, 90.0, 20.0), (100.0, 90.0, 120.0)]
INSTANCES = {
    "tracking-lp": [*(case(*p) for p in PLAIN), case(*EQUITY, l_fair=40.0, base="equity"),
                    case("too dear to cover", HAND, 30.0, l_fair=55.0)],
    "asymmetric": [*(case(*p) for p in PLAIN), case(*EQUITY, l_under=3.0, l_fair=90.0, base="equity")],
    "min-max-lp": [*(case(*p) for p in PLAIN), case(*EQUITY, base="equity")],
    "min-max-lots": [case("three accounts", LOTTED, 21.0), case("nearly all", LOTTED, 68.0),
                     case("equity base", LOTTED, 30.0, base="equity")],
    "queue-lp": [*(case(*p) for p in PLAIN), case("scores", HAND, 15.0, scores=[1.0, 2.0])],
    "capped-pro-rata": [*(case(*p, cap=0.75) for p in PLAIN), case("half", HAND, 15.0, cap=0.5)],
    "risk-aware-pro-rata": [*(case(*p, cap=0.75) for p in PLAIN), case("at the cap", HAND, 17.0, cap=0.5)],
    "account-selection": [case("one of two", HAND, 8.0, k=1, ticket=1.0),
                          case("three of five", drawn(0, 5), 60.0, k=3, ticket=15.0),
                          case("equity base", drawn(7, 5), 90.0, k=4, ticket=20.0, base="equity")],
    "budget-and-accounts": [case("two of three", LOTTED, 21.0, k=2, weight=10.0),
                            case("one of three", LOTTED, 16.0, k=1, weight=1.0),
                            case("burden dear", LOTTED, 30.0, k=3, weight=1e4, base="equity")],
    "insurance-cofunding": [case("fund first", HAND, 8.0, fund=5.0, price=0.1, weight=100.0),
                            case("fund first by default", HAND, 35.0, fund=30.0),
                            case("fund last", HAND, 20.0, fund=15.0, price=2.0, weight=40.0),
                            case("both", drawn(7, 5), 300.0, base="equity", fund=150.0,
                                 price=0.3, weight=150.0),
                            case("deficit beyond equity", HAND, 8.0, deficit=110.0, fund=15.0, weight=1.0)],
    "cvar-severity": [*(case(*p) for p in PLAIN), case("tail", HAND, 15.0, alpha=0.8, weight=30.0)],
    "robust-severity": [*(case(*p) for p in PLAIN), case(*EQUITY, base="equity", under=3.0, weight=50.0),
                        case("all covered", HAND, 15.0, epsilon=0.0),
                        case("one in five uncovered", drawn(1, 5), 150.0, epsilon=0.2, weight=30.0),
                        case("skewed", drawn(0, 5), 120.0, multiples=[0.7, 1.0, 2.5], epsilon=0.1,
                             probabilities=[0.5, 0.4, 0.1], over=2.0)],
    "fund-top-up": [case("one scenario", HAND, 50.0, multiples=[1.0], fund=20.0, fee=3.0),
                    case("not worth the fee", HAND, 41.0, multiples=[1.0], fund=20.0, fee=30.0),
                    case("fund in the worst", drawn(1, 5), 150.0, fund=40.0, fee=2.0),
                    case("fund too small", drawn(0, 5), 400.0, fund=40.0, fee=2.0, weight=30.0),
                    case("equity base", drawn(7, 5), 90.0, multiples=[0.5, 1.0, 3.0], base="equity", fee=15.0,
                         probabilities=[0.25, 0.5, 0.25], fund=100.0, weight=200.0, price=2.0, lack=4.0)],
    "leximin": [*(case(*p) for p in PLAIN), case("two markets", MARKETS, 50.0, market=True)],
    "cumulative-fairness": [over_time("capped", 3, (60.0, 40.0, 50.0), (60.0, 60.0, 60.0), cap=0.4),
                            over_time("fair", 4, (30.0, 10.0, 90.0), (99.0, 99.0, 99.0), weight=200.0),
                            over_time("equity", 5, (99.0, 20.0, 9.0), (99.0, 99.0, 99.0), cap=0.9,
                                      base="equity")],
    "risk-based": [
        case("equity after haircuts", LEVERED, 15.0, moves=[[-1.0], [0.0]], chance=[0.1, 0.9]),
        case("drift upwards", LEVERED, 15.0, moves=[[-0.6], [0.3], [0.9]]),
        case("hedgers and two prices", HEDGED, 75.0, moves=MOVES),
        case("both objectives", HEDGED, 75.0, moves=MOVES, chance=[0.4, 0.3, 0.2, 0.1], weight=400.0),
    ],
    "hindsight-path": [over_time(f"P = {p}", 3, needed, (100.0, 120.0, 110.0), path_budget=p)
                       for p, needed in ((0.0, PATH[1]), (0.25, (20.0, 90.0, 60.0)), (9.0, PATH[1]))],
}  # fmt: skip


def answer(name, data):
    """Return objective and certified bound of the library, and the sorted burdens of leximin."""
    model = load_model(name, **data["params"])
    rounds, needed = rounds_of(data)
    if model.kind == "hindsight":
        found = model.program(episode_of(data))
        assert found.certify().ok
        return found.loss_usd, found.bound_usd, {}
    if model.kind == "episode":
        found = solve_episode(model.program, rounds, needed=needed)
    elif model.kind == "round":
        found = solve(model.program, rounds[0], needed=needed[0])
    else:
        found = model.program(rounds[0], needed=needed[0])
    assert found.status.value == "optimal", (name, data["name"], found)
    assert found.certify().ok
    more = {}
    if name == "leximin":
        more = {"levels": np.sort(found.x / rounds[0].accounts.capacity)[::-1].tolist()}
    return found.objective, found.bound, more


def close(a, b):
    return bool(np.allclose(a, b, rtol=1e-9, atol=1e-12))


def make(name):
    route, how = ROUTES[name]
    instances = []
    for data in INSTANCES[name]:
        rounds, needed = rounds_of(data)
        single = "rounds" not in data
        other = route(*((rounds[0], needed[0]) if single else (rounds, needed)), data["params"])
        objective, bound, more = answer(name, data)
        if name == "leximin":
            assert np.allclose(other, more["levels"], rtol=1e-8), (data["name"], other, more)
            other = other[0]
        assert close(objective, other), (name, data["name"], objective, other)
        found = {
            "optimum": float(other),
            "bound": float(bound),
            "obtained": f"{how}; the library agrees to 1e-9",
        }
        instances.append(data | found | more)
    return {"model": name, "instances": instances}


def main():
    for name in ROUTES:
        path = catalogue_folder() / name / "golden.json"
        path.write_text(json.dumps(make(name), indent=1) + "\n", encoding="utf-8")
        print(name, [round(i["optimum"], 6) for i in make(name)["instances"]])


if __name__ == "__main__":
    main()
