"""Files as sensors of other makers write them, made from arrays; for the tests of the importers."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ankle_imu.wire import movesense_sbem

G = 9.80665
EPOCH = 1_787_903_504  # 2026-08-28T07:51:44Z
Files = dict[str, bytes]
Write = Callable[[np.ndarray, np.ndarray, np.ndarray], Files]


@dataclass(frozen=True, kw_only=True)
class Vendor:
    """How a maker's files look: what is written, what is named to the importer, how finely numbers are kept.

    `main` is the file that holds the samples (of gyr, where there are two); `named` what is given to the importer.
    """

    name: str
    write: Write
    main: str
    named: str = ""
    zipped: bool = False
    is_text: bool = True
    rate: float = 100.0
    options: dict[str, Any] = field(default_factory=dict)
    acc_step: float = 1e-5
    gyr_step: float = 1e-6

    def save(self, folder: Path, files: Files) -> Path:
        """Write the files into a folder; gives the path that an importer is told."""
        folder.mkdir(parents=True, exist_ok=True)
        if self.zipped:
            with zipfile.ZipFile(folder / "walk.zip", "w", zipfile.ZIP_DEFLATED) as archive:
                for name, raw in files.items():
                    archive.writestr(name, raw)
            return folder / "walk.zip"
        for name, raw in files.items():
            (folder / name).write_bytes(raw)
        return folder / (self.named or self.main)


def rows(*columns: np.ndarray, separator: str = ",", digits: int = 9) -> str:
    """Lines of numbers; whole-number columns stay whole."""
    texts = [[f"{v:d}" if c.dtype.kind == "i" else f"{v:.{digits}f}" for v in c.tolist()] for c in columns]
    return "".join(separator.join(cells) + "\n" for cells in zip(*texts, strict=True))


def count(time: np.ndarray, per_second: float) -> np.ndarray:
    return np.rint(time * per_second).astype(np.int64)


def xsens_dot(time, acc, gyr):
    head = "DeviceTag:,L foot\nOutputRate:,60Hz\nStartTime: ,2026-08-28_07:51:44_000 UTC\n\n"
    head += "PacketCounter,SampleTimeFine,Acc_X,Acc_Y,Acc_Z,Gyr_X,Gyr_Y,Gyr_Z\n"
    body = rows(np.arange(len(time)), count(time, 1e6) + 10**9, *acc.T, *np.rad2deg(gyr).T)
    return {"dot.csv": (head + body).encode()}


def mt_manager(time, acc, gyr, separator="\t"):
    head = "// General information: \n//  MT Manager version: 2022.2.0 \n//  DeviceId: 00B42D4B\n"
    head += separator.join(
        ["PacketCounter", "SampleTimeFine", "Acc_X", "Acc_Y", "Acc_Z", "Gyr_X", "Gyr_Y", "Gyr_Z"]
    )
    body = rows((np.arange(len(time)) + 65500) % 65536, count(time, 1e4) + 2**32 - 500, *acc.T, *gyr.T,
                separator=separator)  # fmt: skip
    body = "\n".join(_wrapped(line, separator) for line in body.splitlines())
    return {"mt.txt": f"{head}\n{body}\n".encode()}


def _wrapped(line: str, separator: str) -> str:
    cells = line.split(separator)
    return separator.join([cells[0], str(int(cells[1]) % 2**32), *cells[2:]])


def mt_manager_counted(time, acc, gyr):
    head = "// General information: \n//  MT Manager version: 2022.2.0 \n"
    head += "PacketCounter;SampleTimeFine;Year;Acc_X;Acc_Y;Acc_Z;Gyr_X;Gyr_Y;Gyr_Z\n"
    lines = rows(np.arange(len(time)) + 65500, *acc.T, *gyr.T, separator=";").splitlines()
    cells = [line.split(";") for line in lines]
    body = "".join(";".join([str(int(c[0]) % 65536), "", "", *c[1:]]) + "\n" for c in cells)
    return {"mt.txt": (head + body).encode()}


def witmotion_app(time, acc, gyr):
    head = "Time\tDevice name\tChip Time()\t" + "\t".join(f"Acceleration {a}(g)" for a in "XYZ")
    head += "\t" + "\t".join(f"Angular velocity {a}(°/s)" for a in "XYZ") + "\n"
    clock = [
        f"2026-11-12 08:{int(t) // 60:02d}:{int(t) % 60:02d}.{round(t * 1000) % 1000:03d}" for t in time + 1e-9
    ]
    numbers = rows(*(acc / G).T, *np.rad2deg(gyr).T, separator="\t").splitlines()
    body = "".join(f"{at[11:]}\tWT901\t{at}\t{line}\n" for at, line in zip(clock, numbers, strict=True))
    return {"wit.txt": (head + body).encode()}


def witmotion_flash(time, acc, gyr):
    raw = bytearray()
    values = np.concatenate([np.rint(acc / G / 16 * 32768), np.rint(np.rad2deg(gyr) / 2000 * 32768)], axis=1)
    for t, row in zip(count(time, 1e3).tolist(), values.astype("<i2"), strict=True):
        calendar = struct.pack("<6BH", 26, 6, 22, 14, 41 + t // 60000, t // 1000 % 60, t % 1000)
        raw += b"\x55\x61" + row.tobytes() + bytes(6) + calendar
    return {"WIT18.TXT": bytes(raw)}


def metabase(time, acc, gyr):
    stem = "Left_2026-08-28T09.51.44.000_C0FFEEC0FFEE_"
    files = {}
    for stream, unit, xyz in (("Accelerometer", "g", acc / G), ("Gyroscope", "deg/s", np.rad2deg(gyr))):
        head = f"epoc (ms),timestamp (+0200),elapsed (s),x-axis ({unit}),y-axis ({unit}),z-axis ({unit})\n"
        lines = rows(count(time, 1e3) + EPOCH * 1000, time, *xyz.T).splitlines()
        body = "".join(line.replace(",", ",2026-08-28T09.51.44.000,", 1) + "\n" for line in lines)
        files[f"{stem}{stream}_100.000Hz_1.5.0.csv"] = (head + body).encode()
    return files


METABASE_GYR = "Left_2026-08-28T09.51.44.000_C0FFEEC0FFEE_Gyroscope_100.000Hz_1.5.0.csv"


def phyphox(time, acc, gyr):
    meta = '"event","experiment time","system time","system time text"\n'
    meta += f'"START",0.0,{EPOCH}.0,"2026-08-28 09:51:44.000 UTC+02:00"\n"PAUSE",90.0,{EPOCH + 90}.0,""\n'
    table = ",".join(f'"Acceleration {a} (m/s^2)"' for a in "xyz")
    rates = ",".join(f'"Gyroscope {a} (rad/s)"' for a in "xyz")
    return {
        "Accelerometer.csv": f'"Time (s)",{table}\n{rows(time, *acc.T)}'.encode(),
        "Gyroscope.csv": f'"Time (s)",{rates}\n{rows(time, *gyr.T)}'.encode(),
        "meta/time.csv": meta.encode(),
    }


def sensor_logger(time, acc, gyr):
    stamp = EPOCH * 10**9 + count(time, 1e9)
    head = "time,seconds_elapsed,z,y,x\n"
    return {
        "TotalAcceleration.csv": (head + rows(stamp, time, *acc.T[::-1])).encode(),
        "Gyroscope.csv": (head + rows(stamp, time, *gyr.T[::-1])).encode(),
        "Metadata.csv": b"version,device name,platform,standardisation\n3,Test,android,false\n",
    }


def sbem(time, acc, gyr):
    return {"log.sbem": movesense_sbem.encode(count(time, 1e3) + 5000, acc, gyr, samples=4)}


def movesense_json(time, acc, gyr):
    packets = [
        {
            "Timestamp": int(count(time[at : at + 1], 1e3)[0]) + 5000,
            "ArrayAcc": [dict(zip("xyz", v, strict=True)) for v in acc[at : at + 4].tolist()],
            "ArrayGyro": [dict(zip("xyz", v, strict=True)) for v in np.rad2deg(gyr[at : at + 4]).tolist()],
        }
        for at in range(0, len(time), 4)
    ]
    return {"log.json": json.dumps({"Meas": {"IMU6": packets}}, indent=0).encode()}


def axivity_cwa(time, acc, gyr):
    header = bytearray(b"MD\xfc\x03\x64" + struct.pack("<HIH", 48026, 0, 91) + b"\xff" * 1011)
    header[35:37] = bytes((2, 0x0A))
    counts = np.concatenate([np.rint(np.rad2deg(gyr) / 2000 * 32768), np.rint(acc / G * 2048)], axis=1)
    blocks = [bytes(header)]
    for k in range(len(time) // 40):
        at = EPOCH + (k + 1) * 0.4  # the sample after the block's last
        whole, fraction = int(at), int((at - int(at)) * 32768)
        day = whole // 86400 - 20693 + 28  # 2026-08-28 is day 20693
        packed = (
            26 << 26 | 8 << 22 | day << 17 | whole % 86400 // 3600 << 12 | whole % 3600 // 60 << 6 | whole % 60
        )
        head = struct.pack(
            "<2sHHIIIHHBBBBhH", b"AX", 508, 0x8000 | fraction, 0, k, packed, 0x6800, 263, 0, 191, 0x0A, 0x62,
            40 - fraction * 100 // 32768, 40,
        )  # fmt: skip
        body = head + counts[40 * k : 40 * k + 40].astype("<i2").tobytes()
        blocks.append(body + struct.pack("<H", -int(np.frombuffer(body, "<u2").sum()) % 65536))
    return {"walk.cwa": b"".join(blocks)}


def nilspod(time, acc, gyr):
    n = len(time)
    start = EPOCH
    first = round(start % 86400 * 102.4)
    header = struct.pack(
        "<BBBBBBBBBBBB3sIIIII6s5sB", 52, 16, 3, 0, 10, 0x20, 2, 1, 16, 16, 0, 0x80, bytes(3), start,
        start + int(time[-1]) + 1, n, 0, 0, bytes.fromhex("adf77f9aa6c1"), bytes(5), 41,
    )  # fmt: skip
    header += bytes(52 - len(header) - 3) + bytes((0, 18, 0))
    counts = np.concatenate([np.rint(np.rad2deg(gyr) / 2000 * 32768), np.rint(acc / G / 16 * 32768)], axis=1)
    body = np.zeros(n, dtype=[("v", "<i2", 6), ("c", "<u4")])
    body["v"], body["c"] = counts, first + np.arange(n)
    return {"pod.bin": header + body.tobytes() + bytes(36)}


def apdm_csv(time, acc, gyr):
    head = "Format=7,5718,,,Lumbar,,,6570,,,Left Foot,,\n"
    head += "Time,Accelerometer,,,Gyroscope,,,Accelerometer,,,Gyroscope,,\n,X,Y,Z,X,Y,Z,X,Y,Z,X,Y,Z\n"
    other = np.zeros((3, len(time)))
    body = rows(EPOCH * 10**6 + count(time, 1e6), *other, *other, *acc.T, *gyr.T)
    return {"apdm.csv": (head + body).encode()}


def apdm_h5(time, acc, gyr):
    import h5py

    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for serial, label, factor in (("5718", "Lumbar", 0.0), ("6570", "Left Foot", 1.0)):
            group = file.create_group(f"Sensors/{serial}")
            group["Time"] = (EPOCH * 10**6 + count(time, 1e6)).astype(np.uint64)
            group["Accelerometer"], group["Gyroscope"] = factor * acc, factor * gyr
            group.create_group("Configuration").attrs["Label 0"] = np.bytes_(label)
    return {"apdm.h5": buffer.getvalue()}


def generic_csv(time, acc, gyr):
    head = (
        "time [s],"
        + ",".join(f"acc_{a} [m/s^2]" for a in "xyz")
        + ","
        + ",".join(f"gyr_{a} [rad/s]" for a in "xyz")
    )
    return {"any.csv": (head + "\n" + rows(time, *acc.T, *gyr.T)).encode()}


def motion_bids(time, acc, gyr):
    stem = "sub-01_task-walk_tracksys-leftfoot"
    names = [(f"foot_{q}_{a}", a, kind, "left_foot", unit)
             for q, kind, unit in (("acc", "ACCEL", "m/s^2"), ("gyr", "GYRO", "rad/s"))
             for a in "xyz"]  # fmt: skip
    names.append(("latency", "n/a", "LATENCY", "left_foot", "s"))
    channels = "name\tcomponent\ttype\ttracked_point\tunits\n" + "".join("\t".join(c) + "\n" for c in names)
    return {
        f"{stem}_motion.tsv": rows(*acc.T, *gyr.T, time, separator="\t").encode(),
        f"{stem}_channels.tsv": channels.encode(),
        f"{stem}_motion.json": json.dumps({"TaskName": "walk", "SamplingFrequency": 100}).encode(),
    }


def xdf(time, acc, gyr, unit=("m/s^2", "rad/s")):
    labels = [(f"ACC_{a}", unit[0]) for a in "XYZ"] + [(f"GYR_{a}", unit[1]) for a in "XYZ"]
    channels = "".join(f"<channel><label>{n}</label><unit>{u}</unit></channel>" for n, u in labels)
    info = (
        "<info><name>left_foot</name><type>IMU</type><channel_count>6</channel_count>"
        "<nominal_srate>100</nominal_srate>"
        "<channel_format>double64</channel_format><source_id>a1</source_id><created_at>0</created_at>"
        f"<desc><channels>{channels}</channels></desc></info>"
    )
    marks = (
        "<info><name>marks</name><type>Markers</type><channel_count>1</channel_count><nominal_srate>0</nominal_srate>"
        "<channel_format>string</channel_format><source_id>m</source_id><created_at>0</created_at><desc/></info>"
    )
    body = np.zeros(len(time), dtype=[("n", "u1"), ("t", "<f8"), ("v", "<f8", 6)])
    body["n"], body["t"], body["v"] = 8, time + 4321.0, np.concatenate([acc, gyr], axis=1)
    number = lambda n: b"\x04" + struct.pack("<I", n)  # noqa: E731
    one, two = struct.pack("<I", 1), struct.pack("<I", 2)
    parts = [
        (1, b"<?xml version='1.0'?><info><version>1.0</version></info>"),
        (2, one + info.encode()),
        (2, two + marks.encode()),
        *(
            (3, one + number(len(piece)) + piece.tobytes())
            for piece in np.array_split(body, max(len(body) // 50, 1))
        ),
        (3, two + number(1) + b"\x08" + struct.pack("<d", 4321.5) + b"\x01\x05stone"),
        *(
            (
                6,
                sid
                + f"<info><first_timestamp>4321</first_timestamp><sample_count>{n}</sample_count></info>".encode(),
            )
            for sid, n in ((one, len(body)), (two, 1))
        ),
    ]
    return {"lab.xdf": b"XDF:" + b"".join(_chunk(tag, content) for tag, content in parts)}


def _chunk(tag: int, content: bytes) -> bytes:
    return b"\x04" + struct.pack("<IH", len(content) + 2, tag) + content


_INT16 = {"acc_step": 16 * G / 32768, "gyr_step": np.deg2rad(2000 / 32768)}
_BIDS = "sub-01_task-walk_tracksys-leftfoot_motion.tsv"

VENDORS = {
    v.name if not v.options else f"{v.name}+{','.join(v.options)}": v
    for v in (
        Vendor(name="xsens_dot", write=xsens_dot, main="dot.csv"),
        Vendor(name="mt_manager", write=mt_manager, main="mt.txt"),
        Vendor(name="mt_manager", write=mt_manager_counted, main="mt.txt", options={"rate": 100.0}),
        Vendor(name="witmotion_app", write=witmotion_app, main="wit.txt"),
        Vendor(name="witmotion_flash", write=witmotion_flash, main="WIT18.TXT", is_text=False, **_INT16),
        Vendor(name="metabase", write=metabase, main=METABASE_GYR),
        Vendor(name="phyphox", write=phyphox, main="Gyroscope.csv", zipped=True),
        Vendor(name="sensor_logger", write=sensor_logger, main="Gyroscope.csv", zipped=True),
        Vendor(name="movesense_sbem", write=sbem, main="log.sbem", is_text=False),
        Vendor(name="movesense_json", write=movesense_json, main="log.json"),
        Vendor(name="axivity_cwa", write=axivity_cwa, main="walk.cwa", is_text=False, **_INT16),
        Vendor(name="nilspod", write=nilspod, main="pod.bin", is_text=False, rate=102.4, **_INT16),
        Vendor(name="apdm_csv", write=apdm_csv, main="apdm.csv"),
        Vendor(name="apdm_h5", write=apdm_h5, main="apdm.h5", is_text=False),
        Vendor(name="generic_csv", write=generic_csv, main="any.csv"),
        Vendor(name="motion_bids", write=motion_bids, main=_BIDS),
        Vendor(name="xdf", write=xdf, main="lab.xdf", is_text=False),
    )
}
