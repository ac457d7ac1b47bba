"""The motion gate: what moves is seen, noise is not, and light is not motion."""

import numpy as np

from vision_jobs.gate import Gate
from vision_jobs.render import people
from vision_jobs.render.effects import Sensor
from vision_jobs.render.kitchen import Kitchen, build
from vision_jobs.render.scene import compose
from vision_jobs.render.view import View

ORDER = ("cutting", "stove", "dishwashing", "sampling")


def kitchen() -> Kitchen:
    view = View.looking(640, 360, fov=70, eye=(0.0, 2.6, 0.1), yaw=0, pitch=20)
    return build(view, np.random.default_rng(3), width=6, length=5.4, order=ORDER, island=False)


def frames(places: list[float | None], gains: list[float] | None = None) -> list[np.ndarray]:
    """Samples of a kitchen with somebody at these x, or nobody."""
    room, dice = kitchen(), np.random.default_rng(4)
    look, sensor = people.look(dice), Sensor(dice, 640, 360, noise_level=3)
    made = []
    for x, gain in zip(places, gains or [1.0] * len(places), strict=True):
        cut = None if x is None else people.draw(room.view, look, people.Pose(x, 4.0, 180))
        frame, _, _ = compose(room, [] if cut is None else [cut], [], boxes=False)
        made.append(sensor.expose(frame, gain))
    return made


def test_who_walks_is_seen_and_an_empty_kitchen_is_still() -> None:
    gate = Gate()
    found = [gate.look(frame) for frame in frames([None] * 6 + [-1.0, -0.6, -0.2, 0.2])]
    assert [one.moved for one in found] == [True] + [False] * 5 + [True] * 4
    assert not any(one.jumped for one in found)


def test_who_stands_still_fades_so_the_gate_alone_would_lose_them() -> None:
    gate = Gate()
    found = [gate.look(frame).moved for frame in frames([None] * 2 + [0.5] * 14)]
    assert found[2]
    assert not found[-1]


def test_lights_off_and_on_is_a_jump_and_the_next_sample_is_none() -> None:
    gate = Gate()
    found = [gate.look(frame).jumped for frame in frames([None] * 7, [1, 1, 0.08, 0.08, 0.08, 1, 1])]
    assert found == [False, False, True, False, False, True, False]


def test_a_sample_of_another_size_starts_anew() -> None:
    gate = Gate()
    gate.look(np.zeros((360, 640, 3), np.uint8))
    assert gate.look(np.zeros((360, 480, 3), np.uint8)).moved
