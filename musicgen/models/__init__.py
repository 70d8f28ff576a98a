"""The registry: the architectures in one place, as data."""

from musicgen.models.autoregressive import Autoregressive
from musicgen.models.base import DEFAULTS, MusicModel
from musicgen.models.cnn import CNN
from musicgen.models.gan import GAN
from musicgen.models.gru import GRU
from musicgen.models.lstm import LSTM
from musicgen.models.rnn import RNN
from musicgen.models.seq2seq import Seq2Seq
from musicgen.models.transformer import Transformer
from musicgen.models.vae import VAE

FAMILIES = (Autoregressive, CNN, GAN, GRU, LSTM, RNN, Seq2Seq, Transformer, VAE)
MODELS: dict[str, type[MusicModel]] = {m.name: m for m in FAMILIES}

__all__ = ["DEFAULTS", "MODELS", "MusicModel"]
