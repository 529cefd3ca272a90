"""bumble's controller as the central's side of the air: what Linux and honest advertising need in addition."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

from bumble import hci, ll
from bumble.controller import Controller

RSSI = -50  # dBm; there is no radio and so no distance
NO_CONNECTION = hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR
Kind = hci.HCI_LE_Advertising_Report_Event.EventType


class SensorsAround(Protocol):
    def scan_response(self, address: hci.Address) -> bytes | None:
        """Of the sensor with this address; None when it does not advertise any more."""
        ...


class CentralController(Controller):
    """The controller that BlueZ, or a bumble host, takes for its own."""

    link: SensorsAround

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # bumble announces every connection with the legacy event; Linux waits for the enhanced one as soon as
        # either of these features is offered.
        self.le_features &= ~(hci.LeFeatureMask.LL_PRIVACY | hci.LeFeatureMask.LE_EXTENDED_ADVERTISING)

    def on_advertising_pdu(self, pdu: ll.AdvInd | ll.AdvExtInd) -> None:
        """As bumble does, but the scan response is the sensor's own; bumble repeats the advertisement."""
        response = self.link.scan_response(pdu.advertiser_address)
        if response is None:
            return
        if self.le_scan_enable:
            self._report(Kind.ADV_IND, pdu.advertiser_address, pdu.data)
            self._report(Kind.SCAN_RSP, pdu.advertiser_address, response)  # Linux waits for it, be it empty
        pending = self.pending_le_connection
        if pending and pending.peer_address == pdu.advertiser_address:
            self.create_le_connection(pdu.advertiser_address)

    def _report(self, kind: Kind, address: hci.Address, data: bytes) -> None:
        report = hci.HCI_LE_Advertising_Report_Event.Report(
            event_type=kind, address_type=address.address_type, address=address, data=data, rssi=RSSI
        )
        self.send_hci_packet(hci.HCI_LE_Advertising_Report_Event([report]))

    def on_hci_le_create_connection_cancel_command(self, command: Any) -> Any:
        """As bumble does, and tell that no connection will come (Core Specification, vol. 4 part E, 7.8.13)."""
        result = super().on_hci_le_create_connection_cancel_command(command)
        if pending := self.pending_le_connection:
            self.pending_le_connection = None
            event = hci.HCI_LE_Connection_Complete_Event(
                status=NO_CONNECTION,
                connection_handle=0,
                role=hci.Role.CENTRAL,
                peer_address_type=pending.peer_address_type,
                peer_address=pending.peer_address,
                connection_interval=0,
                peripheral_latency=0,
                supervision_timeout=0,
                central_clock_accuracy=0,
            )
            asyncio.get_running_loop().call_soon(self.send_hci_packet, event)
        return result
