"""The registry: the architectures in one place, as data."""

from musicgen.models.autoregressive import Autoregressive
from musicgen.models.base import DEFAULTS, MusicModel
from musicgen.models.gru import GRU
from musicgen.models.lstm import LSTM
from musicgen.models.rnn import RNN
from musicgen.models.transformer import Transformer

MODELS: dict[str, type[MusicModel]] = {m.name: m for m in (Autoregressive, GRU, LSTM, RNN, Transformer)}

__all__ = ["DEFAULTS", "MODELS", "MusicModel"]
