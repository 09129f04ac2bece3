"""The simulated device itself: computes what the CPU does, finds tensors in the wrong place."""

import threading

import pytest
import torch


def test_it_computes_what_the_cpu_does(traffic):
    torch.manual_seed(0)
    x, weight = torch.randn(5, 4), torch.randn(4, 3, requires_grad=True)
    there = weight.detach().to("sim").requires_grad_(True)
    torch.relu(x @ weight).sum().backward()
    torch.relu(x.to("sim") @ there).sum().backward()
    assert there.grad.device.type == "sim"
    assert torch.equal(there.grad.cpu(), weight.grad)


def test_tensors_of_both_devices_are_refused(traffic):
    with pytest.raises(RuntimeError, match="of the device and of the CPU"):
        torch.ones(3, device="sim") + torch.ones(3)


def test_numbers_of_the_cpu_may_take_part(traffic):
    assert (torch.ones(3, device="sim") * torch.tensor(2.0)).tolist() == [2, 2, 2]


def test_what_crosses_is_counted(traffic):
    values = torch.arange(4.0).to("sim")
    assert dict(traffic) == {"to_device": 1}
    assert float(values.sum()) == 6
    assert values[values > 1].tolist() == [2, 3]  # its length is a number that the host waits for
    assert dict(traffic) == {"to_device": 1, "reads": 2, "to_host": 1}


def test_other_threads_see_the_device(traffic):
    made = []
    thread = threading.Thread(target=lambda: made.append(torch.ones(2, device="sim")))
    thread.start()
    thread.join()
    assert made[0].device.type == "sim"
    assert dict(traffic) == {}
