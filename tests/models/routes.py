"""Second routes to the optimum of each model: from the card alone, no term, no engine of the library.

Closed forms and enumeration where there is one; otherwise a dense linear program for scipy.
"""

from itertools import combinations, product

import numpy as np
from scipy.optimize import brentq, linprog


def filled(caps, base, budget):
    """Return x = min(caps, z base) with sum = budget, by trying every account that may fill first; None."""
    caps, base = np.asarray(caps, float), np.asarray(base, float)
    if budget > caps.sum() * (1 + 1e-12):
        return None
    ratio = np.divide(caps, base, out=np.zeros_like(caps), where=base > 0)
    for z in sorted({0.0, *ratio}):
        if np.minimum(caps, z * base).sum() >= budget * (1 - 1e-15):
            full = ratio < z * (1 - 1e-15)
            rest = base[~full].sum()
            z = (budget - caps[full].sum()) / rest if rest > 0 else z
            return np.minimum(caps, z * base)
    return caps


def largest(x, base):
    return max((a / b for a, b in zip(x, base, strict=True) if a > 0), default=0.0)


def base_of(g, p):
    return g.accounts.capacity if p.get("base", "capacity") == "capacity" else g.accounts.equity


def best_total(g, p, loss, fair, kinks):
    """Least loss(H) + fair burden(H): convex and piecewise linear, so the best H is at one of the kinks."""
    u, base = g.accounts.capacity, base_of(g, p)
    ratio = sorted(set(u / base))
    totals = [np.minimum(u, z * base).sum() for z in ratio] + [0.0, u.sum()] + list(kinks)
    return min(
        loss(h) + fair * largest(filled(u, base, h), base) for h in totals if 0 <= h <= u.sum() * (1 + 1e-12)
    )


def tracking_lp(g, b, p):
    return best_total(g, p, lambda h: p.get("l_track", 1.0) * abs(h - b), p.get("l_fair", 1.0), [b])


def asymmetric(g, b, p):
    under, over = p.get("l_under", 2.0), p.get("l_over", 1.0)
    return best_total(g, p, lambda h: under * max(b - h, 0) + over * max(h - b, 0), p.get("l_fair", 1.0), [b])


def cvar_severity(g, b, p):
    scenarios = np.array(p.get("multiples", (0.5, 0.8, 1.0, 1.25, 2.0))) * b
    chance = np.array(p.get("probabilities") or [1 / scenarios.size] * scenarios.size)
    tail = 1 - p.get("alpha", 0.6)

    def cvar(h):  # the worst tail, greedily
        left, total = tail, 0.0
        for loss, q in sorted(zip(abs(h - scenarios), chance, strict=True), reverse=True):
            total, left = total + min(q, left) * loss, left - min(q, left)
        return total / tail

    kinks = [*scenarios, *((a + c) / 2 for a, c in combinations(scenarios, 2))]
    return best_total(g, p, cvar, p.get("weight", 1.0), kinks)


def robust_severity(g, b, p):
    scenarios = np.array(p.get("multiples", (0.5, 0.8, 1.0, 1.25, 2.0))) * b
    chance = np.array(p.get("probabilities") or [1 / scenarios.size] * scenarios.size)
    under, over = p.get("under", 1.0), p.get("over", 1.0)

    def worst(h):
        if chance[scenarios > h * (1 + 1e-12)].sum() > p.get("epsilon", 1.0) + 1e-12:
            return np.inf
        return max(max(under * (s - h), over * (h - s)) for s in scenarios)

    meet = [(under * s + over * t) / (under + over) for s in scenarios for t in scenarios]
    return best_total(g, p, worst, p.get("weight", 1.0), [*scenarios, *meet])


def fund_top_up(g, b, p):
    """Each scenario by itself at a total H, the fund used or not; H at every kink of the expected cost."""
    scenarios = np.array(p.get("multiples", (0.8, 1.0, 1.25))) * b
    chance = np.array(p.get("probabilities") or [1 / scenarios.size] * scenarios.size)
    fund, fee, price = p.get("fund", 1e6), p.get("fee", 1e3), p.get("price", 1.0)
    lack, over = p.get("lack", 10.0), p.get("over", 1.0)

    def cost(h):
        total = 0.0
        for s, q in zip(scenarios, chance, strict=True):
            gap = max(s - h, 0.0)
            used = fee + min(price * f + lack * (gap - f) for f in (0.0, min(gap, fund)))
            total += q * (min(lack * gap, used) + over * max(h - s, 0.0))
        return total

    kinks = [*scenarios, *(scenarios - fund), *(scenarios - fee / (lack - price))]
    if (lack - price) * fund > 0:
        kinks += list(scenarios - (fee + (price - lack) * fund) / lack)
    return best_total(g, p, cost, p.get("weight", 1.0), kinks)


