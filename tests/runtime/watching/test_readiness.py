"""A file is read after standing still, again when it looked unfinished, and for the last time after so many tries."""

from pathlib import Path

from nanomorph.watching.poller import Sighting
from nanomorph.watching.readiness import Readiness


def sighting(size=10, mtime_ns=1, name="a.tif"):
    return Sighting(name, Path(name), size, mtime_ns)


def ready(readiness, now):
    return [one.name for one in readiness.waiting(due=now)]


def test_ready_after_the_settle_time_counted_from_the_last_change():
    readiness = Readiness(settle=5, tries=3)
    assert readiness.see(sighting(10), now=100)
    assert not readiness.see(sighting(10), now=103)
    assert readiness.see(sighting(20), now=104)
    assert ready(readiness, 108.9) == []
    assert ready(readiness, 109) == ["a.tif"]
    assert readiness.next_due() == 109


def test_each_failure_doubles_the_wait_and_the_last_try_is_final():
    readiness = Readiness(settle=5, tries=3)
    readiness.see(sighting(), now=0)
    assert not readiness.take(sighting())
    readiness.failed("a.tif", "truncated", "ends early", now=5)
    assert ready(readiness, 9.9) == []
    assert not readiness.take(sighting())
    readiness.failed("a.tif", "truncated", "ends early", now=10)
    assert readiness.next_due() == 20
    assert readiness.take(sighting())
    readiness.settled("a.tif")
    assert len(readiness) == 0


def test_a_change_begins_anew():
    readiness = Readiness(settle=5, tries=2)
    readiness.see(sighting(), now=0)
    readiness.take(sighting())
    readiness.failed("a.tif", "zero-tail", "", now=5)
    readiness.see(sighting(20), now=6)
    assert ready(readiness, 11) == ["a.tif"]
    assert not readiness.take(sighting(20))


def test_a_file_that_changes_while_it_is_read_waits_again_whatever_came_of_it():
    readiness = Readiness(settle=5, tries=2)
    readiness.see(sighting(), now=0)
    readiness.take(sighting())
    assert ready(readiness, 99) == []
    readiness.see(sighting(20), now=6)
    readiness.settled("a.tif")
    assert ready(readiness, 11) == ["a.tif"]


def test_being_written_to_while_read_is_no_failed_try():
    readiness = Readiness(settle=5, tries=2)
    readiness.see(sighting(), now=0)
    for now in (5, 10, 15):
        assert not readiness.take(sighting())
        readiness.failed("a.tif", "changing", "", now=now)
        assert readiness.next_due() == now + 5


def test_busy_while_anything_is_read_or_may_soon_be():
    readiness = Readiness(settle=5, tries=4)
    assert not readiness.busy()
    readiness.see(sighting(), now=0)
    assert readiness.busy()
    readiness.take(sighting())
    assert readiness.busy()
    readiness.failed("a.tif", "truncated", "", now=5)
    assert not readiness.busy()  # it will not mend by itself: an idle watcher may go


def test_no_more_than_asked_for_in_the_order_they_came():
    readiness = Readiness(settle=1, tries=1)
    for n in range(5):
        readiness.see(sighting(name=f"{n}.tif"), now=n)
    assert [one.name for one in readiness.waiting(due=10, limit=2)] == ["0.tif", "1.tif"]
    readiness.drop("0.tif")
    assert len(readiness.waiting()) == 4
