"""The configuration: read once from TOML, validated, frozen; one module for each part of it.

Paths are relative to the folder of the configuration file. Every limit of SECURITY.md is a setting
with that document's default; none can be switched off, so each has bounds.
"""

from ksz_childbenefits.config.operators import CadastreSettings, OperatorSettings, RemoteSettings
from ksz_childbenefits.config.sections import PassphraseSettings
from ksz_childbenefits.config.security import (
    AuthoritySettings,
    NextKeySettings,
    RevocationSettings,
    SecuritySettings,
)
from ksz_childbenefits.config.service import (
    LimitSettings,
    LogSettings,
    RateSettings,
    ServiceSettings,
)
from ksz_childbenefits.config.settings import (
    DatabaseSettings,
    DemoSettings,
    Settings,
    explain,
    load_settings,
)

__all__ = [
    "AuthoritySettings",
    "CadastreSettings",
    "DatabaseSettings",
    "DemoSettings",
    "LimitSettings",
    "LogSettings",
    "NextKeySettings",
    "OperatorSettings",
    "PassphraseSettings",
    "RateSettings",
    "RemoteSettings",
    "RevocationSettings",
    "SecuritySettings",
    "ServiceSettings",
    "Settings",
    "explain",
    "load_settings",
]
