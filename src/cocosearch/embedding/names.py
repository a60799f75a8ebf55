"""Names of models, compared as Ollama compares them (types/model/name.go): parts left out have defaults, and case does not count."""

DEFAULT_HOST, DEFAULT_NAMESPACE, DEFAULT_TAG = "registry.ollama.ai", "library", "latest"


def canonical_name(name: str) -> str:
    """`host/namespace/model:tag` in lower case: equal for all spellings by which Ollama finds the same model."""
    rest, tag = name.strip().lower(), DEFAULT_TAG
    if rest.rfind(":") > rest.rfind("/"):
        rest, _, tag = rest.rpartition(":")
    rest, _, model = rest.rpartition("/")
    rest, _, namespace = rest.rpartition("/")
    host = rest.partition("://")[2] or rest
    return f"{host or DEFAULT_HOST}/{namespace or DEFAULT_NAMESPACE}/{model}:{tag or DEFAULT_TAG}"


def short_name(name: str) -> str:
    """The canonical name without what is the default in it, as `ollama list` shows it but for the tag `latest`."""
    short = canonical_name(name).removeprefix(f"{DEFAULT_HOST}/").removeprefix(f"{DEFAULT_NAMESPACE}/")
    return short.removesuffix(f":{DEFAULT_TAG}")


def base_name(name: str) -> str:
    """The model's own name in lower case, without where it comes from and without its tag: `qwen3-embedding-0.6b-gguf`."""
    return canonical_name(name).rpartition("/")[2].partition(":")[0]
