"""Filters and activations of a network, compared with the network's own answers."""

from functools import partial

import keras
import numpy as np
import pytest

from digitlab import (
    Recognizer,
    article_cnn,
    digits_cnn,
    embed,
    get_filters,
    pen_cnn,
    render_strokes,
    stored_drawing,
)

NETWORKS = [article_cnn, pen_cnn, digits_cnn]


def get_activations(model, image):
    return Recognizer(model).get_activations(image)


@pytest.fixture(scope="module", params=NETWORKS, ids=lambda build: build.__name__)
def model(request):
    keras.utils.set_random_seed(0)
    return request.param()


@pytest.fixture(scope="module")
def image():
    return render_strokes(stored_drawing(5))


def test_filters_answer_as_the_first_layer_does(model, image):
    filters = get_filters(model)
    side, _, count = filters.shape
    first = next(layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D))
    assert count == first.filters
    answer = np.asarray(first(image[None, ..., None]))[0]  # (h, w, n)
    step = 28 // len(answer)
    # Keras pads at both ends, and puts the odd pixel at the end.
    frame = max(side - step, 0)
    padded = np.pad(image, (frame // 2, frame - frame // 2))
    for row, column in ((2, 3), (5, 5), (7, 9)):
        window = padded[row * step :, column * step :][:side, :side]
        expected = np.einsum("ij,ijn->n", window, filters)
        np.testing.assert_allclose(answer[row, column], expected, atol=1e-5)


def test_activations_end_in_the_answer(model, image):
    activations = get_activations(model, image)
    *_, (name, last) = activations.items()
    assert name.startswith("Dense")
    np.testing.assert_allclose(last, np.asarray(model(image[None, ..., None]))[0], atol=1e-6)
    shapes = [answer.shape for answer in activations.values()]
    assert shapes[0][:2] in ((28, 28), (14, 14)) and all(len(s) in (1, 3) for s in shapes)


def test_activations_are_finished():
    keras.utils.set_random_seed(0)
    activations = get_activations(pen_cnn(), render_strokes(stored_drawing(5)))
    assert list(activations) == ["ReLU 1", "ReLU 2", "MaxPooling2D 1", "ReLU 3", "Dense 1"]
    assert all(answer.min() >= 0 for answer in activations.values())
    pooled = activations["ReLU 2"].reshape(7, 2, 7, 2, 32).max(axis=(1, 3))
    np.testing.assert_array_equal(activations["MaxPooling2D 1"], pooled)
    finished = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Conv2D(4, 3)])
    for layer in ("LeakyReLU", "Flatten", "Dense", "Softmax"):
        finished.add(getattr(keras.layers, layer)(*([10] if layer == "Dense" else [])))
    assert list(get_activations(finished, np.zeros((28, 28)))) == ["LeakyReLU 1", "Softmax 1"]
    names = list(get_activations(article_cnn(), np.zeros((28, 28))))
    assert names == [
        "Conv2D 1",
        "MaxPooling2D 1",
        "Conv2D 2",
        "MaxPooling2D 2",
        "Dense 1",
        "Dense 2",
    ]


def test_what_is_normalised_last_is_kept():
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(2, 3, activation="relu"),
            layers.BatchNormalization(beta_initializer="ones"),
            layers.MaxPooling2D(2),
            layers.BatchNormalization(beta_initializer="ones"),
            layers.Dropout(0.5),
            layers.Flatten(),
            layers.Dense(3),
        ]
    )
    image = render_strokes(stored_drawing(5))
    kept = get_activations(model, image)
    assert list(kept) == ["BatchNormalization 1", "BatchNormalization 2", "Dense 1"]
    for name, layer in zip(kept, (model.layers[1], model.layers[3], model.layers[6]), strict=True):
        answer = keras.Model(model.inputs[0], layer.output)(image[None, ..., None])
        np.testing.assert_allclose(kept[name], np.asarray(answer)[0], atol=1e-6)


def test_the_last_layer_reads_from_the_embedding(model):
    images = np.random.default_rng(0).integers(0, 256, (300, 28, 28)).astype(np.uint8)
    points = embed(model, images)
    assert points.dtype == np.float32 and len(points) == 300
    dense = model.layers[-1]
    scores = points @ np.asarray(dense.kernel) + np.asarray(dense.bias)
    answer = np.exp(scores - scores.max(axis=1, keepdims=True))
    answer /= answer.sum(axis=1, keepdims=True)
    expected = model.predict(images[..., None] / np.float32(255), verbose=0)
    np.testing.assert_allclose(answer, expected, atol=1e-4)
    np.testing.assert_allclose(embed(model, images / 255), points, rtol=1e-3, atol=1e-3)