def min_max_lp(g, b, p):
    base = base_of(g, p)
    return largest(filled(g.accounts.capacity, base, b), base)


def queue_lp(g, b, p):
    """Every vertex of the budget set: some pay all, at most one pays a part (Lemma 1)."""
    u = g.accounts.capacity
    score, best = np.array(p.get("scores") or g.accounts.leverage), -np.inf
    for size in range(u.size + 1):
        for who in combinations(range(u.size), size):
            rest = b - u[list(who)].sum()
            if abs(rest) < 1e-9:
                best = max(best, score[list(who)] @ u[list(who)])
            for last in set(range(u.size)) - set(who):
                if 0 <= rest <= u[last]:
                    best = max(best, score[list(who)] @ u[list(who)] + score[last] * rest)
    return -best


def capped_pro_rata(g, b, p):
    """h = min(eta, cap) by root finding, the disutility by its formula."""
    u, cap = g.accounts.capacity, p.get("cap", 0.9)
    total = cap * u.sum()
    eta = cap if b >= total else brentq(lambda e: np.minimum(e, cap) * u.sum() - b, 0.0, cap, xtol=1e-15)
    return float(u.sum() * ((1 - eta) * np.log(1 - eta) + eta))


def risk_aware_pro_rata(g, b, p):
    u, w = g.accounts.capacity, g.accounts.leverage / g.accounts.leverage.max()
    x = filled(p.get("cap", 0.9) * u * (w > 0), w * u, b)
    return largest(x, w * u)


def lots_of(g):
    """Yield every combination of whole lots with the haircuts that it makes."""
    held, n = g.positions, len(g.accounts)
    for lots in product(*(range(k + 1) for k in held.lots)):
        x = np.bincount(held.account, np.array(lots) * held.lot_value, minlength=n)
        if np.all(x <= g.accounts.capacity * (1 + 1e-12)):
            yield x


def min_max_lots(g, b, p):
    return min(largest(x, base_of(g, p)) for x in lots_of(g) if x.sum() >= b - 1e-9)


def budget_and_accounts(g, b, p):
    weight, k = p.get("weight", 1e4), p.get("k", 50)
    return min(
        max(x.sum() - b, 0) + weight * largest(x, base_of(g, p))
        for x in lots_of(g)
        if x.sum() >= b - 1e-9 and (x > 0).sum() <= k
    )


def account_selection(g, b, p):
    """Every set of at most k payers; within one, a linear program in (x, z)."""
    u, base, best = g.accounts.capacity, base_of(g, p), np.inf
    ticket = p.get("ticket", 100.0)
    for size in range(1, min(p.get("k", 50), u.size) + 1):
        for who in map(list, combinations(range(u.size), size)):
            if np.any(u[who] < ticket) or not ticket * size <= b <= u[who].sum():
                continue
            rows = np.hstack([np.eye(size), -base[who][:, None]])
            found = linprog(
                [0.0] * size + [1.0],
                A_ub=rows, b_ub=np.zeros(size), A_eq=[[1.0] * size + [0.0]], b_eq=[b],
                bounds=[(ticket, m) for m in u[who]] + [(0, None)],
            )  # fmt: skip
            best = min(best, found.fun)
    return best


def insurance_cofunding(g, b, p):
    u, base, fund = g.accounts.capacity, base_of(g, p), p.get("fund", 1e6)
    need = max(b, g.deficit - np.maximum(g.accounts.equity, 0).sum())
    totals = [need, need - fund, *(np.minimum(u, z * base).sum() for z in u / base)]
    return min(
        p.get("price", 0.0) * max(need - h, 0.0) + p.get("weight", 1e4) * largest(filled(u, base, h), base)
        for h in (max(t, 0.0) for t in totals)
        if need - fund - 1e-9 <= h <= min(need, u.sum())
    )


