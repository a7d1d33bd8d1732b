"""What Asterisk itself is asked, over its REST interface."""

import requests

from ...config import Settings
from ...plugin import errors

__all__ = ["sounds"]

# Together well below the time that a call may take.
_TIMEOUT = (3, 6)


def sounds(settings: Settings) -> list[list[str]]:
    """For each sound that Asterisk has, the languages it has it in.

    Args:
        settings: `ari_url`, and the worker's account there.

    Raises:
        Unavailable: no address is set, or Asterisk does not give the sounds.
    """
    if not settings.ari_url:
        raise errors.Unavailable("Asterisk, as CONFD_ARI_URL is not set")
    url = settings.ari_url.rstrip("/") + "/ari/sounds"
    try:
        response = requests.get(url, auth=(settings.ari_username, settings.ari_password), timeout=_TIMEOUT)
        response.raise_for_status()
        return [[one["language"] for one in sound["formats"]] for sound in response.json()]
    except requests.HTTPError as error:
        raise errors.Unavailable(f"Asterisk, which answers with status {error.response.status_code}") from error
    except (requests.RequestException, ValueError, KeyError, TypeError) as error:
        raise errors.Unavailable(f"Asterisk ({type(error).__name__})") from error
