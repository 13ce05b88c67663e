"""Scenarios one after the other, each by every driver; what was driven is kept scenario by scenario."""

from __future__ import annotations

import math
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import carla

from ros_anomaly.messages.lockstep import DetectorSilent
from ros_anomaly_sim.bridge.world_hold import MissingBlueprint
from ros_anomaly_sim.closed_loop.course import Diverged, Tape
from ros_anomaly_sim.closed_loop.drivers import Driver
from ros_anomaly_sim.closed_loop.film import DriveFilm
from ros_anomaly_sim.closed_loop.folder import RunFolder
from ros_anomaly_sim.closed_loop.record import Film, Missing, ScenarioRecord, digest_of
from ros_anomaly_sim.closed_loop.result import DriveResult
from ros_anomaly_sim.closed_loop.run import DriveOptions, drive, drive_taped
from ros_anomaly_sim.closed_loop.server_at_hand import NoServer, ServerAtHand
from ros_anomaly_sim.closed_loop.strip import stills, write_strip
from ros_anomaly_sim.scenarios.schema import Scenario

# What a server, a scenario or a disk may do; anything else is a fault of the program.
_EXPECTED = (RuntimeError, OSError, ValueError)


class LatencyUntold(ValueError):
    """The latency is to be measured, and the detector does not say how long it took."""


class Suite:
    """Drives scenarios into a folder.

    Every driver that sees drives twice: without latency, and with that of ``options``, or if ``measure`` with the
    median time that its verdicts took in the first drive of the run, in whole milliseconds. The second drive is read
    from the tape of the first as far as it is the same, and filmed.
    """

    def __init__(
        self,
        folder: RunFolder,
        drivers: Sequence[Driver],
        options: DriveOptions,
        measure: bool,
        say: Callable[[str], None],
    ) -> None:
        self._folder, self._drivers, self._options, self._measure = folder, tuple(drivers), options, measure
        self._say = say
        self.missing = Missing()

    @staticmethod
    def in_order(scenarios: Sequence[Scenario]) -> list[Scenario]:
        """As they are driven: town by town, so that each is loaded once."""
        return sorted(scenarios, key=lambda scenario: (scenario.map, scenario.name))

    def run(self, server: ServerAtHand, scenarios: Sequence[Scenario]) -> Iterator[ScenarioRecord]:
        """Drive what is not in the folder yet, and give every scenario's record as soon as it is kept.

        A scenario that fails, for whatever reason, is in ``missing`` with that reason, and leaves the others alone.

        Raises:
            DetectorSilent, NoServer, LatencyUntold: the detector, or the server, is gone or of no use; nothing more can
                be driven.
        """
        there = self._folder.records()
        for scenario in self.in_order(scenarios):
            kept = there.get(scenario.name)
            if kept is not None and kept.digest == digest_of(scenario):
                yield kept
                continue
            try:
                record = self._drive(server.client(scenario.map), scenario)
                self._folder.keep(record)
            except MissingBlueprint as error:
                self.missing.skipped[scenario.name] = str(error)
                self._say(f"skipped {scenario.name}: {error}")
            except (DetectorSilent, NoServer, LatencyUntold):
                raise
            except Exception as error:  # whatever it is, it is this scenario's result
                self._failed(scenario.name, error)
                server.distrust()
            else:
                yield record

    def _failed(self, name: str, error: Exception) -> None:
        words = str(error)
        if not isinstance(error, _EXPECTED) or not words:
            words = f"{type(error).__name__}: {words}".removesuffix(": ")
        if not isinstance(error, _EXPECTED):
            self._say("".join(traceback.format_exception(error)).rstrip())
        self.missing.failed[name] = words
        self._say(f"failed {name}: {words}")

    def _drive(self, client: carla.Client, scenario: Scenario) -> ScenarioRecord:
        started_s = time.monotonic()
        drives: list[DriveResult] = []
        film: Film | None = None
        for driver in self._drivers:
            if driver.sees:
                seen, film = self._drive_seeing(client, scenario, driver)
                drives += seen
            else:
                drives.append(drive(client, scenario, driver, replace(self._options, latency_ms=0.0)))
        record = ScenarioRecord.of(scenario, tuple(drives), film, time.monotonic() - started_s)
        if record.filmed is not None and film is not None:
            tiles = stills(self._folder.film(scenario.name), film, record.filmed)
            write_strip(self._folder.strip(scenario.name), tiles)
        return record

    def _drive_seeing(
        self, client: carla.Client, scenario: Scenario, driver: Driver
    ) -> tuple[list[DriveResult], Film | None]:
        at_once = replace(self._options, latency_ms=0.0)
        if self._options.latency_ms == 0 and not self._measure:
            with self._film(scenario) as film:
                result = drive(client, scenario, driver, at_once, film)
                film.keep()
            return [result], _film_of(result, film)
        tape = Tape()
        first = drive(client, scenario, driver, at_once, tape=tape)
        late = replace(self._options, latency_ms=self._latency_ms(first))
        result, film = self._drive_late(client, scenario, driver, late, tape)
        return [result, first], _film_of(result, film)

    def _drive_late(
        self, client: carla.Client, scenario: Scenario, driver: Driver, options: DriveOptions, tape: Tape
    ) -> tuple[DriveResult, DriveFilm]:
        try:
            with self._film(scenario) as film:
                result = drive_taped(tape, scenario, driver, options, film)
                film.keep()
        except Diverged:
            with self._film(scenario) as film:
                result = drive(client, scenario, driver, options, film)
                film.keep()
        return result, film

    def _film(self, scenario: Scenario) -> DriveFilm:
        cameras = self._options.cameras
        return DriveFilm(self._folder.film(scenario.name), cameras.size, max(1, round(1 / cameras.tick_s)))

    def _latency_ms(self, first: DriveResult) -> float:
        if not self._measure:
            return self._options.latency_ms
        known = self._folder.measured_latency_ms
        if known is not None:
            return known
        if first.compute is None:
            raise LatencyUntold("latency: expected verdicts that say how long they took, found none; give --latency-ms")
        measured_ms = float(max(1, math.ceil(first.compute.median_ms)))
        self._folder.keep_measured_latency(measured_ms)
        self._say(f"measured latency: {measured_ms:.0f} ms, the median over {first.compute.images} images")
        return measured_ms


def _film_of(result: DriveResult, film: DriveFilm) -> Film | None:
    if not film.times_s:
        return None
    return Film(result.driver, result.latency_ms, tuple(film.times_s), tuple(film.was_judged))
