"""Without the optional packages: what needs one says so and names the cure, and nothing else is affected."""

import subprocess
import sys

import pytest

PACKAGES = ("sentence_transformers", "transformers", "huggingface_hub", "safetensors")


def run_without_packages(script: str) -> str:
    hidden = f"import sys\nsys.modules.update(dict.fromkeys({PACKAGES}))\n"
    run = subprocess.run([sys.executable, "-c", hidden + script], capture_output=True, text=True, check=True)
    return run.stdout


@pytest.mark.parametrize(
    ("module", "package"), [("sentence_transformers", "sentence-transformers 6"), ("hub", "huggingface_hub")]
)
def test_a_missing_package_is_named_with_its_cure(module: str, package: str) -> None:
    script = f"try: import seqpool.integrations.{module}\nexcept ModuleNotFoundError as error: print(error)"
    said = run_without_packages(script)
    assert said.startswith(f"seqpool.integrations.{module} needs {package}")
    assert said.endswith("pip install 'seqpool[integrations]'\n")


def test_the_rest_needs_none() -> None:
    script = "import seqpool.testing, seqpool.integrations.config, seqpool.integrations.transformers; print('fine')"
    assert run_without_packages(script) == "fine\n"
