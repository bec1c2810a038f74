"""A recurrent text classifier that saves to, and loads from, a folder or the Hugging Face Hub."""

from typing import Literal, final, get_args

from torch import Tensor, nn

from seqpool.integrations.config import PoolerConfig, as_json, build_pooler
from seqpool.layout import Integers
from seqpool.rnn import RNNEncoder

try:
    from huggingface_hub import PyTorchModelHubMixin
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError(
        f"seqpool.integrations.hub needs huggingface_hub ({missing}): pip install 'seqpool[integrations]'"
    ) from missing

Kind = Literal["lstm", "gru", "rnn"]
_KINDS: dict[Kind, type[nn.LSTM] | type[nn.GRU] | type[nn.RNN]] = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}


@final
class RNNClassifier(  # type: ignore[call-arg]  # the mixin's own keyword, see below
    nn.Module,
    PyTorchModelHubMixin,  # type: ignore[misc]  # Any to mypy, which does not follow the optional package
    library_name="seqpool",
):
    r"""Classify token ids with an embedding, a recurrent network, any pooler and a linear head.

    .. math:: logits_b = W \, pooler(rnn(E_{ids_b})) + c

    `save_pretrained` writes the weights as safetensors and the arguments as `config.json`; `from_pretrained` reads
    them, from a folder or the Hub. Give it `strict=True`: without, it leaves weights that it does not find as they are.
    Your own model saves in the same way where it takes the pooler's configuration (`build_pooler`) as an argument.

    Source: this library; `PyTorchModelHubMixin` (https://huggingface.co/docs/huggingface_hub/package_reference/mixins).

    Args:
        num_words: ids that the embedding knows.
        num_classes: classes to choose from.
        pooler: a class path, or `{"class_path": ..., "init_args": {...}}`; `in_features` is filled in.
        kind: `"lstm"`, `"gru"` or `"rnn"`.
        embedding_dim: width of the embedding.
        hidden_size: units of the network in each direction.
        num_layers: layers of the network.
        bidirectional: whether the network reads both ways.

    Shape:
        ids `(B, T)`; lengths `(B,)` -> logits `(B, num_classes)`.

    Raises:
        TypeError: `pooler` is no configuration.
        ValueError: there is no such pooler or kind of network.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> model = RNNClassifier(num_words=50, num_classes=2, pooler="seqpool.AttentionPooler").eval()
        >>> with TemporaryDirectory() as folder:
        ...     model.save_pretrained(folder)
        ...     again = RNNClassifier.from_pretrained(folder, strict=True)
        Loading weights from local directory
        >>> ids = torch.randint(50, (3, 7))
        >>> torch.equal(again(ids, [7, 0, 3]), model(ids, [7, 0, 3]))
        True
    """

    def __init__(
        self,
        num_words: int,
        num_classes: int,
        *,
        pooler: PoolerConfig = "seqpool.BiConcatPooler",
        kind: Kind = "lstm",
        embedding_dim: int = 128,
        hidden_size: int = 128,
        num_layers: int = 1,
        bidirectional: bool = True,
    ) -> None:
        super().__init__()
        if kind not in get_args(Kind):
            raise ValueError(f"kind must be one of {', '.join(get_args(Kind))}, {kind!r} came")
        width = 2 * hidden_size if bidirectional else hidden_size
        self.embedding = nn.Embedding(num_words, embedding_dim)
        rnn = _KINDS[kind](embedding_dim, hidden_size, num_layers, batch_first=True, bidirectional=bidirectional)
        self.encoder = RNNEncoder(rnn, build_pooler(as_json(pooler), width))
        self.head = nn.Linear(self.encoder.out_features, num_classes)

    def forward(self, ids: Tensor, lengths: Integers | None = None, *, mask: Tensor | None = None) -> Tensor:
        """Logits, `(B, num_classes)`."""
        logits: Tensor = self.head(self.encoder(self.embedding(ids), lengths, mask=mask))
        return logits
