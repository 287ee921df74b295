"""The public names, and where each lives: for type checkers and editors, and for `__init__.py`."""

from digitlab.drawings import load_drawing as load_drawing
from digitlab.drawings import save_drawing as save_drawing
from digitlab.drawings import stored_drawing as stored_drawing
from digitlab.explain import measure_saliency as measure_saliency
from digitlab.export.site import build_site as build_site
from digitlab.export.tfjs import export_tfjs as export_tfjs
from digitlab.export.tflite import export_tflite as export_tflite
from digitlab.inspection import embed as embed
from digitlab.inspection import get_filters as get_filters
from digitlab.journal import Journal as Journal
from digitlab.mnist import Digits as Digits
from digitlab.mnist import load_digits as load_digits
from digitlab.numbers.reading import NumberReading as NumberReading
from digitlab.pad.number_pad import NumberPad as NumberPad
from digitlab.pad.widget import DrawingPad as DrawingPad
from digitlab.photo.widget import PhotoReader as PhotoReader
from digitlab.pictures import find_ink as find_ink
from digitlab.pictures import normalize_image as normalize_image
from digitlab.plots.digits import plot_digits as plot_digits
from digitlab.plots.digits import plot_drawing as plot_drawing
from digitlab.plots.digits import plot_history as plot_history
from digitlab.plots.digits import plot_probabilities as plot_probabilities
from digitlab.plots.errors import plot_calibration as plot_calibration
from digitlab.plots.errors import plot_confusion as plot_confusion
from digitlab.plots.errors import plot_mistakes as plot_mistakes
from digitlab.plots.internals import plot_activations as plot_activations
from digitlab.plots.internals import plot_embedding as plot_embedding
from digitlab.plots.internals import plot_filters as plot_filters
from digitlab.plots.internals import plot_saliency as plot_saliency
from digitlab.prediction import Prediction as Prediction
from digitlab.recognizer import Recognizer as Recognizer
from digitlab.recognizer import load_recognizer as load_recognizer
from digitlab.recognizer import read_number as read_number
from digitlab.strokes import render_strokes as render_strokes
from digitlab.training.augmentation import augment_digits as augment_digits
from digitlab.training.loop import train as train
from digitlab.training.networks import article_cnn as article_cnn
from digitlab.training.networks import digits_cnn as digits_cnn
from digitlab.training.networks import pen_cnn as pen_cnn
from digitlab.training.non_digits import doodle as doodle
from digitlab.training.settings import Augmentation as Augmentation
from digitlab.training.settings import TrainConfig as TrainConfig

__version__: str
