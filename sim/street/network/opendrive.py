"""OpenDRIVE 1.4 text of a road map, as CARLA's client reads it.

OpenDRIVE's frame is right-handed with x along the streets' +y (CARLA's +x) and y along their -x: headings are the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

import numpy as np

from ros_anomaly_sim.street.network.curve import Curve
from ros_anomaly_sim.street.network.road_map import Connection, LaneKind, Mark, MarkKind, Road, RoadMap, Signal, Strip

LATITUDE_DEG, LONGITUDE_DEG = 49.0, 8.0
"""Where the origin of every map lies on Earth."""

TRAFFIC_LIGHT_TYPE = "1000001"
"""CARLA's number for a traffic light, as the type of a signal."""

_GEO_REFERENCE = (
    f"+proj=tmerc +lat_0={LATITUDE_DEG:g} +lon_0={LONGITUDE_DEG:g} +k=1 +x_0=0 +y_0=0 +datum=WGS84 "
    "+units=m +geoidgrids=egm96_15.gtx +vunits=m +no_defs"
)
_NO_MARK = (Mark(0.0, MarkKind.NONE),)


def opendrive_text(road_map: RoadMap, name: str | None = None) -> str:
    """The whole document, under the map's name or another one.

    Roads keep their numbers, connections are roads too, junctions have the map's numbers.
    """
    root = Element("OpenDRIVE")
    header = SubElement(root, "header", revMajor="1", revMinor="4", name=name or road_map.name, version="1.00")
    for edge in ("north", "south", "east", "west"):
        header.set(edge, "0")
    SubElement(header, "geoReference").text = _GEO_REFERENCE
    for road in road_map.roads:
        _road(root, road)
    for connection in road_map.connections:
        _connecting_road(root, connection)
    controllers = _controllers(root, road_map.signals)
    for number in road_map.junctions:
        junction = _junction(root, number, [c for c in road_map.connections if c.junction == number])
        for controller in controllers.get(number, ()):
            SubElement(junction, "controller", id=str(controller), type="0", sequence="0")
    ElementTree.indent(root, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode")


def _road(root: Element, road: Road) -> None:
    element = _head(root, road.number, road.name, road.curve, -1, road.speed_limit_kmh)
    link = _child(element, "link")
    for tag, junction in (("predecessor", road.start_junction), ("successor", road.end_junction)):
        if junction is not None:
            SubElement(link, tag, elementType="junction", elementId=str(junction))
    lanes = _child(element, "lanes")
    SubElement(lanes, "laneOffset", s="0", a="0", b="0", c="0", d="0")
    section = SubElement(lanes, "laneSection", s="0")
    strips = dict(road.strips())
    left, centre, right = (SubElement(section, tag) for tag in ("left", "center", "right"))
    for number in sorted((n for n in strips if n > 0), reverse=True):
        _lane(left, number, strips[number], road.curve.length_m)
    middle = SubElement(centre, "lane", id="0", type="none", level="false")
    _marks(middle, road.centre_marks)
    for number in sorted((n for n in strips if n < 0), reverse=True):
        _lane(right, number, strips[number], road.curve.length_m)
    objects = _child(element, "objects")
    for index, crosswalk in enumerate(road.crosswalks):
        half, left_m, right_m = crosswalk.half_length_m, crosswalk.left_m, crosswalk.right_m
        zebra = SubElement(objects, "object", type="crosswalk", id=f"{road.number * 100 + index}", name="zebra")
        zebra.set("orientation", "none")
        for key, value in (("s", crosswalk.s_m), ("t", 0.0), ("zOffset", 0.0), ("hdg", 0.0)):
            zebra.set(key, _number(value))
        zebra.set("width", _number(2 * half))
        zebra.set("length", _number(left_m + right_m))
        outline = SubElement(zebra, "outline")
        for u, v in ((-half, left_m), (half, left_m), (half, -right_m), (-half, -right_m), (-half, left_m)):
            SubElement(outline, "cornerLocal", u=_number(u), v=_number(v), z="0")
    for signal in road.signals:
        _signal(_child(element, "signals"), signal)


def _signal(group: Element, signal: Signal) -> None:
    """A light where its lanes stop; ``positionInertial`` says where its post stands."""
    along = signal.lanes[0] < 0
    element = SubElement(group, "signal", id=str(signal.number), name=f"light {signal.number}", dynamic="yes")
    element.set("s", _number(signal.s_m))
    across = signal.width_m / 2
    element.set("t", _number(-across if along else across))
    for key, value in (("orientation", "+" if along else "-"), ("country", "OpenDRIVE"), ("type", TRAFFIC_LIGHT_TYPE)):
        element.set(key, value)
    for key, value in (("subtype", "-1"), ("value", "-1"), ("unit", "km/h"), ("text", "")):
        element.set(key, value)
    for key, size in (("zOffset", 2.5), ("height", 0.95), ("width", 0.32), ("hOffset", 0.0)):
        element.set(key, _number(size))
    for key in ("pitch", "roll"):
        element.set(key, "0")
    SubElement(element, "validity", fromLane=str(min(signal.lanes)), toLane=str(max(signal.lanes)))
    position = SubElement(element, "positionInertial", x=_number(signal.foot[1]), y=_number(-signal.foot[0]), z="0")
    position.set("hdg", _number(float(np.angle(np.exp(1j * signal.stop.heading_rad)))))
    position.set("pitch", "0")
    position.set("roll", "0")


def _controllers(root: Element, signals: Sequence[Signal]) -> dict[int, list[int]]:
    """One controller for the lights that are green together; their numbers by junction."""
    together: dict[tuple[int, int], list[Signal]] = {}
    for signal in signals:
        together.setdefault((signal.junction, signal.phase), []).append(signal)
    of_junction: dict[int, list[int]] = {}
    for (junction, phase), lights in sorted(together.items()):
        number = junction * 10 + phase
        of_junction.setdefault(junction, []).append(number)
        controller = SubElement(root, "controller", id=str(number), name=f"controller {number}", sequence=str(phase))
        for light in lights:
            SubElement(controller, "control", signalId=str(light.number), type="0")
    return of_junction


def _connecting_road(root: Element, connection: Connection) -> None:
    """One right lane whose middle is the reference line: the lane offset is half its width."""
    name = f"junction {connection.junction} {connection.turn.value}"
    element = _head(root, connection.number, name, connection.curve, connection.junction, 30)
    link = _child(element, "link")
    # A negative lane leads along its road, so it comes in at the road's end.
    into, out = connection.incoming, connection.outgoing
    for tag, key, at_end in (("predecessor", into, into.lane < 0), ("successor", out, out.lane > 0)):
        contact = "end" if at_end else "start"
        SubElement(link, tag, elementType="road", elementId=str(key.road), contactPoint=contact)
    length = connection.curve.length_m
    slope = (connection.width_end_m - connection.width_start_m) / length
    lanes = _child(element, "lanes")
    offset = SubElement(lanes, "laneOffset", s="0", a=_number(connection.width_start_m / 2), b=_number(slope / 2))
    offset.set("c", "0")
    offset.set("d", "0")
    section = SubElement(lanes, "laneSection", s="0")
    middle = SubElement(SubElement(section, "center"), "lane", id="0", type="none", level="false")
    _marks(middle, ())
    strip = Strip(LaneKind.DRIVING, connection.width_start_m, connection.width_end_m)
    lane = _lane(SubElement(section, "right"), -1, strip, length)
    lane_link = _child(lane, "link")
    SubElement(lane_link, "predecessor", id=str(connection.incoming.lane))
    SubElement(lane_link, "successor", id=str(connection.outgoing.lane))


def _head(root: Element, number: int, name: str, curve: Curve, junction: int, speed_kmh: int) -> Element:
    """A road with its plan view and the groups that are filled in later."""
    road = SubElement(root, "road", name=name, length=_number(curve.length_m), id=str(number), junction=str(junction))
    SubElement(road, "link")
    SubElement(SubElement(road, "type", s="0", type="town"), "speed", max=str(speed_kmh), unit="km/h")
    view = SubElement(road, "planView")
    for s, piece in zip(curve.starts_s_m, curve.pieces, strict=True):
        geometry = SubElement(view, "geometry", s=_number(float(s)), x=_number(piece.start.y_m))
        geometry.set("y", _number(-piece.start.x_m))
        geometry.set("hdg", _number(float(np.angle(np.exp(1j * piece.start.heading_rad)))))
        geometry.set("length", _number(piece.length_m))
        if abs(piece.curvature_per_m) < 1e-9:
            SubElement(geometry, "line")
        else:
            SubElement(geometry, "arc", curvature=f"{piece.curvature_per_m:.12f}")
    SubElement(SubElement(road, "elevationProfile"), "elevation", s="0", a="0", b="0", c="0", d="0")
    SubElement(SubElement(road, "lateralProfile"), "superelevation", s="0", a="0", b="0", c="0", d="0")
    for tag in ("lanes", "objects", "signals"):
        SubElement(road, tag)
    return road


def _lane(group: Element, number: int, strip: Strip, length_m: float) -> Element:
    lane = SubElement(group, "lane", id=str(number), type=strip.kind.value, level="false")
    SubElement(lane, "link")
    slope = (strip.width_end_m - strip.width_start_m) / length_m
    SubElement(lane, "width", sOffset="0", a=_number(strip.width_start_m), b=_number(slope), c="0", d="0")
    _marks(lane, strip.marks)
    return lane


def _marks(lane: Element, marks: tuple[Mark, ...]) -> None:
    for mark in marks or _NO_MARK:
        element = SubElement(lane, "roadMark", sOffset=_number(mark.s_m), type=mark.kind.value, weight="standard")
        element.set("color", mark.colour)
        element.set("width", _number(mark.width_m))
        element.set("laneChange", "both" if mark.kind is MarkKind.BROKEN else "none")


def _junction(root: Element, number: int, connections: list[Connection]) -> Element:
    junction = SubElement(root, "junction", id=str(number), name=f"junction {number}")
    for index, connection in enumerate(connections):
        element = SubElement(junction, "connection", id=str(index), incomingRoad=str(connection.incoming.road))
        element.set("connectingRoad", str(connection.number))
        element.set("contactPoint", "start")
        SubElement(element, "laneLink", {"from": str(connection.incoming.lane), "to": "-1"})
    return junction


def _child(element: Element, tag: str) -> Element:
    found = element.find(tag)
    if found is None:
        raise LookupError(f"expected <{tag}> below <{element.tag}>, found none")
    return found


def _number(value: float) -> str:
    return f"{value:.9f}"
