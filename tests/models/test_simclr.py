"""SimCLR: the size of its ResNet-18."""

import torch

from explaind.models.simclr import ResNet18, SimCLR


def test_resnet18_without_its_last_layer_has_the_known_number_of_parameters():
    # torchvision's has 11,689,512; less its last layer (513,000) and the first convolution
    # (7 x 7 x 3 x 64), with 3 x 3 x 3 x 64 in its place
    expected = 11_689_512 - 513_000 - 7 * 7 * 3 * 64 + 3 * 3 * 3 * 64
    assert sum(p.numel() for p in ResNet18(3).parameters()) == expected == 11_168_832


def test_representation_and_projection_have_their_sizes():
    model = SimCLR(ResNet18(1, width=4), 32, hidden=6, projected=5).eval()
    views = torch.rand(3, 2, 1, 16, 16)
    assert model.encoder(views[:, 0]).shape == (3, 32)
    projections = model(views)
    assert projections.shape == (3, 2, 5)
    torch.testing.assert_close(projections[:, 1], model.head(model.encoder(views[:, 1])))


def test_in_evaluation_mode_an_image_does_not_see_its_batch():
    encoder = ResNet18(1, width=4).eval()
    images = torch.rand(5, 1, 16, 16)
    torch.testing.assert_close(encoder(images)[:1], encoder(images[:1]), atol=1e-6, rtol=1e-5)