def leximin(g, b, p):
    """Sorted burdens: each the least possible while the larger ones stay, one program per account."""
    held, n, u = g.positions, len(g.accounts), g.accounts.capacity
    if not p.get("market"):
        return [b / u.sum()] * n  # one budget: pro-rata (Prop. 9)
    size = len(held)
    worth = np.zeros((n, size))
    worth[held.account, np.arange(size)] = held.lot_value
    equal, right = [worth.sum(0)], [b]
    for name, quantity in zip(g.flow.market, g.flow.quantity, strict=True):
        equal.append((held.market == name).astype(float))
        right.append(quantity)
    share, level = worth / u[:, None], np.full(n, np.nan)
    bounds = [(0, m) for m in held.lots.astype(float)]
    for _ in range(n):
        open_ = np.isnan(level)
        if not open_.any():
            break
        rows = np.hstack([share, -open_[:, None].astype(float)])
        common = {
            "A_eq": np.hstack([np.array(equal), np.zeros((len(right), 1))]), "b_eq": right,
            "bounds": [*bounds, (0, None)],
        }  # fmt: skip
        top = linprog([0.0] * size + [1.0], A_ub=rows, b_ub=np.where(open_, 0.0, level), **common).fun
        limit = np.where(open_, top, level)
        for i in np.flatnonzero(open_):  # who cannot be lower than the top?
            least = linprog(
                [*share[i], 0.0], A_ub=np.hstack([share, np.zeros((n, 1))]), b_ub=limit + 1e-12, **common
            ).fun
            if least >= top - 1e-8:
                level[i] = top
    return sorted(level.tolist(), reverse=True)


def cumulative_fairness(rounds, needed, p):
    """One dense linear program in (x, under, z) of every round."""
    cap, weight = p.get("cap", 0.5), p.get("weight", 1.0)
    ids = sorted({str(i) for r in rounds for i in r.accounts.id})
    n, per = len(ids), len(ids) + 2
    cost, bounds, rows, right = [], [], [], []
    last = dict.fromkeys(ids, 0.0)
    for t, (r, b) in enumerate(zip(rounds, needed, strict=True)):
        u = dict(zip(map(str, r.accounts.id), r.accounts.capacity, strict=True))
        last = {i: max(last[i], u.get(i, 0.0)) for i in ids}
        base = dict(zip(map(str, r.accounts.id), base_of(r, p), strict=True))
        cost += [0.0] * n + [1.0, weight]
        bounds += [(0, u.get(i, 0.0)) for i in ids] + [(0, None), (0, None)]
        row = np.zeros(per * len(rounds))
        row[t * per : t * per + n + 1] = -1.0
        rows, right = [*rows, row], [*right, -b]
        for k, i in enumerate(ids):
            row = np.zeros(per * len(rounds))
            row[t * per + k], row[t * per + n + 1] = 1.0, -base.get(i, 0.0)
            rows, right = [*rows, row], [*right, 0.0]
            if i in u and t:  # what was taken is gone
                row = np.zeros(per * len(rounds))
                row[[s * per + k for s in range(t + 1)]] = 1.0
                rows, right = [*rows, row], [*right, u[i]]
    for k, i in enumerate(ids):
        row = np.zeros(per * len(rounds))
        row[[t * per + k for t in range(len(rounds))]] = 1.0
        rows, right = [*rows, row], [*right, cap * last[i]]
    return linprog(cost, A_ub=np.array(rows), b_ub=right, bounds=bounds).fun