def test_a_network_of_rows_has_an_embedding():
    layers = keras.layers
    hidden = layers.Dense(30, activation="relu")
    model = keras.Sequential([keras.Input((784,)), hidden, layers.Dense(10, activation="softmax")])
    images = np.random.default_rng(0).random((5, 28, 28), np.float32)
    np.testing.assert_allclose(embed(model, images), hidden(images.reshape(5, 784)), atol=1e-5)
    with pytest.raises(ValueError, match=r"images \(n, 28, 28, 1\), got one for \(None, 7\)"):
        embed(keras.Sequential([keras.Input((7,)), layers.Dense(10)]), images)


def test_bad_input(model):
    with pytest.raises(ValueError, match=r"expected .*\(28, 28\), .*got .*\(28, 28, 1\)"):
        get_activations(model, np.zeros((28, 28, 1)))
    with pytest.raises(ValueError, match=r"\(n, 28, 28\).* got .*\(28, 28\)"):
        embed(model, np.zeros((28, 28)))
    with pytest.raises(ValueError, match=r"\(n, 28, 28\), n at least 1, got none"):
        embed(model, np.zeros((0, 28, 28)))
    for read in (partial(embed, model), lambda images: get_activations(model, images[0])):
        with pytest.raises(ValueError, match="integers from 0 to 255, got values from 0 to 256"):
            read(np.full((1, 28, 28), 256) * np.eye(28, dtype=int))
        with pytest.raises(ValueError, match=r"float images in \[0, 1\], got values from 0 to 255"):
            read(255.0 * np.eye(28)[None])
        with pytest.raises(ValueError, match="expected .*dtype <U"):
            read(np.full((1, 28, 28), "ink"))


def test_integers_are_read_as_the_images_that_they_stand_for(model):
    images = np.random.default_rng(0).integers(0, 256, (2, 28, 28))
    for name, answer in get_activations(model, images[0]).items():
        found = get_activations(model, images[0] / 255)[name]
        np.testing.assert_allclose(found, answer, atol=1e-5, err_msg=name)
    np.testing.assert_allclose(embed(model, images / 255), embed(model, images), atol=1e-4)


def test_augmentation_layers_are_still_when_a_network_is_looked_into(image):
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.RandomRotation(0.5),
            layers.RandomTranslation(0.5, 0.5),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )
    expected = model.predict(image[None, ..., None], verbose=0)
    np.testing.assert_allclose(Recognizer(model).predict_images(image[None]), expected, atol=1e-6)
    np.testing.assert_allclose(embed(model, image[None])[0], image.ravel(), atol=1e-6)
    *_, last = get_activations(model, image).values()
    np.testing.assert_allclose(last, expected[0], atol=1e-6)


def test_networks_without_filters():
    dense = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten()])
    with pytest.raises(ValueError, match="Conv2D"):
        get_filters(dense)
    coloured = keras.Sequential([keras.Input((28, 28, 3)), keras.layers.Conv2D(2, 3)])
    with pytest.raises(ValueError, match="1 channel, got 3"):
        get_filters(coloured)


def test_each_model_is_looked_into_by_its_own_graph(image):
    kinds, images = keras.layers, image[None]
    x = keras.Input((28, 28, 1))
    flat, last = kinds.Flatten()(x), kinds.Dense(10, activation="softmax")
    one, other = (keras.Model(x, last(kinds.Dense(20)(flat))) for _ in range(2))
    for model in (one, other):
        inner = keras.Model(x, model.layers[2](flat))
        np.testing.assert_allclose(embed(model, images), inner(images[..., None]), atol=1e-6)
        shown = Recognizer(model).get_activations(image)
        np.testing.assert_allclose(shown["Dense 1"], inner(images[..., None])[0], atol=1e-6)
    # Augmentation in front of a network, and a network within a network.
    trained, y = pen_cnn(), kinds.RandomRotation(0.5)(x)
    for layer in trained.layers:
        y = layer(y)
    nested = [keras.Input((28, 28, 1)), kinds.RandomRotation(0.5), trained]
    for model in (keras.Model(x, y), keras.Sequential(nested)):
        np.testing.assert_allclose(embed(model, images), embed(trained, images), atol=1e-5)
        assert Recognizer(model).adapt([image], [3]).predict_images(images).argmax() == 3
        assert Recognizer(model).get_activations(image)


