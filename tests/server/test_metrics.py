"""What is counted is what a Prometheus server reads."""

from __future__ import annotations

from penstock.server.metrics import Metrics


def test_requests_are_counted_by_operation_and_status():
    metrics = Metrics()
    for status in (200, 200, 404):
        metrics.answered("GetTask", status, 0.002)
    text = metrics.text().decode()
    assert 'penstock_requests_total{operation="GetTask",status="200"} 2.0' in text
    assert 'penstock_requests_total{operation="GetTask",status="404"} 1.0' in text
    assert 'penstock_request_seconds_bucket{le="0.0025",operation="GetTask"} 3.0' in text
    assert 'penstock_request_seconds_bucket{le="0.001",operation="GetTask"} 0.0' in text


def test_numbers_are_asked_for_each_time():
    metrics = Metrics()
    values = iter([1.0, 2.0])
    metrics.watch("some", "A number.", lambda: next(values))
    metrics.watch_all("more", "Numbers.", "loop", {"a": lambda: 3.0})
    assert "some 1.0" in metrics.text().decode()
    text = metrics.text().decode()
    assert "some 2.0" in text
    assert 'more{loop="a"} 3.0' in text


def test_numbers_of_which_nobody_knows_how_many_there_are_are_asked_for_each_time():
    metrics = Metrics()
    rows = [(("a", "x"), 1.0)]
    metrics.watch_table("some", "Numbers.", ["agent", "of"], lambda: rows)
    assert 'some{agent="a",of="x"} 1.0' in metrics.text().decode()
    rows[:] = [(('"b"\n', "y"), 2.0)]
    text = metrics.text().decode()
    assert 'some{agent="\\"b\\"\\n",of="y"} 2.0' in text
    assert 'agent="a"' not in text
