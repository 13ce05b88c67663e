"""All calls that this server answers."""

from __future__ import annotations

from ros_anomaly_sim.server.actor_calls import ActorCalls
from ros_anomaly_sim.server.batch import BatchCalls
from ros_anomaly_sim.server.dispatcher import Dispatcher
from ros_anomaly_sim.server.session_calls import SessionCalls
from ros_anomaly_sim.server.simulation import Simulation
from ros_anomaly_sim.server.traffic_light_calls import TrafficLightCalls
from ros_anomaly_sim.server.traffic_manager_calls import TrafficManagerCalls
from ros_anomaly_sim.server.vehicle_calls import VehicleCalls


def dispatcher_for(simulation: Simulation) -> Dispatcher:
    """A dispatcher with every handler registered."""
    dispatcher = Dispatcher()
    actors, vehicles, lights = ActorCalls(simulation), VehicleCalls(simulation), TrafficLightCalls(simulation)
    SessionCalls(simulation).register(dispatcher)
    actors.register(dispatcher)
    vehicles.register(dispatcher)
    lights.register(dispatcher)
    TrafficManagerCalls().register(dispatcher)
    BatchCalls(simulation, actors, vehicles, lights).register(dispatcher)
    return dispatcher
