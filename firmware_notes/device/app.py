"""The main loop: motion sensor, log and radio together. A board's `main_...` hands in what is its own.

`board`: `ticks()` whole us since boot, `sleep_ms(n)`, `battery()`, `light(is_on)`, `flash` (a block device or
None), `device_id`, `boot_id`, `rest()` (sleep until moved; does not come back, or comes back awake). `radio`:
see `radio_mp`.
"""

from device.core import Core
from device.ringlog import RingLog
from device.sender import SECOND_US

TURN_MS = 20
"""The FIFO holds 0.8 s and more; the radio wants a packet of 19 samples every 91 ms at 208 Hz."""
REST_AFTER_US = 120 * SECOND_US
"""Longest that it stays awake with nobody there (own choice: time to fetch a phone)."""
MOST_FAULTS = 50


def run(board, imu, radio, ring_samples):
    """Never returns, save by an error that a restart may cure: the board's `main` restarts then."""
    log = None
    if board.flash is not None:
        log = RingLog(board.flash)
        log.mount()
    imu.begin()
    board.zero()
    core = Core(radio, imu, log, board, ring_samples, board.device_id, board.boot_id)
    radio.begin(core)
    faults = 0
    while True:
        now = board.ticks()
        try:
            radio.serve(core, now)
            core.poll(now)
            faults = 0
        except OSError:  # the bus did not answer; what was made meanwhile is in the FIFO
            faults += 1
            if faults > MOST_FAULTS:
                raise
        if core.is_idle() and now - core.active_us > REST_AFTER_US:
            imu.sleep()
            board.rest()
            core.active_us = board.ticks()
        board.sleep_ms(TURN_MS)


def name_of(device_id):
    """Name to advertise: the last two bytes of the device id."""
    return "AnkleIMU-%04X" % (device_id & 0xFFFF)


CHARGE = ((3300, 0), (3600, 10), (3700, 30), (3800, 50), (3900, 65), (4000, 80), (4150, 100))
"""mV at light load and per cent of a LiPo cell (own choice, after common discharge curves; good to some 10 %)."""


def percent_of(mv):
    """Charge of a LiPo cell at this voltage; 255 when there is none to measure."""
    if mv < 2500:
        return 255
    below, at = CHARGE[0]
    for above, percent in CHARGE:
        if mv <= above:
            return percent if above == below else at + (percent - at) * max(0, mv - below) // (above - below)
        below, at = above, percent
    return 100
