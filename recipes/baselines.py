"""What a trained network is held against: the most frequent class, and a linear model on a bag of words."""

import time
from dataclasses import dataclass
from typing import final

import torch
from sklearn.feature_extraction.text import TfidfVectorizer  # type: ignore[import-untyped]  # it has no types
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]  # it has no types
from torch import Tensor

from recipes.data.corpus import Corpus
from recipes.model import metrics


@final
@dataclass(frozen=True, kw_only=True)
class Score:
    """One row of the table: how a model did on the test split, and what it cost.

    Args:
        model: Name of the pooler or baseline.
        accuracy: Share of test texts that are right.
        macro_f1: F1 averaged over classes.
        seconds: Wall-clock seconds an epoch, the median; for a baseline, of the whole fit.
        parameters: Numbers that were learned.
    """

    model: str
    accuracy: float
    macro_f1: float
    seconds: float
    parameters: int


@final
@dataclass(frozen=True, kw_only=True)
class Answer:
    """The class a baseline gives each test text, and what it cost.

    Args:
        predicted: Numbers of classes.
        seconds: Wall-clock seconds of the whole fit.
        parameters: Numbers that were learned.
    """

    predicted: Tensor
    seconds: float
    parameters: int


def majority(corpus: Corpus) -> Score:
    """Answer the most frequent class of the training split."""
    return _score("majority class", corpus, answer_majority(corpus))


def bag_of_words(corpus: Corpus, seed: int) -> Score:
    """Logistic regression on the tf-idf of whole texts."""
    return _score("bag of words, linear", corpus, answer_linear(corpus, seed))


def answer_majority(corpus: Corpus) -> Answer:
    """The most frequent class of the training split, for every test text."""
    start = time.perf_counter()
    most = torch.tensor(corpus.splits["train"]["label"][:]).bincount().argmax()
    seconds = time.perf_counter() - start
    return Answer(predicted=most.repeat(len(corpus.splits["test"])), seconds=seconds, parameters=0)


def answer_linear(corpus: Corpus, seed: int) -> Answer:
    """What logistic regression on the tf-idf of whole texts gives each test text.

    Raises:
        ValueError: the training texts are of one class, or have no word of two letters.
    """
    start = time.perf_counter()
    train, test = corpus.splits["train"], corpus.splits["test"]
    if len(set(train["label"])) < 2:
        raise ValueError("the linear model needs training texts of two classes: give more texts")
    vectorizer = TfidfVectorizer(sublinear_tf=True)
    model = LogisticRegression(C=10.0, max_iter=1000, random_state=seed)
    analyze = vectorizer.build_analyzer()
    if not any(map(analyze, train["text"])):
        raise ValueError("the linear model needs a word of two letters in the training texts, they have none")
    model.fit(vectorizer.fit_transform(train["text"]), train["label"][:])
    seconds = time.perf_counter() - start
    predicted = torch.tensor(model.predict(vectorizer.transform(test["text"])))
    return Answer(predicted=predicted, seconds=seconds, parameters=model.coef_.size + model.intercept_.size)


def _score(name: str, corpus: Corpus, answer: Answer) -> Score:
    both = metrics(len(corpus.labels))
    values = both(answer.predicted, torch.tensor(corpus.splits["test"]["label"][:]))
    return Score(
        model=name,
        accuracy=float(values["accuracy"]),
        macro_f1=float(values["macro_f1"]),
        seconds=answer.seconds,
        parameters=answer.parameters,
    )
