"""Maximum flow with amounts in floats: Dinic's algorithm, as one loop that runs as it is and compiled.

Every shortest path is used until an edge on it is full.  The fullest edge is left with exactly 0, so that the
number of paths is bounded as it is for whole numbers.
"""

from __future__ import annotations

from typing import Any


def maximum_flow(
    first: Any,
    edge: Any,
    head: Any,
    residual: Any,
    source: int,
    sink: int,
    dist: Any,
    queue: Any,
    arc: Any,
    path: Any,
) -> None:
    """Send as much as possible from ``source`` to ``sink``.

    Edges come in pairs: edge e leads to ``head[e]``, edge ``e ^ 1`` leads back, and ``residual`` is what an
    edge still can take.  Node v has the edges ``edge[first[v]:first[v + 1]]``.  At the end ``dist`` is -1
    where a node cannot be reached from the source any more.  The other three are scratch, a place per node.

    References
    ----------
    E. A. Dinic, Algorithm for solution of a problem of maximum flow in networks with power estimation, 1970.
    """
    nodes = len(first) - 1
    while True:
        for v in range(nodes):
            dist[v] = -1
            arc[v] = first[v]
        dist[source], queue[0], begin, end = 0, source, 0, 1
        while begin < end:
            v = queue[begin]
            begin += 1
            for k in range(first[v], first[v + 1]):
                w = head[edge[k]]
                if dist[w] < 0 and residual[edge[k]] > 0:
                    dist[w] = dist[v] + 1
                    queue[end] = w
                    end += 1
        if dist[sink] < 0:
            return
        v, depth = source, 0
        while True:
            if v == sink:
                least, at = residual[path[0]], 0
                for k in range(1, depth):
                    if residual[path[k]] < least:
                        least, at = residual[path[k]], k
                for k in range(depth):
                    residual[path[k]] -= least
                    residual[path[k] ^ 1] += least
                v, depth = head[path[at] ^ 1], at
            while arc[v] < first[v + 1]:
                e = edge[arc[v]]
                if residual[e] > 0 and dist[head[e]] == dist[v] + 1:
                    break
                arc[v] += 1
            if arc[v] < first[v + 1]:
                path[depth] = edge[arc[v]]
                v = head[path[depth]]
                depth += 1
            elif depth == 0:
                break
            else:
                depth -= 1
                v = head[path[depth] ^ 1]
                arc[v] += 1
