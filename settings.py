"""Settings of an installation, read from the environment or a `.env` file."""

from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Every setting has an environment variable `OMNIKPI_<NAME>`; paths are absolute once read."""

    model_config = SettingsConfigDict(env_prefix="OMNIKPI_", env_file=".env", extra="ignore", frozen=True)

    data_dir: Path = Field(default=Path("data"), description="Where every file omnikpi writes is kept.")
    locale: Literal["en", "fr"] = Field(default="en", description="Language a visitor sees first.")
    currency: str = Field(default="EUR", pattern="^[A-Z]{3}$", description="Reporting currency, ISO 4217.")
    timezone: str = Field(default="Europe/Paris", description="Time zone of what has no location, IANA name.")
    sources: Path | None = Field(default=None, description="Extra folder of mapping files.")
    hash_key: SecretStr | None = Field(default=None, description="Key of the identifiers' hashes; made once if absent.")
    memory: str = Field(
        default="4GB",
        pattern="^[0-9]+ ?[MG]i?B$",
        description="What a build, or loading up to 1 GB, may hold in memory; they spill beyond.",
    )
    keep_builds: int = Field(default=14, ge=2, description="How many published builds stay.")
    keep_archive_days: int | None = Field(
        default=None, ge=1, description="Days an archived file and its rejected rows stay after loading; for ever unless set."
    )
    on_failure: str | None = Field(
        default=None, description="Shell command called when a run fails or refuses a file; it reads `last_run.json` on stdin."
    )
    prometheus_file: Path | None = Field(
        default=None, description="Where to write metrics for node_exporter, `omnikpi.prom` of the data folder unless set."
    )

    @field_validator("timezone")
    @classmethod
    def _zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            raise ValueError(f"{name} is not a time zone; write an IANA name such as Europe/Paris") from None
        return name

    @field_validator("data_dir", "sources", "prometheus_file")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        return path.expanduser().resolve() if path else None

    @property
    def loading_memory(self) -> str:
        """What loading may hold in memory: never more than it has use for."""
        unit = self.memory.lstrip("0123456789 ")
        size = int(self.memory.removesuffix(unit)) * {"MB": 10**6, "MiB": 2**20, "GB": 10**9, "GiB": 2**30}[unit]
        return self.memory if size < 10**9 else "1GB"

    @property
    def inbox(self) -> Path:
        return self.data_dir / "inbox"

    @property
    def archive(self) -> Path:
        return self.data_dir / "archive"

    @property
    def quarantine(self) -> Path:
        return self.data_dir / "quarantine"

    @property
    def vault(self) -> Path:
        return self.data_dir / "vault.duckdb"

    @property
    def warehouse(self) -> Path:
        return self.data_dir / "warehouse.duckdb"

    @property
    def builds(self) -> Path:
        return self.data_dir / "builds"

    @property
    def current(self) -> Path:
        return self.data_dir / "CURRENT"


def load_settings() -> Settings:
    """The settings in force; raises `pydantic.ValidationError` naming each variable that is wrong."""
    return Settings()
