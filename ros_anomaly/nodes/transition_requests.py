"""Transitions that others ask of the node by service: one that its state does not allow is refused."""

from __future__ import annotations

from lifecycle_msgs.srv import ChangeState
from rclpy.lifecycle import LifecycleNode


def refuse_illegal_transitions(node: LifecycleNode) -> None:
    """Have ``~/change_state`` answer ``success: false`` where rclpy would let the request end the executor.

    rclpy raises rcl's error, a RuntimeError, out of the service's callback when there is no such transition from the
    present state, and whoever spins the node gets it. The state is left as it was.
    """
    service = next(service for service in node.services if service.srv_type is ChangeState)
    change = service.callback

    def change_or_refuse(request: ChangeState.Request, response: ChangeState.Response) -> ChangeState.Response:
        try:
            return change(request, response)
        except RuntimeError as error:
            wanted = request.transition.label or request.transition.id
            node.get_logger().warning(f"transition {wanted} refused: {str(error).split(', at ')[0]}")
            response.success = False
            return response

    service.callback = change_or_refuse
