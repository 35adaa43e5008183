"""The variables that Dubline reads."""

from pydantic_settings import BaseSettings

import dubbing.settings

SETTINGS: dict[str, type[BaseSettings]] = {
    f"{kind.model_config['env_prefix']}{name}".upper(): kind
    for kind in vars(dubbing.settings).values()
    if isinstance(kind, type) and issubclass(kind, BaseSettings) and kind is not BaseSettings
    for name in kind.model_fields
}
# Read by the command line and by the stack where they begin; they are no settings of a service.
OF_THE_COMMAND_LINE = {"DUBLINE_API_URL", "DUBLINE_API_KEY", "DUBLINE_HOME", "DUBLINE_CARRIERS"}
