"""The public files, as data: where they are, what they must hash to, and under which licence they come."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PublicFile:
    """One file of a release.

    Attributes:
        name: path below the folder that it is fetched into (and, on the hub, in its repository).
        size: bytes.
        sha256: hex.
        licence: SPDX identifier, with a remark where it is not the file's own.
        repository: on the hub, with ``revision``; empty for a file elsewhere.
        revision: commit of the repository.
        url: of a file that is not on the hub, pinned to a commit where its publisher has any; the digest decides.
    """

    name: str
    size: int
    sha256: str
    licence: str
    repository: str = ""
    revision: str = ""
    url: str = ""

    @property
    def origin(self) -> str:
        """Where it comes from, for people."""
        return f"{self.repository}@{self.revision[:8]}" if self.repository else self.url


@dataclass(frozen=True, slots=True)
class Release:
    """Files that are used together, and the commands that turn them into version folders."""

    files: tuple[PublicFile, ...]
    imports: tuple[str, ...]


_STUDENT = ("JinhyukJang/lipforcing", "49f1f15bdc0d266e6e6ef64ccaa1ee86367a8799")
_WAN = ("Wan-AI/Wan2.1-T2V-14B", "a064a6c71f5be440641209c07bf2a5ce7a2ff5e4")
_WAV2VEC2 = ("facebook/wav2vec2-base-960h", "22aad52d435eb6dbaf354bdad9b0da84ce7d6156")
_TAEW = "https://raw.githubusercontent.com/madebyollin/taehv/011dfc2112197741c540e0bdd5b7b67bcc930771/taew2_1.pth"

_CODECS = (
    PublicFile(
        "Wan2.1_VAE.pth", 507_609_880, "38071ab59bd94681c686fa51d75a1968f64e470262043be31f7a094e442fd981", "Apache-2.0", *_WAN
    ),
    PublicFile("taew2_1.pth", 22_678_901, "d26151e76cdc2c9424bef988de874b33d9a53f30ef3060cd556c429c469c797e", "MIT", url=_TAEW),
)
_SPEECH = (
    PublicFile(
        "model.safetensors", 377_607_901,
        "8aa76ab2243c81747a1f832954586bc566090c83a0ac167df6f31f0fa917d74a", "Apache-2.0", *_WAV2VEC2,
    ),
)  # fmt: skip
_TEXT = (
    PublicFile(
        "models_t5_umt5-xxl-enc-bf16.pth", 11_361_920_418,
        "7cace0da2b446bbbbc57d031ab6cf163a3d59b366da94e5afe36745b746fd81d", "Apache-2.0", *_WAN,
    ),
    PublicFile(
        "google/umt5-xxl/spiece.model", 4_548_313,
        "e3909a67b780650b35cf529ac782ad2b6b26e6d1f849d3fbb6a872905f452458", "Apache-2.0", *_WAN,
    ),
    PublicFile(
        "google/umt5-xxl/tokenizer.json", 16_837_417,
        "6e197b4d3dbd71da14b4eb255f4fa91c9c1f2068b20a2de2472967ca3d22602b", "Apache-2.0", *_WAN,
    ),
    PublicFile(
        "google/umt5-xxl/tokenizer_config.json", 61_728,
        "ed9a3a8b0faa71a70a32847e0435fe036e6e112d4df4edb7bb48a921e344dc05", "Apache-2.0", *_WAN,
    ),
)  # fmt: skip
_LIP_FORCING_14B = PublicFile(
    "lipforcing_14b.pth", 28_588_528_943,
    "ea9f111f374a208a80b6604e2c698639f03ad666bb7cda72c727a93cd43e4307", "Apache-2.0", *_STUDENT,
)  # fmt: skip

# The network's code is MIT, (c) 2016 Joon Son Chung; the page that holds its weights names no licence of their own.
_SYNCNET = PublicFile(
    "syncnet_v2.model", 54_573_114, "961e8696f888fce4f3f3a6c3d5b3267cf5b343100b238e79b2659bff2c605442",
    "MIT (its code's; the file names none)", url="https://www.robots.ox.ac.uk/~vgg/software/lipsync/data/syncnet_v2.model",
)  # fmt: skip

_ENCODER_IMPORTS = (
    "dubline weights import {folder}/Wan2.1_VAE.pth --as wan-vae",
    "dubline weights import {folder}/model.safetensors --as wav2vec2",
)
# The 1.3B student was never published; everything around it was.
RELEASES = {
    "14b": Release(
        (_LIP_FORCING_14B, *_CODECS, *_SPEECH, *_TEXT),
        (
            *_ENCODER_IMPORTS,
            "dubline weights import {folder}/models_t5_umt5-xxl-enc-bf16.pth --as text --out {folder}/text_emb.safetensors",
            "dubline weights import {folder}/lipforcing_14b.pth --as 14b",
        ),
    ),
    "encoders": Release((*_CODECS, *_SPEECH), _ENCODER_IMPORTS),
    "syncnet": Release((_SYNCNET,), ("dubline weights import {folder}/syncnet_v2.model --as syncnet",)),
}
