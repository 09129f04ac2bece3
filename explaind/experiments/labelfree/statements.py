"""The claims about label-free explanations, each with its published numbers and its rule.

Claims are numbered as in the reproduction (Papp et al., "Reproducibility Study of Label-Free
Explainability for Unsupervised Models", https://openreview.net/forum?id=n2qXFXiMsAM). Its numbers
are those of its committed files, or measured again from its shipped models where it has none or
they are stale; which of both is said with each.
"""

from typing import NamedTuple

from explaind.experiments.disentanglement.tables import FALL

MODERATE = (0.3, 0.7)
LOW = 0.3  # largest correlation that counts as low
LARGE = 0.9  # least correlation that counts as near agreement


class Statement(NamedTuple):
    """What is claimed.

    Attributes:
        number: its number.
        claim: the sentence.
        paper: published numbers by dataset; where it was measured is said.
        correction: what is done differently when it is corrected, and why.
        rule: what a number has to fulfil.
    """

    number: str
    claim: str
    paper: tuple[str, ...]
    correction: str
    rule: str


STATEMENTS = {
    "feature_consistency": Statement(
        "1.1",
        "Hiding the features called important moves a representation further than hiding random "
        "ones.",
        (
            (
                "MNIST, shift with 5 % hidden: GradientShap .41 (rows paired right .54), "
                "integrated gradients .65, saliency .10, random .003; random lit pixels .07, "
                "brightest first .32 (measured again)"
            ),
            "ECG5000: 11.2 (12.2), 12.2, 1.3, random .36 (measured again)",
            "CIFAR-10, CIFAR-100: a figure, no numbers",
        ),
        "against hiding the brightest features first: four fifths of an MNIST image are black, so "
        "that random pixels are hardly hidden",
        "area up to 20 % hidden above that of the control, for each published method",
    ),
    "example_consistency": Statement(
        "1.2",
        "The training samples called important have the label of the test sample far more often "
        "than chance, the least important less often.",
        (
            (
                "MNIST, 5 % most and least important: DKNN .80 and .00, cosine .73 and .00, "
                "SimplEx .56 and .00, gradient product .37, influence functions as coded .39; "
                "chance .10 (measured again)"
            ),
            (
                "ECG5000: DKNN .98 and .33, cosine .98 and .25, SimplEx .92 and .57; chance .50 "
                "(measured again)"
            ),
            "CIFAR-10, CIFAR-100: a figure, no numbers",
        ),
        "methods of the loss and of the training, with a solver that converges: the published ones "
        "were a product of gradients, or were left out",
        "most above and least below chance, for each method",
    ),
    "pretext_features": Statement(
        "2.1",
        "Encoders of different pretext tasks agree moderately on which pixels matter.",
        (
            (
                "MNIST: GradientShap .31 to .44 (rows paired right .31 to .43), integrated "
                "gradients .35 to .56, saliency .02 to .15 (measured again)"
            ),
            "CIFAR-10, CIFAR-100: no numbers in the files",
        ),
        "integrated gradients, which have no random draws, image by image: pooled over images, "
        "black pixels and bright images decide",
        f"mean correlation of two tasks between {MODERATE[0]} and {MODERATE[1]}",
    ),
    "pretext_examples": Statement(
        "2.2",
        "They agree little on which training images matter.",
        (
            (
                "MNIST: Pearson .05 to .14 with pixels of 0 to 255, .09 to .40 with those of the "
                "training; Spearman .38 to .78 (measured again)"
            ),
            "CIFAR-10, CIFAR-100: no numbers in the files",
        ),
        "of log-distance: a few near duplicates decide the correlation of 1 / distance²",
        f"mean correlation of two tasks at most {LOW}",
    ),
    "disentanglement": Statement(
        "3",
        "A larger beta does not make latent units attend to more different pixels.",
        (
            (
                "MNIST, beta 1, 5, 10: .241, .254, .240 (beta-VAE), .228, .241, .227 (TC-VAE); "
                "correlation with beta -.02 (committed files)"
            ),
            "dSprites: .239, .233, .289 and .217, .297, .369; +.56 (committed files)",
            "CIFAR-100: .189, .252, .249 and .198, .281, .228; +.29 (committed files)",
        ),
        "active units only: the map of a collapsed unit is noise",
        f"correlation of maps falls by less than {FALL} from the smallest beta to the largest, for "
        "each loss; does not hold, if it falls",
    ),
    "encoder_and_model": Statement(
        "Fig. 5",
        "Importance of the encoder alone differs from that of the full model.",
        (
            (
                "MNIST: integrated gradients .43 ± .03, GradientShap .34 ± .02, saliency .18 ± .03 "
                "(committed, of earlier models)"
            ),
            (
                "MNIST, shipped models: .97, .53 (rows paired right .82), .96; with softmax .62, "
                ".38, .26 (measured again)"
            ),
        ),
        "of the logit of the predicted class, as classifiers are explained: softmax saturates",
        f"correlation below {LARGE}, for every method",
    ),
    "roar": Statement(
        "ROAR",
        "Without the pixels called important an autoencoder learns less than without random ones.",
        ("MNIST, CIFAR-100: curves without numbers; masks lay on other images",),
        "the mask of an image on that image",
        "error above that of random pixels at some fraction below all, for every method",
    ),
}
"""The claims in the order of the tables, by the kind of experiment that measures each."""
