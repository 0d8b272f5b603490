"""A secret comes from the environment or a file, and a file that cannot be used is named without its content."""

from __future__ import annotations

from pathlib import Path

import pytest

from ems_pipeline.secret import SecretUnreadable, secret


def test_the_environment_goes_before_the_file_and_nothing_is_none(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("  from file \n", encoding="utf-8")
    assert secret("TOKEN", {}) is None
    assert secret("TOKEN", {"TOKEN": "", "TOKEN_FILE": ""}) is None
    assert secret("TOKEN", {"TOKEN_FILE": str(file)}) == "from file"
    assert secret("TOKEN", {"TOKEN": "from environment", "TOKEN_FILE": str(file)}) == "from environment"


def test_a_file_that_is_not_there_or_empty_is_named(tmp_path: Path) -> None:
    with pytest.raises(SecretUnreadable, match=r"TOKEN_FILE names .*/nowhere, which cannot be read: No such file"):
        secret("TOKEN", {"TOKEN_FILE": str(tmp_path / "nowhere")})
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(SecretUnreadable, match="which is empty; put the secret into its first line"):
        secret("TOKEN", {"TOKEN_FILE": str(tmp_path / "empty")})
