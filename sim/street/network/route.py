"""The shortest way along lanes from one place to another."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

from ros_anomaly_sim.street.network.curve import Pose
from ros_anomaly_sim.street.network.lanes import LaneGraph
from ros_anomaly_sim.street.network.road_map import LaneKey

Place = tuple[LaneKey, float]


@dataclass(frozen=True)
class Route:
    """Lanes one after the other, from ``start_s_m`` on the first to ``end_s_m`` on the last."""

    graph: LaneGraph
    keys: tuple[LaneKey, ...]
    start_s_m: float
    end_s_m: float

    @property
    def length_m(self) -> float:
        """Length of the way."""
        return sum(self.graph[k].length_m for k in self.keys[:-1]) + self.end_s_m - self.start_s_m

    def place(self, s_m: float) -> Place:
        """(lane, s on it) after ``s_m`` metres; ValueError outside the route."""
        if not -1e-6 <= s_m <= self.length_m + 1e-6:
            raise ValueError(f"route: expected 0..{self.length_m:.2f} m, found {s_m}")
        left = s_m + self.start_s_m
        for key in self.keys[:-1]:
            if left <= self.graph[key].length_m:
                return key, left
            left -= self.graph[key].length_m
        return self.keys[-1], min(left, self.graph[self.keys[-1]].length_m)

    def pose(self, s_m: float) -> Pose:
        """Pose after ``s_m`` metres."""
        return self.graph.pose(*self.place(s_m))


class NoRouteError(ValueError):
    """No way leads from the one lane to the other."""


def shortest_route(graph: LaneGraph, start: Place, goal: Place) -> Route:
    """Dijkstra over the lanes' successors; vehicles do not change lanes. Raises NoRouteError."""
    (first, start_s), (last, goal_s) = start, goal
    if first == last and start_s <= goal_s:
        return Route(graph, (first,), start_s, goal_s)
    best = {key: graph[first].length_m - start_s for key in graph[first].successors}
    before = {key: first for key in best}
    queue = [(distance, key) for key, distance in best.items()]
    heapq.heapify(queue)
    done: set[LaneKey] = set()
    while queue:
        distance, key = heapq.heappop(queue)
        if key in done:
            continue
        done.add(key)
        if key == last:
            return Route(graph, _way_back(before, first, last), start_s, goal_s)
        for successor in graph[key].successors:
            further = distance + graph[key].length_m
            if further < best.get(successor, float("inf")):
                best[successor], before[successor] = further, key
                heapq.heappush(queue, (further, successor))
    raise NoRouteError(f"no way leads from lane {tuple(first)} to lane {tuple(last)}")


def _way_back(before: dict[LaneKey, LaneKey], first: LaneKey, last: LaneKey) -> tuple[LaneKey, ...]:
    keys = [last]
    while True:
        keys.append(before[keys[-1]])
        # A lane may be both first and last: a loop is closed only where the search set out from it.
        if keys[-1] == first:
            return tuple(reversed(keys))