def risk_based(g, b, p):
    """One dense linear program in contracts of each position and row of losers, shortfalls, z (scipy).

    For linear contracts of cross margin; the budget is the whole flow.
    """
    held, flow, n = g.positions, g.flow, len(g.accounts)
    given_up = flow.side * (flow.closing - flow.mark)
    legs = [(j, r) for j in range(len(held)) for r in range(len(flow))
            if held.market[j] == flow.market[r] and held.side[j] == -flow.side[r]]  # fmt: skip
    names = list(dict.fromkeys([*flow.market, *sorted(held.market)]))
    mark = dict(zip([*held.market, *flow.market], [*held.mark, *flow.mark], strict=True))
    moves = np.array(p["moves"]) * [mark[m] for m in names]
    chance = np.array(p.get("chance") or [1 / len(moves)] * len(moves))
    size, count = len(legs), n * len(moves)
    rows, right = [], []
    for i in range(n):
        for s, move in enumerate(moves):
            own = [j for j in range(len(held)) if held.account[j] == i]
            dp = {j: held.side[j] * move[names.index(held.market[j])] for j in own}
            row = np.zeros(size + count + 1)
            for k, (j, r) in enumerate(legs):
                if j in own:
                    row[k] = given_up[r] + dp[j]
            row[size + i * len(moves) + s] = -1.0
            cash = g.accounts.equity[i] + sum(held.quantity[j] * dp[j] for j in own)
            rows, right = [*rows, row], [*right, cash]
        row = np.zeros(size + count + 1)
        for k, (j, r) in enumerate(legs):
            row[k] = given_up[r] * (held.account[j] == i)
        row[-1] = -g.accounts.capacity[i]
        rows, right = [*rows, row], [*right, 0.0]
    for j in range(len(held)):
        rows = [*rows, np.array([float(a == j) for a, _ in legs] + [0.0] * (count + 1))]
        right = [*right, held.quantity[j]]
    equal = np.array([[float(c == r) for _, c in legs] + [0.0] * (count + 1) for r in range(len(flow))])
    cost = np.concatenate([np.zeros(size), np.tile(chance, n), [p.get("weight", 0.0)]])
    most = [(0, None)] * (size + count) + [(0, 1)]
    return linprog(cost, A_ub=np.array(rows), b_ub=right, A_eq=equal, b_eq=flow.quantity, bounds=most).fun


def hindsight_path(rounds, needed, p):
    """One dense linear program in (theta, over, under, move)."""
    d = np.array([r.deficit for r in rounds])
    size = d.size
    cost = np.concatenate([np.zeros(size), np.ones(size), np.zeros(size - 1)])
    rows, right = [], []
    for t in range(size):
        for sign in (1, -1):
            row = np.zeros(cost.size)
            row[t], row[size + t] = sign * d[t], -1.0
            rows, right = [*rows, row], [*right, sign * needed[t]]
    for t in range(size - 1):
        for sign in (1, -1):
            row = np.zeros(cost.size)
            row[t], row[t + 1], row[2 * size + t] = -sign, sign, -1.0
            rows, right = [*rows, row], [*right, 0.0]
    row = np.concatenate([np.zeros(2 * size), np.ones(size - 1)])
    bounds = [(0, 1)] * size + [(0, None)] * (2 * size - 1)
    return linprog(
        cost, A_ub=np.array([*rows, row]), b_ub=[*right, p.get("path_budget", 1.0)], bounds=bounds
    ).fun


ROUTES = {
    "tracking-lp": (tracking_lp, "every kink of the piecewise linear loss in H"),
    "asymmetric": (asymmetric, "every kink of the piecewise linear loss in H"),
    "min-max-lp": (min_max_lp, "every set of accounts that may pay in full"),
    "min-max-lots": (min_max_lots, "enumeration of all whole lots"),
    "queue-lp": (queue_lp, "enumeration of the vertices (Lemma 1)"),
    "capped-pro-rata": (capped_pro_rata, "closed form, root finding"),
    "risk-aware-pro-rata": (risk_aware_pro_rata, "every set of accounts that may be at their cap"),
    "account-selection": (account_selection, "enumeration of all sets of payers, a linear program in each"),
    "budget-and-accounts": (budget_and_accounts, "enumeration of all whole lots"),
    "insurance-cofunding": (insurance_cofunding, "every kink of the piecewise linear loss in H"),
    "cvar-severity": (
        cvar_severity,
        "every kink of the loss in H, the tail summed greedily",
    ),
    "robust-severity": (robust_severity, "every kink of the piecewise linear loss in H"),
    "fund-top-up": (fund_top_up, "every kink of the expected cost in H, each scenario by itself"),
    "leximin": (leximin, "one dense linear program per account and level (scipy)"),
    "cumulative-fairness": (cumulative_fairness, "one dense linear program (scipy)"),
    "risk-based": (risk_based, "one dense linear program (scipy)"),
    "hindsight-path": (hindsight_path, "one dense linear program (scipy)"),
}