def test_images_without_a_channel_are_looked_into(image):
    kinds, images = keras.layers, image[None]
    rows = [keras.Input((28, 28)), kinds.LSTM(8, return_sequences=True), kinds.LSTM(6)]
    model = keras.Sequential([*rows, kinds.Dense(10, activation="softmax")])
    assert embed(model, images).shape == (1, 6)
    shown = Recognizer(model).get_activations(image)
    assert [value.shape for value in shown.values()] == [(6,), (10,)]  # not the one per row


def test_layers_of_another_model_are_looked_into():
    """A learner adds a layer to an existing network, or replaces its last layer."""
    trained, image = pen_cnn(), render_strokes(stored_drawing(5))
    for layers in (
        [keras.layers.RandomRotation(0.5), *trained.layers],
        [*trained.layers[:-1], keras.layers.Dense(10, activation="softmax")],
    ):
        model = keras.Sequential([keras.Input((28, 28, 1)), *layers])
        expected = Recognizer(trained).get_activations(image)
        found = Recognizer(model).get_activations(image)
        for name in list(expected)[:-1]:
            np.testing.assert_allclose(found[name], expected[name], atol=1e-5)


def functional(ends):
    image = keras.Input((28, 28, 1))
    return keras.Model(image, ends(image))


def test_a_network_of_one_layer_has_one_activation():
    layers = keras.layers
    model = functional(lambda x: layers.Dense(10, "softmax")(layers.Flatten()(x)))
    image = render_strokes(stored_drawing(5))
    assert {k: v.shape for k, v in get_activations(model, image).items()} == {"Dense 1": (10,)}


def test_branches_are_followed_and_the_answer_comes_last():
    layers = keras.layers

    def branches(x):
        both = [layers.Conv2D(4, side, padding="same")(x) for side in (3, 5)]
        x = layers.Add()([layers.ReLU()(one) for one in both])
        return keras.ops.softmax(layers.Dense(10)(layers.GlobalAveragePooling2D()(x)))

    model, image = functional(branches), render_strokes(stored_drawing(5))
    found = get_activations(model, image)
    assert list(found) == [
        "ReLU 1", "ReLU 2", "Add 1", "GlobalAveragePooling2D 1", "Dense 1", "Softmax 1"
    ]  # fmt: skip
    np.testing.assert_allclose(found["ReLU 1"] + found["ReLU 2"], found["Add 1"], atol=1e-6)
    np.testing.assert_allclose(
        found["Softmax 1"], Recognizer(model).predict_images(image[None])[0], atol=1e-6
    )
    wide = keras.Sequential(
        [keras.Input((28, 28, 1)), layers.Conv2D(10, 28, activation="softmax"), layers.Flatten()]
    )
    assert list(get_activations(wide, image).items())[-1][1].shape == (10,)


def test_the_first_convolution_may_be_in_a_model_within():
    inner = pen_cnn()
    model = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Rescaling(1.0), inner])
    np.testing.assert_array_equal(get_filters(model), get_filters(inner))


def test_other_models_are_rejected():
    class Own(keras.Model):
        def call(self, images):
            return images

    images = np.zeros((1, 28, 28))
    for look in (get_filters, partial(embed, images=images)):
        with pytest.raises(
            TypeError, match="expected a Keras 3 model.*Recognizer; .*pass its model"
        ):
            look(Recognizer(pen_cnn()))
        for model in (Own(), keras.Sequential([keras.layers.Dense(10)])):
            with pytest.raises(ValueError, match="Sequential or functional model that is built"):
                look(model)


def test_a_model_for_rows_of_pixels_reads_images_too():
    keras.utils.set_random_seed(0)
    ends = [keras.layers.Dense(16, activation="relu"), keras.layers.Dense(10, activation="softmax")]
    model = keras.Sequential([keras.Input((784,)), *ends])
    images = np.random.default_rng(0).random((3, 28, 28), dtype="float32")
    recognizer = Recognizer(model)
    expected = np.asarray(model(images.reshape(3, 784)))
    np.testing.assert_allclose(recognizer.predict_images(images), expected, atol=1e-6)
    shown = recognizer.get_activations(images[0])
    np.testing.assert_allclose(shown["Dense 2"], expected[0], atol=1e-6)
    assert recognizer.adapt([images[0]], [3]).predict_images(images[:1]).argmax() == 3
